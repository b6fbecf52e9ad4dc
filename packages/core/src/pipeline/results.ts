import { BufferedBody, passingBack } from '../bodies.ts';
import type { ByteStream } from '../contracts/body.ts';
import type { EntryMetadata } from '../contracts/entry-metadata.ts';
import type { ProxyEvent, StoreDropReason } from '../contracts/observer.ts';
import type { CacheStorage, GetHit, PutInput } from '../contracts/storage.ts';
import type { Awaitable, Version, VersionCondition } from '../contracts/storage-adapter.ts';
import { StorageError } from '../contracts/storage-error.ts';
import type { StorageKey } from '../contracts/storage-key.ts';
import type { Previous } from '../freshness/previous.ts';
import { requestedAtOf } from '../freshness/record.ts';
import type { PurgeBook } from '../purges/purge-book.ts';
import { PurgedRemovals } from '../purges/purged-removals.ts';
import { isAllOwn } from '../storage/own-storage.ts';
import { putAgain } from '../storage/put-again.ts';
import type { Admission } from './admission.ts';
import type { StoreQueue } from './store-queue.ts';
import { bytesWithin, READ_WHOLE_BYTES } from './whole-body.ts';

/**
 * Longest time for a put of bytes, in milliseconds, and for a stream without progress; it frees what waits
 * for a storage that hangs. The storage gives large results longer (see `StorageOptions.deadlineMs`).
 */
const PUT_DEADLINE_MS = 10_000;

export interface ResultCacheOptions {
  readonly storage: CacheStorage;
  /** Longest time that a lookup may take before it counts as a miss, in milliseconds. */
  readonly lookupDeadlineMs: number;
  /** Let failures of the storage fail the request, instead of going on without it. */
  readonly reportErrors: boolean;
  /** Results that wait for the storage; what there is no room for isn't stored. */
  readonly queue: StoreQueue;
  /** Which results are worth storing; all of them without it. */
  readonly admission?: Admission | undefined;
  /** The id of a storage, or of a tier of it, that is left alone at the moment. */
  readonly paused: () => string | undefined;
  readonly emit: (event: ProxyEvent) => void;
  readonly purges: PurgeBook;
  /** How long after it was written last an entry may be forgotten by its storage, in milliseconds; see `expirationOf`. */
  readonly expirationMs?: number | undefined;
}

/** The result cache: variants in a storage, which may fail without anybody going without an image. */
export class ResultCache {
  readonly #storage: CacheStorage;
  readonly #options: ResultCacheOptions;
  readonly #purges: PurgeBook;
  readonly #removals: PurgedRemovals;
  readonly #pending = new Set<Promise<unknown>>();

  constructor(options: ResultCacheOptions) {
    this.#storage = options.storage;
    this.#options = options;
    this.#purges = options.purges;
    this.#removals = new PurgedRemovals(options.storage);
  }

  /**
   * The entry, fresh or not; `undefined` for a miss. A damaged entry is dropped and is a miss; so is one
   * that was purged.
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
        (entry) => (entry?.kind === 'entry' && this.#isUsable(key, entry) ? this.#whole(key, entry) : undefined),
        (error) => this.#lookupFailed(key, error),
      );
    }
    if (outcome?.kind !== 'entry') return undefined;
    return this.#purges.isEmpty || this.#isUsable(key, outcome) ? outcome : undefined;
  }

  /** Gives up an entry that was purged. */
  #isUsable(key: StorageKey, { metadata, body, version }: GetHit): boolean {
    if (!this.#isPurged(key, metadata)) return true;
    body.discard().catch(() => undefined);
    this.#removals.remove(key, version);
    return false;
  }

  /** Whether a result is of a source that was asked for before it was purged. */
  #isPurged(key: StorageKey, metadata: EntryMetadata): boolean {
    const { source, tags } = metadata;
    const isOwn = isAllOwn(this.#storage);
    return this.#purges.isPurged({ key, source, tags, requestedAt: requestedAtOf(metadata) }, isOwn);
  }

