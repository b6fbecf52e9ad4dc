import type { Stats } from 'node:fs';
import { lstat, rmdir, unlink } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { isSystemError } from './errors.ts';
import { childrenOf } from './folder-names.ts';
import type { NamedChild } from './key-path.ts';
import type { TempFolder } from './temp-folder.ts';

/** A sweep goes down to this part of the cap, so that the next one is not due at once. */
const TARGET = 0.9;

/** Folders passed over that are remembered. */
const MAX_NAMED = 1_000;

/** Disk space of a file or folder that is not stored yet: whole blocks of 4 KiB. */
export function estimateSpace(bytes: number): number {
  return Math.ceil(bytes / 4096) * 4096;
}

/** Disk space that it really takes. Windows doesn't tell blocks. */
function spaceOf(stats: Stats): number {
  return stats.blocks === undefined ? estimateSpace(stats.size) : stats.blocks * 512;
}

/**
 * Keeps the disk space of all entries below a cap, by removing those that were not used for longest.
 *
 * Nothing is indexed: a sweep walks the tree once to learn how much space lies in entries of which
 * age, and if that is too much, once more to remove all beyond the age that makes room. Its memory
 * is a few hundred counters whatever the number of entries; processes that sweep at the same time
 * come to the same age and remove the same entries: of the last class of age, each keeps those that
 * the folders list first. Between sweeps, what all processes say to have
 * added is counted on top (overwritten and deleted bytes are not taken off: that errs towards
 * sweeping early, and the sweep corrects it).
 */
export class Eviction {
  readonly #root: string;
  readonly #maxBytes: number;
  readonly #temp: TempFolder;
  /** Space found by the last walk; `undefined` before there was one. */
  #counted: number | undefined;
  #evicted = 0;
  /** What `temp.added` was when that walk began. */
  #addedBefore = 0;
  #running: Promise<void> | undefined;
  readonly #stop = new AbortController();
  /** Folders that the sweep under way could not read, or not empty; and those of the last one. */
  #passing = new Set<string>();
  #passedOver: ReadonlySet<string> = new Set();

  /** @param maxBytes 0 = unlimited: then it only sweeps to make room on a full disk. */
  constructor(root: string, maxBytes: number, temp: TempFolder) {
    this.#root = root;
    this.#maxBytes = maxBytes;
    this.#temp = temp;
  }

  /** Whether entries were ever counted. */
  get counted(): boolean {
    return this.#counted !== undefined;
  }

  /** Entries that this process has removed. */
  get evicted(): number {
    return this.#evicted;
  }

  /** Disk space in bytes that entries take now, about. */
  get estimate(): number {
    return (this.#counted ?? 0) + Math.max(0, this.#temp.added - this.#addedBefore);
  }

  /** Folders that the last sweep passed over: what lies there is neither counted nor removed. */
  get passedOver(): ReadonlySet<string> {
    return this.#passedOver;
  }

  /** Whether it is time to sweep: nothing is counted yet, or too much. */
  get due(): boolean {
    return this.#maxBytes > 0 && (this.#counted === undefined || this.estimate > this.#maxBytes);
  }

  /**
   * Counts, and evicts down to 90 % of the cap if there is more. A sweep under way is joined.
   *
   * @param full the disk is full: evicts a tenth of what there is, cap or not.
   */
  sweep(full = false): Promise<void> {
    this.#running ??= this.#sweep(full)
      .catch((error: unknown) => {
        // Not again with every put: after another cap's worth.
        this.#counted = 0;
        this.#addedBefore = this.#temp.added;
        throw error;
      })
      .finally(() => {
        this.#running = undefined;
      });
    return this.#running;
  }

  /** The same, but counts what was put before this call for sure: waits for a sweep under way first. */
  async sweepAfresh(): Promise<void> {
    await this.settled();
    await this.sweep();
  }

  /** Resolves when no sweep is under way. */
  async settled(): Promise<void> {
    await this.#running?.catch(() => {});
  }

  /** Ends a sweep under way at its next step. */
  async close(): Promise<void> {
    this.#stop.abort();
    await this.settled();
  }

  async #sweep(full: boolean): Promise<void> {
    const addedBefore = this.#temp.added;
    const now = Date.now();
    const ages: number[] = [];
    let total = 0;
    this.#passing = new Set();
    for await (const { stats, isEntry } of this.#walk(this.#root)) {
      const space = spaceOf(stats);
      total += space;
      if (isEntry) {
        const age = ageClass(now, stats);
        ages[age] = (ages[age] ?? 0) + space;
      }
    }
    const target = full ? total * TARGET : this.#maxBytes > 0 ? this.#maxBytes * TARGET : total;
    const evicts = full || (this.#maxBytes > 0 && total > this.#maxBytes);
    if (evicts) total = await this.#evict(now, ages, total, total - target);
    this.#passedOver = this.#passing;
    this.#counted = total;
    this.#addedBefore = addedBefore;
  }

  /** Removes the oldest entries, `excess` bytes of `total`. @returns what is left. */
  async #evict(now: number, ages: readonly number[], total: number, excess: number): Promise<number> {
    if (excess <= 0) return total;
    // All of the oldest classes that are needed, and of the last of them only a part.
    let limit = ages.length;
    let older = 0;
    while (limit > 0 && older < excess) {
      limit -= 1;
      older += ages[limit] ?? 0;
    }
    // What of that class may stay, and not what must go: the latter another process may have removed by now.
    let room = older - excess;
    let freed = 0;
    let left = 0;
    for await (const { path, stats, isEntry } of this.#walk(this.#root)) {
      if (!isEntry) {
        // Folders come after their children: empty ones go.
        const removed = await this.#tolerating(dirname(path), () => removeEmptyFolder(path));
        if (removed) freed += spaceOf(stats);
        else left += spaceOf(stats);
        continue;
      }
      const age = ageClass(now, stats);
      const space = spaceOf(stats);
      const stays = age < limit || (age === limit && space <= room);
      if (stays && age === limit) room -= space;
      const end = stays ? undefined : await this.#tolerating(dirname(path), () => removeFile(path));
      if (end === 'removed') this.#evicted += 1;
      if (end === undefined) left += space;
      else freed += space;
    }
    // Others may have removed more than this saw, and what they put meanwhile is counted as added.
    return Math.min(total - freed, left);
  }

