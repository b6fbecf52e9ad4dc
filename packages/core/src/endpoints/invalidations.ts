import type { PurgeAnnouncement } from '../contracts/coordinator.ts';
import type { CacheStorage } from '../contracts/storage.ts';
import { StorageError } from '../contracts/storage-error.ts';
import type { StorageKey } from '../contracts/storage-key.ts';
import type { PurgeBook } from '../purges/purge-book.ts';
import { isAllOwn } from '../storage/own-storage.ts';
import { fromMetadata } from './entry-record.ts';
import { isOfResponses } from './response-key.ts';

/** Longest time for each step of an invalidation, which its client waits for, in milliseconds. */
const DEADLINE_MS = 2_000;

export interface InvalidationsOptions {
  readonly storage: CacheStorage;
  readonly clock: () => number;
  /** Tells all of an invalidation, this one included; see `Coordinator`. */
  readonly announce: (purge: PurgeAnnouncement) => Promise<void>;
  readonly purges: PurgeBook;
}

/** Removes responses that were changed at their origin: by this process, and as others have announced. RFC 9111 §4.4. */
export class Invalidations {
  readonly #options: InvalidationsOptions;
  readonly #failed: (operation: string, error: unknown) => void;
  readonly #pending = new Set<Promise<unknown>>();
  /** What was announced here. */
  readonly #announced = new WeakSet<PurgeAnnouncement>();

  /** @param failed told what could not be done. */
  constructor(options: InvalidationsOptions, failed: (operation: string, error: unknown) => void) {
    this.#options = options;
    this.#failed = failed;
  }

  /**
   * Removes every response under a prefix of `urlPrefix`, and keeps out those that were asked for
   * before: also those that can't be removed are never found again, neither by this process nor by others
   * that hear of it.
   *
   * @param primaries keys under it that are removed whether a listing knows of them or not.
   */
  async invalidate(prefix: string, primaries: readonly StorageKey[]): Promise<void> {
    const { announce, clock, purges } = this.#options;
    const purge: PurgeAnnouncement = { scope: 'key', value: prefix, at: clock() };
    purges.note(purge, true);
    this.#announced.add(purge);
    const told = inTime(announce(purge)).catch((error: unknown) => this.#failed('announce', error));
    const removed = this.#removeAll(prefix, primaries).then((all) => {
      if (all) purges.removed(prefix, purge.at);
    });
    await Promise.all([told, this.#track(removed)]);
  }

  /** Others have invalidated something: what only this one sees nobody else can remove. */
  hear(purge: PurgeAnnouncement): void {
    // What it has announced itself it is removing already.
    if (purge.scope !== 'key' || this.#announced.has(purge) || !isOwn(this.#options.storage)) return;
    void this.#track(this.#removeOld(purge.value, purge.at));
  }

  /** Resolves when everything that was begun has settled. */
  async flush(): Promise<void> {
    while (this.#pending.size > 0) await Promise.allSettled(this.#pending);
  }

  /** Resolves with whether nothing failed. */
  async #removeAll(prefix: string, primaries: readonly StorageKey[]): Promise<boolean> {
    const { storage } = this.#options;
    const limits = { deadlineMs: DEADLINE_MS };
    let all = true;
    const remove = async (key: StorageKey): Promise<void> => {
      try {
        await storage.delete(key, limits);
      } catch (error) {
        all = false;
        this.#failed('delete', error);
      }
    };
    await Promise.all(primaries.map(remove));
    try {
      for await (const { key } of storage.list(prefix, limits)) await remove(key);
    } catch (error) {
      all = false;
      this.#failed('list', error);
    }
    return all;
  }

  /** Removes what was asked for before `at`: what is newer may lie in a tier that other processes have as well. */
  async #removeOld(prefix: string, at: number): Promise<void> {
    const { storage, purges } = this.#options;
    const limits = { deadlineMs: DEADLINE_MS };
    try {
      for await (const { key } of storage.list(prefix, limits)) {
        const found = await storage.stat(key, limits);
        if (found === undefined) continue;
        const requestedAt = fromMetadata(found.metadata)?.freshness.requestedAt ?? found.metadata.storedAt;
        if (requestedAt <= at) await storage.delete(key, limits);
      }
      // A near copy may lie there that the list of the far tier does not have any more.
      if (isAllOwn(storage) && isOfResponses(prefix)) purges.removed(prefix, at);
    } catch (error) {
      this.#failed('delete', error);
    }
  }

  #track<T>(work: Promise<T>): Promise<T> {
    this.#pending.add(work);
    return work.finally(() => this.#pending.delete(work));
  }
}

/** @throws StorageError `timeout` where a step of an invalidation takes too long; what it throws itself. */
async function inTime(step: Promise<void>): Promise<void> {
  const { promise: late, reject } = Promise.withResolvers<never>();
  const message = `Nothing came of it within ${DEADLINE_MS} ms.`;
  const timer = setTimeout(() => reject(new StorageError({ code: 'timeout', message })), DEADLINE_MS);
  try {
    await Promise.race([step, late]);
  } finally {
    clearTimeout(timer);
  }
}

/** Whether only this process sees all of a storage: it has entries in memory, or copies of them. */
function isOwn({ capabilities }: CacheStorage): boolean {
  return capabilities.readConsistency.scope === 'instance';
}
