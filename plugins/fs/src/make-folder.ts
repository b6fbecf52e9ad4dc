import { mkdir, stat } from 'node:fs/promises';
import { dirname } from 'node:path';
import { StorageError } from '@tintype/core';
import { isSystemError } from './errors.ts';

/**
 * Makes a folder with all above it, unless it is there. Node's own `recursive` goes round in circles
 * for ever where a folder is there and takes none (`/proc`).
 *
 * @throws the system's error, or a StorageError where the system's says nothing of use.
 */
export async function makeFolder(path: string): Promise<void> {
  if (await made(path)) return;
  const parent = dirname(path);
  if (parent !== path) await makeFolder(parent);
  if (await made(path)) return;
  throw new StorageError({
    code: 'misconfigured',
    message: `Cache folder ${path}: it cannot be made, because ${parent} takes no folders; choose another ROOT.`,
  });
}

/** Whether the folder is there now; not if there is none to make it in. */
async function made(path: string): Promise<boolean> {
  try {
    await mkdir(path);
    return true;
  } catch (error) {
    if (isSystemError(error, 'ENOENT')) return false;
    if (await isFolder(path)) return true;
    throw error;
  }
}

async function isFolder(path: string): Promise<boolean> {
  try {
    return (await stat(path)).isDirectory();
  } catch {
    return false;
  }
}