  /** Every entry below `folder`, then `folder` itself unless it is the root. */
  async *#walk(folder: string): AsyncGenerator<{ path: string; stats: Stats; isEntry: boolean }> {
    for await (const child of this.#childrenOf(folder)) {
      this.#stop.signal.throwIfAborted();
      const path = join(folder, child.name);
      if (child.kind === 'folder') {
        yield* this.#walk(path);
        continue;
      }
      const stats = await this.#tolerating(folder, () => statOf(path));
      if (stats !== undefined) yield { path, stats, isEntry: true };
    }
    if (folder === this.#root) return;
    const stats = await this.#tolerating(dirname(folder), () => statOf(folder));
    if (stats !== undefined) yield { path: folder, stats, isEntry: false };
  }

  async *#childrenOf(folder: string): AsyncGenerator<NamedChild> {
    try {
      yield* childrenOf(folder);
    } catch (error) {
      if (folder === this.#root) throw error;
      this.#passOver(folder, error);
    }
  }

  async #tolerating<T>(folder: string, step: () => Promise<T>): Promise<T | undefined> {
    try {
      return await step();
    } catch (error) {
      this.#passOver(folder, error);
      return undefined;
    }
  }

  /** One folder that can't be read must not keep all others from being counted. */
  #passOver(folder: string, error: unknown): void {
    if (!isSystemError(error, 'EACCES', 'EPERM', 'EIO')) throw error;
    if (this.#passing.size < MAX_NAMED) this.#passing.add(folder);
  }
}

/** Classes of age grow by 4 % each, so that some 700 of them cover everything from 1 ms to years. */
function ageClass(now: number, stats: Stats): number {
  return Math.floor(16 * Math.log2(1 + Math.max(0, now - stats.mtimeMs)));
}

async function statOf(path: string): Promise<Stats | undefined> {
  try {
    return await lstat(path);
  } catch (error) {
    if (isSystemError(error, 'ENOENT')) return undefined;
    throw error;
  }
}

async function removeFile(path: string): Promise<'removed' | 'gone'> {
  try {
    await unlink(path);
    return 'removed';
  } catch (error) {
    // Another process was faster.
    if (!isSystemError(error, 'ENOENT')) throw error;
    return 'gone';
  }
}

/** Removes a folder if nothing is in it. */
export async function removeEmptyFolder(path: string): Promise<boolean> {
  try {
    await rmdir(path);
    return true;
  } catch (error) {
    if (isSystemError(error, 'ENOTEMPTY', 'EEXIST', 'ENOENT', 'EBUSY')) return false;
    throw error;
  }
}
