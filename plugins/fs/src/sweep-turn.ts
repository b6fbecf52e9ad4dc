import { link, rename, unlink } from 'node:fs/promises';
import { isSystemError } from './errors.ts';
import type { TempFolder } from './temp-folder.ts';

/**
 * Whose turn it is to sweep: one of all storages on a folder, or each of many processes would walk
 * through the whole tree for the same bytes.
 *
 * As a key's lock it is a hard link to its owner's sign of life, so that it is taken over from an
 * owner that is silent (see `KeyLocks`). Two that sweep at once do no harm: nothing depends on it.
 */
export class SweepTurn {
  readonly #temp: TempFolder;
  /** Where to move the turn, while it could not be released. */
  #held: string | undefined;

  constructor(temp: TempFolder) {
    this.#temp = temp;
  }

  /**
   * @returns how to give it up again; `undefined` while another storage sweeps.
   * @throws the system's error if this storage's folder is gone.
   */
  async take(): Promise<(() => Promise<void>) | undefined> {
    // It is still ours while it can't be released.
    if (!(await this.retryRelease())) return async () => void (await this.retryRelease());
    const { beatPath, turnPath } = this.#temp;
    const released = this.#temp.newPath();
    try {
      await link(beatPath, turnPath);
    } catch (error) {
      if (isSystemError(error, 'ENOENT')) throw error;
      // A disk that is full has no room for a name: the more reason to sweep.
      if (!isSystemError(error, 'EEXIST')) return async () => {};
      if (await this.#temp.isSilent(turnPath)) await this.#temp.sweepLock(turnPath);
      return undefined;
    }
    return () => this.#release(released);
  }

  /**
   * Releases what could not be released when it was due: a full or failing disk.
   *
   * @returns whether it is released now.
   */
  async retryRelease(): Promise<boolean> {
    const released = this.#held;
    this.#held = undefined;
    if (released !== undefined) await this.#release(released);
    return this.#held === undefined;
  }

  /** Never fails. A turn that stays would look alive as long as this storage is, and keep all from sweeping. */
  async #release(released: string): Promise<void> {
    try {
      await rename(this.#temp.turnPath, released);
    } catch (error) {
      // Gone once this storage was taken for dead: then the turn is another's by now.
      if (!isSystemError(error, 'ENOENT')) this.#held = released;
      return;
    }
    // If that fails, it goes with the folder.
    await unlink(released).catch(() => {});
  }
}