  /** A hit's body as a stream that drops the entry if it turns out damaged on the way. */
  streamOf(key: StorageKey, hit: GetHit): ByteStream {
    const stream = hit.body.stream();
    const chunks = stream[Symbol.asyncIterator]();
    // No generator: one that never began would release nothing when it is given up.
    const iterator: AsyncIterator<Uint8Array> = {
      next: async () => {
        try {
          return await chunks.next();
        } catch (error) {
          if (StorageError.is(error) && error.code === 'corrupt') await this.#drop(key, hit.version);
          throw error;
        }
      },
      return: async () => {
        await chunks.return?.();
        return { done: true, value: undefined };
      },
    };
    return passingBack({ [Symbol.asyncIterator]: () => iterator }, () => stream);
  }

  /** Notes that a request was not answered from the storage. `known`: there is an entry that is too old. */
  asked(key: StorageKey, known: boolean): void {
    this.#options.admission?.asked(key, known);
  }

  /** Why a result would not be stored; `undefined` if it would. `size` in bytes, 0 while it is unknown. */
  objection(key: StorageKey, size: number): StoreDropReason | undefined {
    const { admission, paused, queue } = this.#options;
    if (size > this.#storage.capabilities.maxObjectBytes) return 'object-too-large';
    if (!queue.hasRoom(size)) return 'queue-full';
    return admission?.objection(key) ?? (paused() === undefined ? undefined : 'paused');
  }

  /**
   * Stores a variant. Resolves with whether it was stored; failing is no error.
   *
   * @param condition under which it is: if it does not hold, that is no failure.
   * @throws StorageError only where errors shall be reported.
   */
  store(
    key: StorageKey,
    body: PutInput,
    size: number,
    metadata: EntryMetadata,
    condition?: VersionCondition,
  ): Promise<boolean> {
    return this.#track(this.#store(key, body, size, metadata, condition));
  }

  async #store(
    key: StorageKey,
    body: PutInput,
    size: number,
    metadata: EntryMetadata,
    condition: VersionCondition | undefined,
  ): Promise<boolean> {
    const { emit, admission, queue } = this.#options;
    if (this.#isPurged(key, metadata)) return false;
    const objection = this.objection(key, size);
    // While it is paused the storage is asked all the same: it refuses at once, or takes this for a probe.
    if (objection !== undefined && objection !== 'paused') {
      emit({ type: 'store-dropped', reason: objection });
      return false;
    }
    admission?.admit(key);
    const started = performance.now();
    const leave = queue.enter(size);
    const limits = { condition, size, deadlineMs: PUT_DEADLINE_MS };
    try {
      const version = await this.#storage.put(key, body, metadata, limits);
      emit({ type: 'stored', ms: performance.now() - started, bytes: size });
      return !(await this.#removedIfPurged(key, metadata, version));
    } catch (error) {
      if (StorageError.is(error) && error.code === 'precondition-failed') return false;
      if (StorageError.is(error) && error.code === 'invalid-argument') {
        emit({ type: 'store-dropped', reason: 'metadata-too-large' });
        return false;
      }
      if (StorageError.is(error) && error.code === 'too-large') {
        emit({ type: 'store-dropped', reason: 'object-too-large' });
        return false;
      }
      const storage = this.#options.paused();
      if (storage !== undefined) emit({ type: 'store-dropped', reason: 'paused', storage });
      this.#failed('put', error);
      return false;
    } finally {
      leave();
    }
  }

  /**
   * Notes that an entry is right for longer, without sending its body again where the storage can do so
   * safely. Another entry that took its place meanwhile stays as it is. Failing is no error.
   *
   * @throws StorageError only where errors shall be reported.
   */
  async refresh(key: StorageKey, previous: Previous, metadata: EntryMetadata): Promise<boolean> {
    const { conditionalMetadata } = this.#storage.capabilities;
    if (this.#isPurged(key, previous.metadata)) return false;
    if (!conditionalMetadata) return this.#putAgain(key, previous, metadata);
    const condition = { ifVersion: previous.version };
    const limits = { condition, deadlineMs: PUT_DEADLINE_MS };
    try {
      return (await this.#track(this.#storage.setMetadata(key, metadata, limits))) !== undefined;
    } catch (error) {
      if (StorageError.is(error) && error.code === 'precondition-failed') return false;
      this.#failed('setMetadata', error);
      return false;
    }
  }

  /**
   * Whether an entry that is right has to be written again, so that its storage does not forget it: more
   * than a tenth of the time that it has is over. Both in milliseconds since the epoch.
   */
  isDue(storedAt: number, now: number): boolean {
    return now - storedAt > (this.#options.expirationMs ?? Number.POSITIVE_INFINITY) / 10;
  }

  /** Removes an entry that must no longer be used, unless another took its place. Failing is no error. */
  async remove(key: StorageKey, version: Version, reason: 'gone' | 'forbidden'): Promise<void> {
    await this.#drop(key, version, reason);
  }

  /** It may have been purged while it was on its way into the storage. */
  async #removedIfPurged(key: StorageKey, metadata: EntryMetadata, version: Version): Promise<boolean> {
    if (!this.#isPurged(key, metadata)) return false;
    const condition = this.#storage.capabilities.conditionalDelete ? { condition: { ifVersion: version } } : {};
    await this.#storage.delete(key, condition).catch(() => undefined);
    return true;
  }

  async #putAgain(key: StorageKey, previous: Previous, metadata: EntryMetadata): Promise<boolean> {
    let again: Awaited<ReturnType<typeof putAgain>>;
    try {
      again = await putAgain(this.#storage, key, previous, this.#options.lookupDeadlineMs);
    } catch (error) {
      await this.#lookupFailed(key, error);
    }
    if (again === undefined) return false;
    const { body, condition, discard } = again;
    let isStored = false;
    try {
      isStored = await this.store(key, body, previous.size, metadata, condition);
    } finally {
      if (!isStored) discard();
    }
    return isStored;
  }

  /** Resolves when everything that was handed to the storage has settled. */
  async flush(): Promise<void> {
    while (this.#pending.size > 0) await Promise.allSettled(this.#pending);
    await this.#removals.flush();
  }

  #track<T>(work: Promise<T>): Promise<T> {
    this.#pending.add(work);
    return work.finally(() => this.#pending.delete(work));
  }

  /** Small entries in one piece, so that nothing can go wrong once the answer has begun. */
  #whole(key: StorageKey, hit: GetHit): Awaitable<GetHit | undefined> {
    const { body, size } = hit;
    if (body.buffered !== undefined || size > READ_WHOLE_BYTES) return hit;
    return bytesWithin(body, this.#options.lookupDeadlineMs).then(
      // Once more: it may have been purged while its body came.
      (bytes) => (this.#isUsable(key, hit) ? { ...hit, body: new BufferedBody(bytes) } : undefined),
      (error) => this.#lookupFailed(key, error, hit.version),
    );
  }

  async #lookupFailed(key: StorageKey, error: unknown, version?: Version): Promise<undefined> {
    if (StorageError.is(error) && error.code === 'corrupt') {
      await this.#drop(key, version);
      return undefined;
    }
    this.#failed('get', error);
    return undefined;
  }

  /** Waited for no longer than for a lookup: a miss is waiting for it, so that it can't remove what that puts. */
  async #drop(
    key: StorageKey,
    version: Version | undefined,
    reason: 'corrupt' | 'gone' | 'forbidden' = 'corrupt',
  ): Promise<void> {
    this.#options.emit({ type: 'entry-dropped', reason });
    const guarded = version !== undefined && this.#storage.capabilities.conditionalDelete;
    const condition = guarded ? { condition: { ifVersion: version } } : {};
    const deadlineMs = this.#options.lookupDeadlineMs;
    await this.#storage.delete(key, { ...condition, deadlineMs }).catch(() => undefined);
  }

  #failed(operation: string, error: unknown): void {
    const { emit, paused, reportErrors } = this.#options;
    const code = StorageError.is(error) ? error.code : 'internal';
    const message = error instanceof Error ? error.message : String(error);
    // Of a storage that is left alone it was told once that it is; another tier may fail as well.
    if (paused() === undefined || !wasRefused(error)) emit({ type: 'cache-error', operation, code, message });
    if (reportErrors) throw error;
  }
}

/** Whether the storage was not even asked: it is left alone, or not open. */
export function wasRefused(error: unknown): boolean {
  return StorageError.is(error) && !error.retryable && (error.code === 'unavailable' || error.code === 'closed');
}
