import { hash } from 'node:crypto';
import { link, rename, unlink } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { type OperationContext, StorageError, type StorageKey } from '@tintype/core';
import { isSystemError } from './errors.ts';
import { SILENCE_MS, type TempFolder } from './temp-folder.ts';

/** Longest pause between two attempts to get a lock that another process holds, in milliseconds. */
const MAX_PAUSE_MS = 50;

/**
 * One writer per key at a time: within the process by a queue, across processes by a lock file.
 *
 * A lock file is a hard link to its owner's sign of life: one atomic step makes it, and it is as old
 * as its owner is silent. The locks of the dead are removed by the one storage that sweeps their
 * folder. It is released by moving it into the owner's folder first: that fails once the folder was
 * swept, so a storage that was only asleep never releases a lock that is another's by now.
 */
export class KeyLocks {
  readonly #temp: TempFolder;
  readonly #queues = new Map<StorageKey, Promise<unknown>>();
  /** Locks that could not be released, and where to move them. */
  readonly #held = new Map<string, string>();

  constructor(temp: TempFolder) {
    this.#temp = temp;
  }

  /** Runs `work` while nobody else writes `key`. Keep it short: others wait. */
  async run<T>(key: StorageKey, context: OperationContext, work: () => Promise<T>): Promise<T> {
    const before = this.#queues.get(key);
    const mine = (async () => {
      await before?.catch(() => {});
      const release = await this.#acquire(key, context);
      try {
        return await work();
      } finally {
        await release();
      }
    })();
    this.#queues.set(key, mine);
    try {
      return await mine;
    } finally {
      if (this.#queues.get(key) === mine) this.#queues.delete(key);
    }
  }

  /**
   * Releases what could not be released when it was due: a full or failing disk.
   *
   * @returns whether everything is released now.
   */
  async retryReleases(): Promise<boolean> {
    for (const path of [...this.#held.keys()]) await this.#retryRelease(path);
    return this.#held.size === 0;
  }

  async #acquire(key: StorageKey, { signal }: OperationContext): Promise<() => Promise<void>> {
    signal.throwIfAborted();
    const path = join(this.#temp.locksPath, hash('sha256', key));
    for (let pause = 1; ; pause = Math.min(pause * 2, MAX_PAUSE_MS)) {
      const { beatPath } = this.#temp;
      // In the folder of the beat that is the lock, or the fence would not hold.
      const released = this.#temp.newPath();
      try {
        await link(beatPath, path);
        return () => this.#release(path, released);
      } catch (error) {
        if (isSystemError(error, 'ENOENT')) throw fenced();
        if (!isSystemError(error, 'EEXIST')) throw error;
      }
      await this.#retryRelease(path);
      if (await this.#temp.isSilent(path)) await this.#temp.sweepLock(path);
      await sleep(pause);
      signal.throwIfAborted();
    }
  }

  async #retryRelease(path: string): Promise<void> {
    const released = this.#held.get(path);
    // Forgotten meanwhile: a second release at the same time could take the lock of the next writer.
    if (this.#held.delete(path) && released !== undefined) await this.#release(path, released);
  }

  /** Never fails: what was done under the lock is done. A lock that stays would look alive for ever. */
  async #release(path: string, released: string): Promise<void> {
    try {
      await rename(path, released);
    } catch (error) {
      if (!isSystemError(error, 'ENOENT')) this.#held.set(path, released);
      return;
    }
    // If that fails, it goes with the folder.
    await unlink(released).catch(() => {});
  }
}

/** The storage was taken for dead, so what it had begun cannot be finished. */
export function fenced(): StorageError {
  return new StorageError({
    code: 'conflict',
    message: `This process was silent for more than ${SILENCE_MS / 1000} s; its unfinished writes were swept away.`,
  });
}
