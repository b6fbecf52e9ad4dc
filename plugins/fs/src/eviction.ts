import { rmdir } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import { CountedSpace } from './counted-space.ts';
import { isSystemError } from './errors.ts';
import type { PassedOver } from './sweep.ts';
import { SweepTurn } from './sweep-turn.ts';
import { Sweeper } from './sweeper.ts';
import type { TempFolder } from './temp-folder.ts';

/** Above this part of the cap nothing more is written until a sweep has made room. */
const OVERFULL = 1.05;

/** This part of the cap may be added by all storages together without any of them telling the others. */
const UNTOLD = 1 / 32;
/** But none tells of less than this, in bytes. */
const MIN_UNTOLD = 64 * 1024;

/** How often a storage looks whether another one has finished its sweep, in milliseconds. */
const LOOK_EVERY_MS = 250;
/** How long a close waits for a sweep under way, in milliseconds. */
const CLOSE_PATIENCE_MS = 1_000;
/** A sweep that failed, could not bring the entries below the cap or made no room on a full disk is not tried again for this long, in milliseconds. */
const FRUITLESS_PAUSE_MS = 30_000;

/** Disk space of a file or folder that is not stored yet: whole blocks of 4 KiB. */
export function estimateSpace(bytes: number): number {
  return Math.ceil(bytes / 4096) * 4096;
}

/**
 * Keeps the disk space of all entries below a cap, by removing those that were not used for longest
 * (`sweep.ts`). Of several storages on one folder, in whatever process, one sweeps at a time
 * (`sweep-turn.ts`) and tells the others what it counted (`counted-space.ts`).
 */
export class Eviction {
  readonly #root: string;
  readonly #maxBytes: number;
  readonly #temp: TempFolder;
  readonly #space: CountedSpace;
  readonly #turn: SweepTurn;
  readonly #sweeper: Sweeper;
  /** Begins no further sweep. */
  readonly #stop = new AbortController();
  /** Breaks off the one under way. */
  readonly #end = new AbortController();
  #evicted = 0;
  /** Whether what is counted is of this run: at the start it is what the last one left. */
  #confirmed = false;
  #notBefore = 0;
  /** The same of sweeps for a full disk: neither holds up the other. */
  #notForSpaceBefore = 0;
  #passedOver: readonly PassedOver[] = [];
  #failure: string | undefined;
  #running: Promise<void> | undefined;
  #keeping: Promise<void> | undefined;
  #exchanging: Promise<void> | undefined;

  /** @param maxBytes 0 = unlimited: then it only sweeps to make room on a full disk. */
  constructor(root: string, maxBytes: number, temp: TempFolder, sweeper: Sweeper = new Sweeper()) {
    this.#root = root;
    this.#maxBytes = maxBytes;
    this.#temp = temp;
    this.#sweeper = sweeper;
    this.#space = new CountedSpace(root, temp);
    this.#turn = new SweepTurn(temp);
  }

  /** Whether entries were ever counted. */
  get counted(): boolean {
    return this.#space.known;
  }

  /** Entries that this process has removed. */
  get evicted(): number {
    return this.#evicted;
  }

  /** Disk space in bytes that entries take now, about. */
  get estimate(): number {
    return this.#space.estimate;
  }

  /** Folders that the last sweep passed over: what lies there is neither counted nor removed. */
  get passedOver(): readonly PassedOver[] {
    return this.#passedOver;
  }

  /** Why the last sweep failed, if it did. */
  get failure(): string | undefined {
    return this.#failure;
  }

