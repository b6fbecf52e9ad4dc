import { lstat, readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { isSystemError } from './errors.ts';

/** The file in a storage's folder that shows that it lives. */
export const BEAT = 'beat';

/** The last sign of life of the storage with this folder; `undefined` if the folder is gone. */
export async function signOf(folder: string): Promise<{ readonly at: number; readonly added: number } | undefined> {
  for (const path of [join(folder, BEAT), folder]) {
    try {
      const { mtimeMs } = await lstat(path);
      const text = path === folder ? '' : await readFile(path, 'utf8');
      return { at: mtimeMs, added: Number.parseInt(text.split(' ')[1] ?? '0', 10) || 0 };
    } catch (error) {
      if (!isSystemError(error, 'ENOENT')) throw error;
    }
  }
  return undefined;
}

/** What file this is, by whatever name: all hard links to it are the same. `undefined` if there is none. */
export async function fileAt(path: string): Promise<string | undefined> {
  try {
    const { dev, ino } = await lstat(path, { bigint: true });
    return `${dev} ${ino}`;
  } catch (error) {
    if (isSystemError(error, 'ENOENT')) return undefined;
    throw error;
  }
}

/** Whose lock this is; blank if a power failure has emptied it, or filled it with zeros; `undefined` if it was released meanwhile. */
export async function signOwner(path: string): Promise<string | undefined> {
  try {
    return (await readFile(path, 'utf8')).replaceAll('\0', '').split(' ')[0];
  } catch (error) {
    if (isSystemError(error, 'ENOENT')) return undefined;
    throw error;
  }
}

/**
 * Whether `file` has a name within `folder` other than `except`, however deep. Also if that cannot be told,
 * because what was to be looked at has moved meanwhile.
 */
export async function mayLieIn(folder: string, file: string, except: string): Promise<boolean> {
  try {
    for (const entry of await readdir(folder, { withFileTypes: true })) {
      const path = join(folder, entry.name);
      if (entry.isDirectory() ? await mayLieIn(path, file, except) : path !== except && (await fileAt(path)) === file) {
        return true;
      }
    }
    return false;
  } catch (error) {
    if (isSystemError(error, 'ENOENT')) return true;
    throw error;
  }
}
