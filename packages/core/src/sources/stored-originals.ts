import type { EntryMetadata } from '../contracts/entry-metadata.ts';
import type { ProxyEvent } from '../contracts/observer.ts';
import type { BodySource, CacheStorage, GetHit } from '../contracts/storage.ts';
import { StorageError } from '../contracts/storage-error.ts';
import type { StorageKey } from '../contracts/storage-key.ts';
import type { Previous } from '../freshness/previous.ts';
import { requestedAtOf } from '../freshness/record.ts';
import type { PurgeBook } from '../purges/purge-book.ts';
import { PurgedRemovals } from '../purges/purged-removals.ts';
import { isAllOwn } from '../storage/own-storage.ts';
import { putAgain } from '../storage/put-again.ts';

/** Longest time for a put of bytes, in milliseconds, and for a stream without progress. */
const PUT_DEADLINE_MS = 10_000;

export interface StoredOriginalsOptions {
  readonly storage: CacheStorage;
  readonly lookupDeadlineMs: number;
  readonly emit: (event: ProxyEvent) => void;
  readonly purges: PurgeBook;
}

/** Originals in a storage that may fail: nothing here rejects, and what can't be had is fetched. */
export class StoredOriginals {
  readonly #options: StoredOriginalsOptions;
  readonly #removals: PurgedRemovals;
  readonly #pending = new Set<Promise<unknown>>();

  constructor(options: StoredOriginalsOptions) {
    this.#options = options;
    this.#removals = new PurgedRemovals(options.storage);
  }

  /** Bytes that one may have. */
  get maxBytes(): number {
    return this.#options.storage.capabilities.maxObjectBytes;
  }

  /** The one under a key, fresh or not, unless it was purged. */
  async find(key: StorageKey): Promise<GetHit | undefined> {
    const { storage, lookupDeadlineMs } = this.#options;
    try {
      const outcome = await storage.get(key, { deadlineMs: lookupDeadlineMs });
      if (outcome?.kind !== 'entry') return undefined;
      if (!this.#isPurged(key, outcome.metadata)) return outcome;
      outcome.body.discard().catch(() => undefined);
      this.#removals.remove(key, outcome.version);
      return undefined;
    } catch (error) {
      this.#failed('get', error);
      return undefined;
    }
  }

  async store(key: StorageKey, body: BodySource & { readonly size: number }, metadata: EntryMetadata): Promise<void> {
    const { storage } = this.#options;
    if (this.#isPurged(key, metadata)) return;
    await this.#watched('put', storage.put(key, body, metadata, { deadlineMs: PUT_DEADLINE_MS }));
    // It may have been purged while it was on its way into the storage.
    if (this.#isPurged(key, metadata)) await this.#watched('delete', storage.delete(key));
  }

  /** Notes that one is right for longer; another that took its place stays. */
  async refresh(key: StorageKey, previous: Previous, metadata: EntryMetadata): Promise<void> {
    const { storage } = this.#options;
    // By what it was: with the time of the answer it would not be purged any more.
    if (this.#isPurged(key, previous.metadata)) return;
    if (!storage.capabilities.conditionalMetadata) return this.#putAgain(key, previous, metadata);
    const condition = { ifVersion: previous.version };
    await this.#watched('setMetadata', storage.setMetadata(key, metadata, { condition, deadlineMs: PUT_DEADLINE_MS }));
  }

  async remove(key: StorageKey, { version }: Previous): Promise<void> {
    const { storage } = this.#options;
    const condition = storage.capabilities.conditionalDelete ? { condition: { ifVersion: version } } : {};
    await this.#watched('delete', storage.delete(key, condition));
  }

  /** Resolves when everything that was begun has ended. */
  async flush(): Promise<void> {
    while (this.#pending.size > 0) await Promise.allSettled(this.#pending);
    await this.#removals.flush();
  }

  async #putAgain(key: StorageKey, previous: Previous, metadata: EntryMetadata): Promise<void> {
    const { storage, lookupDeadlineMs } = this.#options;
    const again = await putAgain(storage, key, previous, lookupDeadlineMs).catch((error: unknown) =>
      this.#failed('get', error),
    );
    if (again === undefined) return;
    const { body, condition, discard } = again;
    const { size } = previous;
    const put = storage.put(key, body, metadata, { condition, size, deadlineMs: PUT_DEADLINE_MS });
    await this.#watched('put', put.finally(discard));
  }

  /** Whether an original was asked for before it was purged. */
  #isPurged(key: StorageKey, metadata: EntryMetadata): boolean {
    const { purges, storage } = this.#options;
    if (purges.isEmpty) return false;
    const isOwn = isAllOwn(storage);
    return purges.isPurged({ key, source: metadata.source, requestedAt: requestedAtOf(metadata) }, isOwn);
  }

  async #watched(operation: string, work: Promise<unknown>): Promise<void> {
    this.#pending.add(work);
    try {
      await work;
    } catch (error) {
      if (!(StorageError.is(error) && error.code === 'precondition-failed')) this.#failed(operation, error);
    } finally {
      this.#pending.delete(work);
    }
  }

  #failed(operation: string, error: unknown): void {
    const code = StorageError.is(error) ? error.code : 'internal';
    const message = error instanceof Error ? error.message : String(error);
    this.#options.emit({ type: 'cache-error', operation: `source ${operation}`, code, message });
  }
}
