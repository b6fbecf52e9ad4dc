/** So many entries that were used are passed over by one put; it would go through all of a large cache. */
const MOST_CHANCES = 100;
/** Entries that a put looks at, oldest first, whether their time has passed: nobody may ask for them again. */
const LOOKS_FOR_EXPIRED = 2;

/** An entry that may have to make room. */
export interface Evictable {
  /** Whether it was read since it came to the end of the map. */
  used: boolean;
}

/** What is done with entries. */
export interface Room<K> {
  /** Whether what is to be put does not fit yet. */
  isFull(): boolean;
  evict(key: K): void;
  /** Removes the entry if its time has passed. */
  expire(key: K): void;
}

/**
 * Sees to it that a put fits, by the clock algorithm (Corbató, 1968), which is nearly the least recently
 * used: a hit leaves a sign, where the exact order would cost it two changes of the map. Who was used since
 * its last turn gets another, at the end of `entries`; and some of those whose time has passed go.
 */
export function makeRoom<K, E extends Evictable>(entries: Map<K, E>, room: Room<K>): void {
  let chances = MOST_CHANCES;
  let looks = 0;
  for (const [key, entry] of entries) {
    const full = room.isFull();
    if (!full && looks++ === LOOKS_FOR_EXPIRED) return;
    if (full && entry.used && chances > 0) {
      chances -= 1;
      entry.used = false;
      entries.delete(key);
      entries.set(key, entry);
    } else if (full) {
      room.evict(key);
    } else {
      room.expire(key);
    }
  }
}
