/**
 * What went wrong, as a word.
 *
 * | code | meaning | retryable by default |
 * |---|---|---|
 * | `access-denied` | the credentials do not allow it | no |
 * | `misconfigured` | missing bucket, wrong region, TLS failure, clock skew: an operator must act | no |
 * | `unavailable` | refused, reset, 5xx | yes |
 * | `timeout` | no answer within the deadline | yes |
 * | `rate-limited` | the backend asks for less | yes |
 * | `precondition-failed` | the condition of a conditional operation does not hold | no |
 * | `conflict` | another writer got in between; the operation had no effect | yes |
 * | `no-space` | the disk or quota is full | no |
 * | `too-large` | the entry exceeds what the backend takes | no |
 * | `unsupported` | a capability that is not declared | no |
 * | `invalid-argument` | the caller's fault | no |
 * | `corrupt` | the stored bytes are not those that were put | no |
 * | `closed` | the storage was closed, or not opened | no |
 * | `internal` | a defect, ours or the backend's | no |
 */
export type StorageErrorCode =
  | 'access-denied'
  | 'misconfigured'
  | 'unavailable'
  | 'timeout'
  | 'rate-limited'
  | 'precondition-failed'
  | 'conflict'
  | 'no-space'
  | 'too-large'
  | 'unsupported'
  | 'invalid-argument'
  | 'corrupt'
  | 'closed'
  | 'internal';

/** Every storage operation by name, as errors, counters and logs call it. */
export type StorageOperation = 'open' | 'close' | 'get' | 'stat' | 'put' | 'setMetadata' | 'delete' | 'list' | 'check';

const RETRYABLE: ReadonlySet<StorageErrorCode> = new Set(['unavailable', 'timeout', 'rate-limited', 'conflict']);

const BRAND = Symbol.for('tintype.StorageError');

/** What makes a `StorageError`; everything but `code` and `message` has a sensible default. */
export interface StorageErrorInit {
  readonly code: StorageErrorCode;
  /** A sentence for an operator. Never contains credentials. */
  readonly message: string;
  readonly retryable?: boolean;
  /** When the backend says how long to wait (`Retry-After`), in milliseconds. */
  readonly retryAfterMs?: number;
  /**
   * Whether a write that failed may have taken effect all the same: `no` if the backend certainly
   * refused it, `unknown` if the answer was lost. Reads are always `no`.
   */
  readonly applied?: 'no' | 'unknown';
  readonly operation?: StorageOperation;
  readonly key?: string;
  readonly adapter?: string;
  readonly cause?: unknown;
}

/**
 * The one error that storages reject with. Whether to try again (`retryable`) and whether it took
 * effect (`applied`) are axes of their own, not consequences of the code.
 *
 * Two things are *not* wrapped: an abort rejects with the signal's reason, and an error of the
 * caller's own body stream rejects unchanged.
 */
export class StorageError extends Error {
  static {
    // On the prototype, so that `is` knows instances of another copy of this package.
    Object.defineProperty(StorageError.prototype, BRAND, { value: true });
  }

  override readonly name = 'StorageError';
  readonly code: StorageErrorCode;
  readonly retryable: boolean;
  readonly retryAfterMs: number | undefined;
  readonly applied: 'no' | 'unknown';
  readonly operation: StorageOperation | undefined;
  readonly key: string | undefined;
  readonly adapter: string | undefined;

  constructor(init: StorageErrorInit) {
    super(init.message, init.cause === undefined ? undefined : { cause: init.cause });
    this.code = init.code;
    this.retryable = init.retryable ?? RETRYABLE.has(init.code);
    this.retryAfterMs = init.retryAfterMs;
    this.applied = init.applied ?? 'no';
    this.operation = init.operation;
    this.key = init.key;
    this.adapter = init.adapter;
  }

  /** Tells a `StorageError` from anything else, also across two copies of this package. */
  static is(value: unknown): value is StorageError {
    return typeof value === 'object' && value !== null && BRAND in value;
  }

  /** The same error with what the public side knows filled in (operation, key, adapter). */
  with(context: Pick<StorageErrorInit, 'operation' | 'key' | 'adapter'>): StorageError {
    const error = new StorageError({
      code: this.code,
      message: this.message,
      retryable: this.retryable,
      applied: this.applied,
      cause: this.cause,
      ...(this.retryAfterMs === undefined ? {} : { retryAfterMs: this.retryAfterMs }),
      ...context,
    });
    if (this.stack !== undefined) error.stack = this.stack;
    return error;
  }
}
