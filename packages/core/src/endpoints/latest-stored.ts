import type { CacheEntry } from '@tintype/http-cache';
import { LRUCache } from 'lru-cache';
import type { StorageKey } from '../contracts/storage-key.ts';

/** Keys of which it is remembered what was stored there last. */
const REMEMBERED_KEYS = 10_000;

/**
 * What this process has stored last under which key. RFC 9111 §4: of two responses the later one counts, and
 * one that comes slowly may be the earlier one.
 */
export class LatestStored {
  readonly #clock: () => number;
  /** When the origin was asked for it, in milliseconds since the epoch. */
  readonly #latest = new LRUCache<string, number>({ max: REMEMBERED_KEYS });
  /** The same of the index of variants under a key. */
  readonly #latestOfIndex = new LRUCache<string, number>({ max: REMEMBERED_KEYS });

  constructor(clock: () => number) {
    this.#clock = clock;
  }

  /** Whether something later was stored in the place of a response; if not, this is now the latest. */
  isOvertaken(primary: StorageKey, key: StorageKey, { freshness: { requestedAt } }: CacheEntry): boolean {
    const isVariant = key !== primary;
    // One that doesn't vary and an index lie in the same place: the earlier must not take it. Variants of
    // one index leave each other be.
    const others = isVariant ? this.#latest.get(primary) : this.#latestOfIndex.get(primary);
    const now = this.#clock();
    for (const latest of [this.#latest.get(key), others]) {
      // What lies in the future was noted by a clock that has gone back since, and says nothing.
      if (latest !== undefined && latest > requestedAt && latest <= now) return true;
    }
    this.#latest.set(key, requestedAt);
    if (isVariant) this.#latestOfIndex.set(primary, Math.max(requestedAt, this.#indexedAt(primary, now)));
    return false;
  }

  /** When the origin was asked for the latest variant; nothing of a clock that has gone back since. */
  #indexedAt(primary: StorageKey, now: number): number {
    const latest = this.#latestOfIndex.get(primary);
    return latest === undefined || latest > now ? Number.NEGATIVE_INFINITY : latest;
  }
}
