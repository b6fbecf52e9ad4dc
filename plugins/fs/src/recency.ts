import { lutimes } from 'node:fs/promises';
import { isSystemError } from './errors.ts';

/** Uses that are remembered until the next flush; more than these are forgotten. */
const MAX_REMEMBERED = 100_000;

/** A file of an entry that may be used. */
export interface UsedFile {
  readonly path: string;
  /** The period in which its use was noted last; 0 = never. */
  usedIn: number;
}

/**
 * Which entries were used, written to their modification times in batches: the order of eviction,
 * which so survives restarts and is shared by all processes. (Access times don't do: most mounts
 * keep them a day behind, or not at all.)
 */
export class Recency {
  #used: string[] = [];
  /** Counts the flushes. */
  #period = 1;

  /** Called for every hit; a file that was used in this period already costs a comparison. */
  touch(file: UsedFile): void {
    if (file.usedIn === this.#period) return;
    file.usedIn = this.#period;
    if (this.#used.length < MAX_REMEMBERED) this.#used.push(file.path);
  }

  /** Marks what was used since the last flush as used at `now`, milliseconds since the epoch. */
  async flush(now: number): Promise<void> {
    const used = this.#used;
    this.#used = [];
    this.#period += 1;
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
