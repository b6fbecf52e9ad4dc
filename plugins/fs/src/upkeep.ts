import { setTimeout as sleep } from 'node:timers/promises';
import { type OperationContext, StorageError } from '@tintype/core';
import type { Eviction } from './eviction.ts';
import type { KeyLocks } from './key-locks.ts';
import { Recency, type UsedFile } from './recency.ts';
import { BEAT_EVERY_MS, type TempFolder } from './temp-folder.ts';

/** Uses are written down every so many signs of life. */
const BEATS_PER_FLUSH = 6;
/** The dead are looked for every so many signs of life. */
const BEATS_PER_SWEEP = 3;

/** Longest time that a check waits for a sweep under way, in milliseconds. */
const MAX_WAIT_FOR_SWEEP_MS = 1_000;

/** Longest time that a write waits for room below the cap, in milliseconds. */
const MAX_WAIT_FOR_ROOM_MS = 5_000;
/** How often it looks. */
const LOOK_FOR_ROOM_EVERY_MS = 25;

/** What an opened storage does by itself: gives signs of life, sweeps, notes what is used, keeps the cap. */
export class Upkeep {
  readonly #temp: TempFolder;
  readonly #locks: KeyLocks;
  readonly #eviction: Eviction;
  readonly #recency = new Recency();
  #timer: NodeJS.Timeout | undefined;
  #beats = 0;
  /** All turns that have begun: on a slow disk one may take longer than the next. */
  #ticking: Promise<void> = Promise.resolve();

  constructor(temp: TempFolder, locks: KeyLocks, eviction: Eviction) {
    this.#temp = temp;
    this.#locks = locks;
    this.#eviction = eviction;
  }

  start(): void {
    this.#timer = setInterval(() => {
      const before = this.#ticking;
      this.#ticking = this.#tick().then(() => before);
    }, BEAT_EVERY_MS).unref();
    this.evictIfDue();
  }

  /** Resolves when nothing is under way any more. */
  async stop(): Promise<void> {
    clearInterval(this.#timer);
    await this.#ticking;
    await this.#eviction.close();
  }

  /** Called for every hit. */
  used(file: UsedFile): void {
    this.#recency.touch(file);
  }

  /** Writes down what was used. */
  async flush(): Promise<void> {
    await this.#recency.flush(Date.now());
  }

  evictIfDue(): void {
    // A failure shows in `capProblem`, and in writes once there is too much beyond the cap.
    this.#eviction.keepCap().catch(() => {});
  }

  /** Whether a write must wait until a sweep has made room below the cap. */
  get overfull(): boolean {
    return this.#eviction.overfull;
  }

  /**
   * Resolves when a sweep has made room: what is written faster than it can be removed would fill the disk.
   *
   * @throws StorageError `no-space` if that takes too long, so that writes pause and reads go on.
   */
  async room({ signal }: OperationContext): Promise<void> {
    const until = performance.now() + MAX_WAIT_FOR_ROOM_MS;
    while (this.overfull) {
      if (performance.now() > until) {
        const message =
          'The cache is more than 5 % above MAX_BYTES, and is not emptied as fast as it is filled; raise the limit, or see that its files can be removed.';
        throw new StorageError({ code: 'no-space', message });
      }
      this.evictIfDue();
      await sleep(LOOK_FOR_ROOM_EVERY_MS);
      signal.throwIfAborted();
    }
  }

  /** Why the cap may not hold. A sweep under way is waited for, a little: it would tell. */
  async capProblem(): Promise<string | undefined> {
    const enough = new AbortController();
    const waited = sleep(MAX_WAIT_FOR_SWEEP_MS, undefined, { signal: enough.signal }).catch(() => undefined);
    await Promise.race([this.#eviction.settled(), waited]);
    enough.abort();
    const { failure } = this.#eviction;
    if (failure !== undefined)
      return `The cap does not hold: the cache can't be swept; see that its folder can be read and its disk works (${failure}).`;
    const [example, ...others] = this.#eviction.passedOver;
    if (example === undefined) return undefined;
    const { folder, code } = example;
    const which = `${code} at ${folder}${others.length === 0 ? '' : `, and ${others.length} more`}`;
    const remedy = ['EACCES', 'EPERM'].includes(code) ? 'change their owner or mode' : 'see that the disk works';
    return `The cap does not hold: folders of the cache can't be read or emptied; ${remedy} (${which}).`;
  }

  async #tick(): Promise<void> {
    this.#beats += 1;
    try {
      if (this.#beats % BEATS_PER_SWEEP === 0) await this.#temp.sweep();
      await this.#eviction.exchange();
      await this.#locks.retryReleases();
      await this.#eviction.retryRelease();
      if (this.#beats % BEATS_PER_FLUSH === 0) await this.flush();
    } catch {
      // A disk that fails now shows in the operations; the next beat may succeed.
    }
    this.evictIfDue();
  }
}