  /** Whether it is time to sweep: nothing is counted in this run, or too much, or the last sweep failed. */
  get due(): boolean {
    if (this.#maxBytes === 0 || performance.now() < this.#notBefore) return false;
    return !this.#confirmed || this.#failure !== undefined || this.estimate > this.#maxBytes;
  }

  /** Whether there is so much beyond the cap that nothing more should be written. */
  get overfull(): boolean {
    return this.#maxBytes > 0 && this.estimate > this.#maxBytes * OVERFULL;
  }

  /**
   * Sees to it that the cap holds: sweeps if that is due, or waits until another process has. Tells
   * the others when much was added, and hears them.
   */
  keepCap(): Promise<void> {
    const untold = Math.max((this.#maxBytes * UNTOLD) / (1 + this.#temp.others), MIN_UNTOLD);
    if (this.#maxBytes > 0 && this.#temp.untold > untold) {
      this.#exchanging ??= this.exchange()
        .catch(() => {})
        .finally(() => {
          this.#exchanging = undefined;
        });
    }
    if (!this.due) return this.#keeping ?? Promise.resolve();
    this.#keeping ??= this.#keepCap().finally(() => {
      this.#keeping = undefined;
    });
    return this.#keeping;
  }

  /** Begins with what was counted in an earlier run, until that is done again. */
  async open(): Promise<void> {
    await this.#space.look();
  }

  /** Tells the others what was added here, and hears what they added and counted. */
  async exchange(): Promise<void> {
    await this.#temp.exchange();
    if (!(await this.#space.look())) return;
    this.#confirmed = true;
    // Somebody can sweep.
    this.#failure = undefined;
  }

  /**
   * Counts, and evicts down to 90 % of the cap if there is more. A sweep under way here is joined.
   *
   * @param full the disk is full: evicts a tenth of what there is, cap or not.
   */
  sweep(full = false): Promise<void> {
    this.#running ??= this.#sweep(full)
      .catch((error: unknown) => {
        // Not again with every put. What was counted still lies there; if nothing was, what this run adds counts.
        this.#pause(full);
        this.#failure = error instanceof Error ? error.message : String(error);
        if (!this.#space.known) this.#space.note(0, new Map());
        throw error;
      })
      .finally(() => {
        this.#confirmed = true;
        this.#running = undefined;
      });
    return this.#running;
  }

  /**
   * Makes room on a full disk, unless that was of no use a moment ago: others may have filled it, and
   * every put that finds it full would walk through the whole tree.
   */
  async makeRoom(): Promise<void> {
    if (this.#running === undefined && performance.now() < this.#notForSpaceBefore) return;
    await this.sweep(true);
  }

  /** The same, but counts what was put before this call for sure: waits for a sweep under way first. */
  async sweepAfresh(): Promise<void> {
    await this.#running?.catch(() => {});
    await this.sweep();
  }

  /**
   * Lets others sweep, if that failed when it was due.
   *
   * @returns whether they can now.
   */
  retryRelease(): Promise<boolean> {
    return this.#turn.retryRelease();
  }

  /** Resolves when no sweep is under way. */
  async settled(): Promise<void> {
    await this.#keeping?.catch(() => {});
    await this.#running?.catch(() => {});
  }

  /** A sweep under way is given a moment: one that is broken off leaves folders that it has emptied. */
  async close(): Promise<void> {
    this.#stop.abort();
    const late = setTimeout(() => this.#end.abort(), CLOSE_PATIENCE_MS);
    await this.settled();
    clearTimeout(late);
    await this.#sweeper.close();
    await this.#exchanging;
  }

  async #keepCap(): Promise<void> {
    const { signal } = this.#stop;
    while (this.due && !signal.aborted) {
      const release = await this.#takeTurn();
      if (release === 'fenced') continue;
      if (release !== undefined) {
        try {
          // Not after one that was asked for while this waited for its turn.
          if (this.due) await this.sweep();
        } finally {
          await release();
        }
        return;
      }
      await sleep(LOOK_EVERY_MS, undefined, { signal, ref: false });
      await this.exchange();
    }
  }

  /** The turn, unless this storage was taken for dead: then it begins anew first. */
  async #takeTurn(): Promise<(() => Promise<void>) | 'fenced' | undefined> {
    try {
      return await this.#turn.take();
    } catch (error) {
      if (!isSystemError(error, 'ENOENT')) throw error;
      await this.#temp.beat();
      return 'fenced';
    }
  }

  async #sweep(full: boolean): Promise<void> {
    const before = await this.#additions();
    const task = { root: this.#root, maxBytes: this.#maxBytes, full };
    this.#stop.signal.throwIfAborted();
    const { bytes, evicted, passedOver } = await this.#sweeper.sweep(task, this.#end.signal);
    this.#evicted += evicted;
    this.#passedOver = passedOver;
    this.#failure = undefined;
    this.#notBefore = 0;
    if (this.#maxBytes > 0 && bytes > this.#maxBytes) this.#pause(false);
    if (full && evicted === 0) this.#pause(true);
    await this.#space.publish(bytes, before);
  }

  #pause(full: boolean): void {
    const until = performance.now() + FRUITLESS_PAUSE_MS;
    if (full) this.#notForSpaceBefore = until;
    else this.#notBefore = until;
  }

  async #additions(): Promise<ReadonlyMap<string, number>> {
    // A full disk may not even take a sign of life.
    await this.#temp.exchange().catch(() => {});
    return this.#temp.additions();
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
