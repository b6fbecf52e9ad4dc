import { lstatSync, opendirSync, rmdirSync, type Stats, unlinkSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { type NamedChild, parseName } from './key-path.ts';
import { isAnySystemError, isSystemError, systemCode } from './system-code.ts';

/** A sweep goes down to this part of the cap, so that the next one is not due at once. */
const TARGET = 0.9;

/** Folders passed over that are remembered. */
const MAX_NAMED = 1_000;

/** What a sweep shall do. */
export interface SweepTask {
  readonly root: string;
  /** The cap in bytes; 0 = none. */
  readonly maxBytes: number;
  /** The disk is full: evicts a tenth of what there is, cap or not. */
  readonly full: boolean;
  /** Milliseconds since the epoch. */
  readonly now: number;
}

/** What a sweep found and did. */
export interface SweepOutcome {
  /** Disk space that entries and their folders take after it. */
  readonly bytes: number;
  /** Entries removed. */
  readonly evicted: number;
  /** Folders that could not be read, or not be emptied. */
  readonly passedOver: readonly PassedOver[];
}

/** A folder with something that could not be read or removed, and what the system said of the first such thing. */
export interface PassedOver {
  readonly folder: string;
  readonly code: string;
}

/**
 * Counts the disk space of all entries and, if that is more than the cap, removes those that were not
 * used for longest. Blocks: run it in a thread of its own (`sweep-thread.ts`), where it takes a
 * hundredth of the time that it would take through the thread pool, and hits nothing from it.
 *
 * Nothing is indexed: one walk learns how much space lies in entries of which age, and if that is too
 * much, another one removes all beyond the age that makes room. Its memory is a few hundred counters
 * whatever the number of entries; processes that sweep at the same time come to the same age and
 * remove the same entries: of the last class of age, each keeps those that the folders list first.
 */
export function sweepFolder(task: SweepTask): SweepOutcome {
  return new Sweep(task).run();
}

interface Found {
  readonly path: string;
  readonly stats: Stats;
  readonly isEntry: boolean;
}

class Sweep {
  readonly #task: SweepTask;
  readonly #passedOver = new Map<string, string>();
  #evicted = 0;

  constructor(task: SweepTask) {
    this.#task = task;
  }

  run(): SweepOutcome {
    const { root, maxBytes, full, now } = this.#task;
    const ages: number[] = [];
    let total = 0;
    for (const { stats, isEntry } of this.#walk(root)) {
      const space = spaceOf(stats);
      total += space;
      if (!isEntry) continue;
      const age = ageClass(now, stats);
      ages[age] = (ages[age] ?? 0) + space;
    }
    const cap = maxBytes > 0 ? maxBytes : Number.POSITIVE_INFINITY;
    // On a full disk no less than the cap asks for, or it would have to be swept again.
    const target = TARGET * (full ? Math.min(total, cap) : cap);
    const evicts = full || total > cap;
    const bytes = evicts ? this.#evict(ages, total, total - target) : total;
    return {
      bytes,
      evicted: this.#evicted,
      passedOver: Array.from(this.#passedOver, ([folder, code]) => ({ folder, code })),
    };
  }

  /** Removes the oldest entries, `excess` bytes of `total`. @returns what is left. */
  #evict(ages: readonly number[], total: number, excess: number): number {
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
    for (const { path, stats, isEntry } of this.#walk(this.#task.root)) {
      const space = spaceOf(stats);
      if (!isEntry) {
        // Folders come after their children: empty ones go.
        if (this.#tolerating(dirname(path), () => removeFolder(path)) === true) freed += space;
        else left += space;
        continue;
      }
      const age = ageClass(this.#task.now, stats);
      const stays = age < limit || (age === limit && space <= room);
      if (stays && age === limit) room -= space;
      const end = stays ? undefined : this.#tolerating(dirname(path), () => removeFile(path));
      if (end === 'removed') this.#evicted += 1;
      if (end === undefined) left += space;
      else freed += space;
    }
    // Others may have removed more than this saw, and what they put meanwhile is counted as added.
    return Math.min(total - freed, left);
  }

  /** Every entry below `folder`, then `folder` itself unless it is the root. */
  *#walk(folder: string): Generator<Found> {
    for (const child of this.#childrenOf(folder)) {
      const path = join(folder, child.name);
      if (child.kind === 'folder') {
        yield* this.#walk(path);
        continue;
      }
      const stats = this.#tolerating(folder, () => statOf(path));
      if (stats !== undefined) yield { path, stats, isEntry: true };
    }
    if (folder === this.#task.root) return;
    const stats = this.#tolerating(dirname(folder), () => statOf(folder));
    if (stats !== undefined) yield { path: folder, stats, isEntry: false };
  }

  *#childrenOf(folder: string): Generator<NamedChild> {
    try {
      yield* childrenOf(folder);
    } catch (error) {
      if (folder === this.#task.root) throw error;
      this.#passOver(folder, error);
    }
  }

  #tolerating<T>(folder: string, step: () => T): T | undefined {
    try {
      return step();
    } catch (error) {
      this.#passOver(folder, error);
      return undefined;
    }
  }

  /** One folder that can't be read must not keep all others from being counted. */
  #passOver(folder: string, error: unknown): void {
    if (!isAnySystemError(error)) throw error;
    if (this.#passedOver.size >= MAX_NAMED || this.#passedOver.has(folder)) return;
    this.#passedOver.set(folder, systemCode(error) ?? '');
  }
}

/** Disk space that it really takes. Windows doesn't tell blocks. */
function spaceOf(stats: Stats): number {
  return stats.blocks === undefined ? Math.ceil(stats.size / 4096) * 4096 : stats.blocks * 512;
}

/** Classes of age grow by 4 % each, so that some 700 of them cover everything from 1 ms to years. */
function ageClass(now: number, stats: Stats): number {
  return Math.floor(16 * Math.log2(1 + Math.max(0, now - stats.mtimeMs)));
}

/** What stands in `folder`, in no order; links and strangers are passed over (see `folder-names.ts`). */
function* childrenOf(folder: string): Generator<NamedChild> {
  const names = ifThere(() => opendirSync(folder, { bufferSize: 256 }));
  if (names === undefined) return;
  try {
    for (let entry = names.readSync(); entry !== null; entry = names.readSync()) {
      if (!entry.isFile() && !entry.isDirectory()) continue;
      const child = parseName(entry.name, entry.isDirectory());
      if (child !== undefined) yield child;
    }
  } finally {
    names.closeSync();
  }
}

function statOf(path: string): Stats | undefined {
  return ifThere(() => lstatSync(path));
}

function removeFile(path: string): 'removed' | 'gone' {
  const done = ifThere(() => {
    unlinkSync(path);
    return 'removed' as const;
  });
  // Another process was faster.
  return done ?? 'gone';
}

/** Whether the folder was empty, and is now removed. */
function removeFolder(path: string): boolean {
  try {
    rmdirSync(path);
    return true;
  } catch (error) {
    if (isSystemError(error, 'ENOTEMPTY', 'EEXIST', 'ENOENT', 'EBUSY')) return false;
    throw error;
  }
}

function ifThere<T>(step: () => T): T | undefined {
  try {
    return step();
  } catch (error) {
    if (isSystemError(error, 'ENOENT')) return undefined;
    throw error;
  }
}
