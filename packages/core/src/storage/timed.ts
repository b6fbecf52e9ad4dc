import type { StorageCapabilities } from '../contracts/capabilities.ts';
import type { ProxyEvent } from '../contracts/observer.ts';
import type {
  Awaitable,
  ByteRange,
  CheckResult,
  EntryInfo,
  GetOutcome,
  ListedEntry,
  OperationContext,
  PutBody,
  PutCondition,
  StorageAdapter,
  StorageUsage,
  StoredMetadata,
  Version,
  VersionCondition,
} from '../contracts/storage-adapter.ts';
import { StorageError, type StorageOperation } from '../contracts/storage-error.ts';
import type { StorageKey } from '../contracts/storage-key.ts';

/** `storage`, with `emit` told how long its operations take (`storage-operation`), by the name `id`. */
export function timed(storage: StorageAdapter, id: string, emit: (event: ProxyEvent) => void): StorageAdapter {
  return new TimedStorage(storage, id, emit);
}

class TimedStorage implements StorageAdapter {
  readonly #storage: StorageAdapter;
  readonly #id: string;
  readonly #emit: (event: ProxyEvent) => void;
  readonly #isMemory: boolean;
  readonly usage?: () => StorageUsage;

  constructor(storage: StorageAdapter, id: string, emit: (event: ProxyEvent) => void) {
    this.#storage = storage;
    this.#id = id;
    this.#emit = emit;
    this.#isMemory = storage.capabilities.durability === 'none';
    if (storage.usage) this.usage = storage.usage.bind(storage);
  }

  get capabilities(): StorageCapabilities {
    return this.#storage.capabilities;
  }

  open(context: OperationContext): Promise<void> {
    return this.#timed('open', context, performance.now(), this.#storage.open(context));
  }

  close(): Promise<void> {
    return this.#storage.close();
  }

  get(key: StorageKey, range: ByteRange | undefined, context: OperationContext): Awaitable<GetOutcome> {
    // A hit in memory must not cost more: what outlives no process takes no time that is worth a look.
    if (this.#isMemory) {
      const outcome = this.#storage.get(key, range, context);
      return outcome instanceof Promise ? this.#timed('get', context, performance.now(), outcome) : outcome;
    }
    const started = performance.now();
    const outcome = this.#storage.get(key, range, context);
    if (outcome instanceof Promise) return this.#timed('get', context, started, outcome);
    this.#tell('get', started);
    return outcome;
  }

  stat(key: StorageKey, context: OperationContext): Awaitable<EntryInfo | undefined> {
    const started = performance.now();
    const outcome = this.#storage.stat(key, context);
    return outcome instanceof Promise ? this.#timed('stat', context, started, outcome) : outcome;
  }

  put(
    key: StorageKey,
    body: PutBody,
    metadata: StoredMetadata,
    condition: PutCondition | undefined,
    context: OperationContext,
  ): Promise<Version> {
    const started = performance.now();
    return this.#timed('put', context, started, this.#storage.put(key, body, metadata, condition, context));
  }

  setMetadata(
    key: StorageKey,
    metadata: StoredMetadata,
    condition: VersionCondition | undefined,
    context: OperationContext,
  ): Promise<Version | undefined> {
    const started = performance.now();
    return this.#timed('setMetadata', context, started, this.#storage.setMetadata(key, metadata, condition, context));
  }

  delete(key: StorageKey, condition: VersionCondition | undefined, context: OperationContext): Promise<void> {
    return this.#timed('delete', context, performance.now(), this.#storage.delete(key, condition, context));
  }

  list(prefix: string, after: StorageKey | undefined, context: OperationContext): AsyncIterable<ListedEntry> {
    return this.#storage.list(prefix, after, context);
  }

  check(context: OperationContext): Promise<CheckResult> {
    return this.#storage.check(context);
  }

  async #timed<T>(
    operation: StorageOperation,
    context: OperationContext,
    started: number,
    running: Promise<T>,
  ): Promise<T> {
    try {
      const value = await running;
      this.#tell(operation, started);
      return value;
    } catch (error) {
      const code = StorageError.is(error) ? error.code : context.signal.aborted ? 'aborted' : 'internal';
      this.#tell(operation, started, code);
      throw error;
    }
  }

  #tell(operation: StorageOperation, started: number, code?: StorageError['code'] | 'aborted'): void {
    this.#emit({
      type: 'storage-operation',
      storage: this.#id,
      operation,
      ms: performance.now() - started,
      ...(code === undefined ? {} : { code }),
    });
  }
}
