import type { StorageCapabilities } from '../contracts/capabilities.ts';
import type { EntryMetadata } from '../contracts/entry-metadata.ts';
import type {
  CacheStorage,
  ConditionalOptions,
  GetHit,
  GetOptions,
  GetRangeNotSatisfiable,
  ListOptions,
  OperationOptions,
  PutInput,
  PutOptions,
  StatResult,
  StorageCounters,
} from '../contracts/storage.ts';
import type {
  Awaitable,
  CheckResult,
  EntryInfo,
  GetOutcome,
  ListedEntry,
  StorageAdapter,
  StoredMetadata,
  Version,
} from '../contracts/storage-adapter.ts';
import { StorageError, type StorageOperation } from '../contracts/storage-error.ts';
import { type StorageKey, storageKey } from '../contracts/storage-key.ts';
import { GuardedBody } from './guarded-body.ts';
import { decodeMetadata, encodeMetadata } from './metadata-codec.ts';
import { isPromise, OperationRunner } from './operation-runner.ts';
import { OperationScope } from './operation-scope.ts';
import { NormalisedBody } from './put-body.ts';
import { DEFAULT_RETRY, type RetryPolicy } from './retry.ts';

/** Bytes in memory get the time to be sent at this rate, in bytes per millisecond: 256 KiB a second. */
const SLOWEST_RATE = (256 * 1024) / 1000;

/** How the public side treats an adapter. */
export interface StorageOptions {
  /** The adapter's id, for errors and logs. */
  readonly name: string;
  /**
   * Longest time to an answer, retries included, and longest idle time while data is demanded, in
   * milliseconds. A put of bytes, whose progress cannot be seen, gets longer if there are so many that
   * they would take it at 256 KiB a second.
   */
  readonly deadlineMs?: number;
  /** Longest time for `open` and `close`, in milliseconds. */
  readonly openDeadlineMs?: number;
  readonly retry?: RetryPolicy;
  /** When an entry that is written now is of no more use; without it none ever is. See `StoredMetadata.expiresAt`. */
  readonly expiresAt?: (metadata: EntryMetadata) => number | undefined;
  /** In [0, 1); for tests. */
  readonly random?: () => number;
}

/** Puts the public side around an adapter. No I/O yet: that begins with `open`. */
export function createStorage(adapter: StorageAdapter, options: StorageOptions): CacheStorage {
  return new PublicStorage(adapter, options);
}

/** A body that nobody reads would keep its socket or handle for ever. */
function discardLate(outcome: GetOutcome): void {
  if (outcome?.kind === 'entry') outcome.body.discard().catch(() => undefined);
}

class PublicStorage implements CacheStorage {
  readonly name: string;
  readonly #adapter: StorageAdapter;
  readonly #deadlineMs: number;
  readonly #openDeadlineMs: number;
  readonly #expiresAt: (metadata: EntryMetadata) => number | undefined;
  readonly #runner: OperationRunner;
  #state: 'new' | 'open' | 'closed' = 'new';
  #opening: Promise<void> | undefined;
  /** The adapter's `open` that has not settled; whoever asked for it may have given it up. */
  #adapterOpening: Promise<void> | undefined;
  #adapterIsOpen = false;
  #closing: Promise<void> | undefined;

  constructor(adapter: StorageAdapter, options: StorageOptions) {
    this.#adapter = adapter;
    this.name = options.name;
    this.#deadlineMs = options.deadlineMs ?? 30_000;
    this.#openDeadlineMs = options.openDeadlineMs ?? 30_000;
    this.#expiresAt = options.expiresAt ?? (() => undefined);
    this.#runner = new OperationRunner(options.name, options.retry ?? DEFAULT_RETRY, options.random ?? Math.random);
  }

  get counters(): StorageCounters {
    return this.#runner.counters;
  }

  get capabilities(): StorageCapabilities {
    return this.#adapter.capabilities;
  }

  open(options: OperationOptions = {}): Promise<void> {
    if (this.#state === 'open') return Promise.resolve();
    if (this.#state === 'closed') return Promise.reject(this.#closedError('open'));
    this.#opening ??= this.#open(options).finally(() => {
      this.#opening = undefined;
    });
    return this.#opening;
  }

