import type { CacheStorage } from '../contracts/storage.ts';
import type { Version } from '../contracts/storage-adapter.ts';

/** Longest time for a removal, in milliseconds. */
const DEADLINE_MS = 10_000;

/**
 * Removes what was found to be purged, so that it is gone also when nobody remembers the purge; what took
 * its place stays. Nobody waits for it, and what fails is tried again when it is found the next time.
 */
export class PurgedRemovals {
  readonly #storage: CacheStorage;
  /** By key: many may find the same at a time. */
  readonly #underWay = new Map<string, Promise<void>>();

  constructor(storage: CacheStorage) {
    this.#storage = storage;
  }

  /** Begins to remove an entry, where the storage deletes on condition. */
  remove(key: string, version: Version): void {
    if (!this.#storage.capabilities.conditionalDelete || this.#underWay.has(key)) return;
    const removal = this.#storage
      .delete(key, { condition: { ifVersion: version }, deadlineMs: DEADLINE_MS })
      .catch(() => undefined)
      .finally(() => this.#underWay.delete(key));
    this.#underWay.set(key, removal);
  }

  /** Resolves when everything that was begun has ended. Never rejects. */
  async flush(): Promise<void> {
    while (this.#underWay.size > 0) await Promise.all(this.#underWay.values());
  }
}
