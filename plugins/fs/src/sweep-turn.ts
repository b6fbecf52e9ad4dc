import { link, rename, unlink } from 'node:fs/promises';
import { isSystemError } from './errors.ts';
import type { TempFolder } from './temp-folder.ts';

/**
 * Whose turn it is to sweep: one of all storages on a folder, or each of many processes would walk
 * through the whole tree for the same bytes.
 *
 * As a key's lock it is a hard link to its owner's sign of life, so that it is taken over from an
 * owner that is silent (see `KeyLocks`). Two that sweep at once do no harm: nothing depends on it.
 *
 * @returns how to give it up again; `undefined` while another storage sweeps.
 * @throws the system's error if this storage's folder is gone.
 */
export async function takeSweepTurn(temp: TempFolder): Promise<(() => Promise<void>) | undefined> {
  const { beatPath, turnPath } = temp;
  const released = temp.newPath();
  try {
    await link(beatPath, turnPath);
  } catch (error) {
    if (isSystemError(error, 'ENOENT')) throw error;
    // A disk that is full has no room for a name: the more reason to sweep.
    if (!isSystemError(error, 'EEXIST')) return async () => {};
    if (await temp.isSilent(turnPath)) await temp.sweep();
    return undefined;
  }
  return async () => {
    try {
      // Fails once this storage was taken for dead: then the turn is another's by now.
      await rename(turnPath, released);
      await unlink(released);
    } catch {
      // It goes with the folder.
    }
  };
}