  async #open(options: OperationOptions): Promise<void> {
    const scope = new OperationScope('open', this.#openDeadlineMs, options.signal);
    await this.#runner.run({ operation: 'open', scope, attempt: () => this.#openAdapter(scope) });
    if (this.#state === 'new') this.#state = 'open';
  }

  /** Never a second `open` beside one that goes on after its deadline. */
  async #openAdapter(scope: OperationScope): Promise<void> {
    // What it fails with was an answer to another caller.
    await this.#adapterOpening?.catch(() => undefined);
    if (this.#adapterIsOpen) return;
    scope.throwIfEnded();
    const opening = this.#adapter.open(scope).then(() => {
      this.#adapterIsOpen = true;
    });
    this.#adapterOpening = opening.finally(() => {
      this.#adapterOpening = undefined;
    });
    await this.#adapterOpening;
  }

  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  async #close(): Promise<void> {
    this.#state = 'closed';
    await this.#opening?.catch(() => undefined);
    if (!this.#adapterIsOpen && this.#adapterOpening === undefined) return;
    const scope = new OperationScope('close', this.#openDeadlineMs, undefined);
    await this.#runner.run({
      operation: 'close',
      scope,
      attempt: async () => {
        await this.#adapterOpening?.catch(() => undefined);
        if (this.#adapterIsOpen) await this.#adapter.close();
      },
    });
  }

  get(key: string, options: GetOptions = {}): Awaitable<GetHit | GetRangeNotSatisfiable | undefined> {
    const checked = this.#enter('get', key);
    if (checked instanceof StorageError) return Promise.reject(checked);
    const { range, signal, deadlineMs = this.#deadlineMs } = options;
    if (range !== undefined && !this.capabilities.ranges) return this.#unsupported('get', checked, 'byte ranges');
    const scope = new OperationScope('get', deadlineMs, signal);
    const outcome = this.#runner.run({
      operation: 'get',
      key: checked,
      scope,
      attempt: () => this.#adapter.get(checked, range, scope),
      late: discardLate,
    });
    if (!isPromise(outcome)) return this.#hit(checked, outcome, signal);
    return outcome.then((late) => this.#hit(checked, late, signal));
  }

  #hit(
    key: StorageKey,
    outcome: GetOutcome,
    signal: AbortSignal | undefined,
  ): GetHit | GetRangeNotSatisfiable | undefined {
    if (outcome === undefined) {
      this.#runner.counters.misses++;
      return undefined;
    }
    this.#runner.counters.hits++;
    const { size, version } = outcome;
    if (outcome.kind === 'range-not-satisfiable') {
      return { kind: outcome.kind, metadata: this.#decode('get', key, outcome), size, version };
    }
    let metadata: EntryMetadata;
    try {
      metadata = this.#decode('get', key, outcome);
    } catch (error) {
      outcome.body.discard().catch(() => undefined);
      throw error;
    }
    const body =
      outcome.body.buffered === undefined
        ? new GuardedBody(outcome.body, this.#deadlineMs, signal, (error) =>
            this.#runner.mapped('get', key, error, signal),
          )
        : outcome.body;
    return { kind: outcome.kind, metadata, size, version, range: outcome.range, body };
  }

  stat(key: string, options: OperationOptions = {}): Awaitable<StatResult | undefined> {
    const checked = this.#enter('stat', key);
    if (checked instanceof StorageError) return Promise.reject(checked);
    const scope = new OperationScope('stat', options.deadlineMs ?? this.#deadlineMs, options.signal);
    const outcome = this.#runner.run({
      operation: 'stat',
      key: checked,
      scope,
      attempt: () => this.#adapter.stat(checked, scope),
    });
    const finish = (info: EntryInfo | undefined) =>
      info && { metadata: this.#decode('stat', checked, info), size: info.size, version: info.version };
    return isPromise(outcome) ? outcome.then(finish) : finish(outcome);
  }

  async put(key: string, input: PutInput, metadata: EntryMetadata, options: PutOptions = {}): Promise<Version> {
    const checked = this.#enter('put', key);
    if (checked instanceof StorageError) throw checked;
    const { condition, signal } = options;
    const { conditionalCreate, conditionalReplace, maxObjectBytes } = this.capabilities;
    if (condition && !('ifAbsent' in condition ? conditionalCreate : conditionalReplace)) {
      return this.#unsupported('put', checked, 'ifAbsent' in condition ? 'conditional creation' : 'conditional puts');
    }
    const sendingMs = input instanceof Uint8Array ? input.length / SLOWEST_RATE : 0;
    const scope = new OperationScope('put', Math.max(options.deadlineMs ?? this.#deadlineMs, sendingMs), signal);
    const body = this.#runner.guarded(
      'put',
      checked,
      () => new NormalisedBody(input, options.size, maxObjectBytes, scope),
    );
    const stored = this.#encode('put', checked, metadata);
    return this.#runner.run({
      operation: 'put',
      key: checked,
      scope,
      body,
      conditional: condition !== undefined,
      attempt: () => this.#adapter.put(checked, body, stored, condition, scope),
    });
  }

  async setMetadata(
    key: string,
    metadata: EntryMetadata,
    options: ConditionalOptions = {},
  ): Promise<Version | undefined> {
    const checked = this.#enter('setMetadata', key);
    if (checked instanceof StorageError) throw checked;
    const { condition, signal } = options;
    if (condition && !this.capabilities.conditionalMetadata) {
      return this.#unsupported('setMetadata', checked, 'conditional metadata');
    }
    const stored = this.#encode('setMetadata', checked, metadata);
    const scope = new OperationScope('setMetadata', options.deadlineMs ?? this.#deadlineMs, signal);
    return this.#runner.run({
      operation: 'setMetadata',
      key: checked,
      scope,
      conditional: condition !== undefined,
      attempt: () => this.#adapter.setMetadata(checked, stored, condition, scope),
    });
  }

  #encode(operation: StorageOperation, key: StorageKey, metadata: EntryMetadata): StoredMetadata {
    return this.#runner.guarded(operation, key, () => {
      const stored = encodeMetadata(metadata, this.capabilities.maxMetadataBytes);
      const expiresAt = this.#expiresAt(metadata);
      return expiresAt === undefined ? stored : { ...stored, expiresAt };
    });
  }

  async delete(key: string, options: ConditionalOptions = {}): Promise<void> {
    const checked = this.#enter('delete', key);
    if (checked instanceof StorageError) throw checked;
    const { condition, signal } = options;
    if (condition && !this.capabilities.conditionalDelete) {
      return this.#unsupported('delete', checked, 'conditional deletion');
    }
    const scope = new OperationScope('delete', options.deadlineMs ?? this.#deadlineMs, signal);
    return this.#runner.run({
      operation: 'delete',
      key: checked,
      scope,
      conditional: condition !== undefined,
      attempt: () => this.#adapter.delete(checked, condition, scope),
    });
  }

  async *list(prefix: string, options: ListOptions = {}): AsyncGenerator<ListedEntry, void> {
    this.#enterOpen('list');
    if (!/^[a-z0-9._/-]*$/.test(prefix)) {
      throw this.#runner.count(
        new StorageError({
          code: 'invalid-argument',
          message: `The prefix ${JSON.stringify(prefix)} holds a character that no key can have.`,
          operation: 'list',
          adapter: this.name,
        }),
      );
    }
    const scope = new OperationScope('list', options.deadlineMs ?? this.#deadlineMs, options.signal);
    const begin = (after: StorageKey | undefined) => this.#adapter.list(prefix, after, scope)[Symbol.asyncIterator]();
    let { after } = options;
    let rows: AsyncIterator<ListedEntry> | undefined;
    // A broken page is asked for again from the last row: each row still comes once.
    const next = () =>
      this.#runner.settle<IteratorResult<ListedEntry>>({
        operation: 'list',
        scope,
        attempt: async () => {
          rows ??= begin(after);
          try {
            return await rows.next();
          } catch (error) {
            rows = undefined;
            throw error;
          }
        },
      });
    try {
      for (;;) {
        const row = await scope.race(next());
        if (row.done) {
          rows = undefined;
          return;
        }
        after = row.value.key;
        yield row.value;
      }
    } catch (error) {
      throw this.#runner.outward({ operation: 'list', scope }, error);
    } finally {
      // One that hangs in `next` answers `return` only after that; the scope has ended then.
      const released = rows?.return?.();
      if (released) await scope.race(Promise.resolve(released)).catch(() => undefined);
    }
  }

  async check(options: OperationOptions = {}): Promise<CheckResult> {
    const scope = new OperationScope('check', this.#openDeadlineMs, options.signal);
    this.#runner.counters.operations.check++;
    try {
      await this.open(options);
      return await scope.race(this.#adapter.check(scope));
    } catch (error) {
      const mapped = this.#runner.mapped('check', undefined, error, options.signal);
      if (!StorageError.is(mapped)) throw mapped;
      return { ok: false, summary: this.name, problem: mapped.message };
    }
  }

  /** Counts the operation; answers with the checked key, or with the error that keeps it out. */
  #enter(operation: StorageOperation, key: string): StorageKey | StorageError {
    this.#runner.counters.operations[operation]++;
    if (this.#state !== 'open') return this.#runner.count(this.#closedError(operation));
    try {
      return storageKey(key);
    } catch (error) {
      return this.#runner.count((error as StorageError).with({ operation, adapter: this.name }));
    }
  }

  #enterOpen(operation: StorageOperation): void {
    this.#runner.counters.operations[operation]++;
    if (this.#state !== 'open') throw this.#runner.count(this.#closedError(operation));
  }

  #closedError(operation: StorageOperation): StorageError {
    const message = this.#state === 'closed' ? 'This storage was closed.' : 'This storage has not been opened.';
    return new StorageError({ code: 'closed', message, operation, adapter: this.name });
  }

  #unsupported(operation: StorageOperation, key: StorageKey, what: string): Promise<never> {
    const message = `The storage ${this.name} has no ${what}.`;
    const error = new StorageError({ code: 'unsupported', message, operation, key, adapter: this.name });
    return Promise.reject(this.#runner.count(error));
  }

  #decode(operation: StorageOperation, key: StorageKey, info: EntryInfo): EntryMetadata {
    return this.#runner.guarded(operation, key, () => decodeMetadata(info.metadata));
  }
}
