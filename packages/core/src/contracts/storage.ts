import type { Body, ByteStream } from './body.ts';
import type { StorageCapabilities } from './capabilities.ts';
import type { EntryMetadata } from './entry-metadata.ts';
import type {
  Awaitable,
  ByteRange,
  CheckResult,
  ListedEntry,
  PutCondition,
  Version,
  VersionCondition,
} from './storage-adapter.ts';
import type { StorageErrorCode, StorageOperation } from './storage-error.ts';
import type { StorageKey } from './storage-key.ts';

/** A body that can be opened again from its start, so that a failed put may be retried. */
export interface BodySource {
  /** Length in bytes, if known. A body of another length fails the put with `invalid-argument`. */
  readonly size?: number | undefined;
  open(): ByteStream;
}

/** What `put` takes. A plain stream is read once, so such a put is never retried. */
export type PutInput = Uint8Array | ByteStream | BodySource;

/** An entry's description with its metadata decoded. */
export interface StatResult {
  readonly metadata: EntryMetadata;
  /** Bytes of the whole body. */
  readonly size: number;
  readonly version: Version;
}

/** A hit. `body` must be consumed or discarded. */
export interface GetHit extends StatResult {
  readonly kind: 'entry';
  readonly range: { readonly first: number; readonly last: number } | undefined;
  readonly body: Body;
}

/** The entry exists, the range doesn't. */
export interface GetRangeNotSatisfiable extends StatResult {
  readonly kind: 'range-not-satisfiable';
}

export interface OperationOptions {
  /** Gives up the operation; it rejects with the signal's reason. */
  readonly signal?: AbortSignal | undefined;
  /** Longest time to an answer in milliseconds, where it differs from the storage's own. */
  readonly deadlineMs?: number | undefined;
}

export interface GetOptions extends OperationOptions {
  readonly range?: ByteRange | undefined;
}

export interface PutOptions extends OperationOptions {
  readonly condition?: PutCondition | undefined;
  /** Declared length in bytes of a plain stream. */
  readonly size?: number | undefined;
}

export interface ConditionalOptions extends OperationOptions {
  readonly condition?: VersionCondition | undefined;
}

export interface ListOptions extends OperationOptions {
  /** Exclusive. */
  readonly after?: StorageKey | undefined;
}

/** What a storage has done so far: counts since `open`, by operation. */
export interface StorageCounters {
  readonly operations: Readonly<Record<StorageOperation, number>>;
  readonly hits: number;
  readonly misses: number;
  readonly retries: number;
  readonly errors: Readonly<Partial<Record<StorageErrorCode, number>>>;
}

/**
 * The public side of a cache storage, made of an adapter by `createStorage`: checks, deadlines,
 * retries, error mapping and counters in one place. Every method rejects with `StorageError`, an
 * abort with the signal's reason, a failing input stream with its own error.
 */
export interface CacheStorage {
  /** The id of the adapter: `fs`, `s3`, … */
  readonly name: string;
  readonly capabilities: StorageCapabilities;
  readonly counters: StorageCounters;
  open(options?: OperationOptions): Promise<void>;
  close(): Promise<void>;
  get(key: string, options?: GetOptions): Awaitable<GetHit | GetRangeNotSatisfiable | undefined>;
  stat(key: string, options?: OperationOptions): Awaitable<StatResult | undefined>;
  put(key: string, body: PutInput, metadata: EntryMetadata, options?: PutOptions): Promise<Version>;
  setMetadata(key: string, metadata: EntryMetadata, options?: ConditionalOptions): Promise<Version | undefined>;
  delete(key: string, options?: ConditionalOptions): Promise<void>;
  list(prefix: string, options?: ListOptions): AsyncIterable<ListedEntry>;
  check(options?: OperationOptions): Promise<CheckResult>;
}
