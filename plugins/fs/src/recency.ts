import { lutimes } from 'node:fs/promises';
import { isSystemError } from './errors.ts';

/** Uses that are remembered until the next flush; more than these are forgotten. */
const MAX_REMEMBERED = 100_000;

/**
 * Which entries were used, written to their modification times in batches: the order of eviction,
 * which so survives restarts and is shared by all processes. (Access times don't do: most mounts
 * keep them a day behind, or not at all.)
 */
export class Recency {
  #used = new Set<string>();

  /** Called for every hit. */
  touch(path: string): void {
    if (this.#used.size < MAX_REMEMBERED) this.#used.add(path);
  }

  /** Marks what was used since the last flush as used at `now`, milliseconds since the epoch. */
  async flush(now: number): Promise<void> {
    const used = this.#used;
    this.#used = new Set();
    for (const path of used) {
      try {
        await lutimes(path, now / 1000, now / 1000);
      } catch (error) {
        // Deleted meanwhile, or a folder that may only be read: neither is worth failing for.
        if (!isSystemError(error, 'ENOENT', 'ENOTDIR', 'EACCES', 'EPERM', 'EROFS')) throw error;
      }
    }
  }
}
