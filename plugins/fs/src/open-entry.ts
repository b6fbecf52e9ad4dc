import { constants } from 'node:fs';
import { type FileHandle, open } from 'node:fs/promises';
import type { EntryInfo, StorageKey } from '@tintype/core';
import { type EntryHeader, readHeader } from './entry-file.ts';
import { isSystemError } from './errors.ts';

/** A link in place of an entry isn't followed, and a pipe can't hold us up. */
export const READ: number = constants.O_RDONLY | (constants.O_NOFOLLOW ?? 0) | (constants.O_NONBLOCK ?? 0);

/** `undefined` if there is no such file. */
export async function openIfThere(path: string): Promise<FileHandle | undefined> {
  try {
    return await open(path, READ);
  } catch (error) {
    if (isSystemError(error, 'ENOENT')) return undefined;
    throw error;
  }
}

/** The header of the entry at `path`; `undefined` if there is none. @throws StorageError `corrupt`. */
export async function headerAt(path: string, key: StorageKey): Promise<EntryHeader | undefined> {
  const handle = await openIfThere(path);
  if (handle === undefined) return undefined;
  try {
    return await readHeader(handle, key);
  } finally {
    await handle.close();
  }
}

/** What a header tells those who asked for the entry. */
export function infoOf({ metadata, size, version }: EntryHeader): EntryInfo {
  return { metadata, size, version };
}
