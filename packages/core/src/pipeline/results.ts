import type { ByteStream } from '../contracts/body.ts';
import type { EntryMetadata } from '../contracts/entry-metadata.ts';
import type { ProxyEvent } from '../contracts/observer.ts';
import type { CacheStorage, GetHit, PutInput } from '../contracts/storage.ts';
import type { Awaitable, Version } from '../contracts/storage-adapter.ts';
import { StorageError } from '../contracts/storage-error.ts';
import type { StorageKey } from '../contracts/storage-key.ts';

export interface ResultCacheOptions {
  readonly storage: CacheStorage;
  /** Longest time that a lookup may take before it counts as a miss, in milliseconds. */
  readonly lookupDeadlineMs: number;
  /** Let failures of the storage fail the request, instead of going on without it. */
  readonly reportErrors: boolean;
  /** Bytes of results that may wait for the storage at a time; what exceeds it isn't stored. */
  readonly maxPendingBytes: number;
  readonly emit: (event: ProxyEvent) => void;
}

/** The result cache: variants in a storage, which may fail without anybody going without an image. */
export class ResultCache {
  readonly #storage: CacheStorage;
  readonly #options: ResultCacheOptions;
  readonly #pending = new Set<Promise<unknown>>();
  #pendingBytes = 0;

  constructor(options: ResultCacheOptions) {
    this.#storage = options.storage;
    this.#options = options;
  }

  /**
   * The entry, fresh or not; `undefined` for a miss. A damaged entry is dropped and is a miss.
   *
   * @throws StorageError only where errors shall be reported.
   */
  lookup(key: StorageKey): Awaitable<GetHit | undefined> {
    let outcome: ReturnType<CacheStorage['get']>;
    try {
      outcome = this.#storage.get(key, { deadlineMs: this.#options.lookupDeadlineMs });
    } catch (error) {
      return this.#lookupFailed(key, error);
    }
    if (outcome instanceof Promise) {
      return outcome.then(
        (entry) => (entry?.kind === 'entry' ? entry : undefined),
        (error) => this.#lookupFailed(key, error),
      );
    }
    return outcome?.kind === 'entry' ? outcome : undefined;
  }

  /** A hit's body as a stream that drops the entry if it turns out damaged on the way. */
  async *streamOf(key: StorageKey, hit: GetHit): ByteStream {
    try {
      yield* hit.body.stream();
    } catch (error) {
      if (StorageError.is(error) && error.code === 'corrupt') await this.#drop(key, hit.version);
      throw error;
    }
  }

  /**
   * Stores a variant. Resolves with whether it was stored; failing is no error.
   *
   * @throws StorageError only where errors shall be reported.
   */
  async store(key: StorageKey, body: PutInput, size: number, metadata: EntryMetadata): Promise<boolean> {
    const { emit, maxPendingBytes } = this.#options;
    if (size > this.#storage.capabilities.maxObjectBytes) {
      emit({ type: 'store-dropped', reason: 'object-too-large' });
      return false;
    }
    if (this.#pendingBytes > 0 && this.#pendingBytes + size > maxPendingBytes) {
      emit({ type: 'store-dropped', reason: 'queue-full' });
      return false;
    }
    const started = performance.now();
    this.#pendingBytes += size;
    const put = this.#storage.put(key, body, metadata);
    this.#pending.add(put);
    try {
      await put;
      emit({ type: 'stored', ms: performance.now() - started, bytes: size });
      return true;
    } catch (error) {
      if (StorageError.is(error) && error.code === 'invalid-argument') {
        emit({ type: 'store-dropped', reason: 'metadata-too-large' });
        return false;
      }
      if (StorageError.is(error) && error.code === 'too-large') {
        emit({ type: 'store-dropped', reason: 'object-too-large' });
        return false;
      }
      this.#failed('put', error);
      return false;
    } finally {
      this.#pending.delete(put);
      this.#pendingBytes -= size;
    }
  }

  /** Resolves when everything that was handed to the storage has settled. */
  async flush(): Promise<void> {
    while (this.#pending.size > 0) await Promise.allSettled(this.#pending);
  }

  async #lookupFailed(key: StorageKey, error: unknown): Promise<undefined> {
    if (StorageError.is(error) && error.code === 'corrupt') {
      await this.#drop(key, undefined);
      return undefined;
    }
    this.#failed('get', error);
    return undefined;
  }

  async #drop(key: StorageKey, version: Version | undefined): Promise<void> {
    this.#options.emit({ type: 'entry-dropped', reason: 'corrupt' });
    const guarded = version !== undefined && this.#storage.capabilities.conditionalDelete;
    await this.#storage.delete(key, guarded ? { condition: { ifVersion: version } } : {}).catch(() => undefined);
  }

  #failed(operation: string, error: unknown): void {
    const code = StorageError.is(error) ? error.code : 'internal';
    const message = error instanceof Error ? error.message : String(error);
    this.#options.emit({ type: 'cache-error', operation, code, message });
    if (this.#options.reportErrors) throw error;
  }
}
