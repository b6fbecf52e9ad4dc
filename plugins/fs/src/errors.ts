import { StorageError, type StorageErrorCode } from '@tintype/core';
import { systemCode } from './system-code.ts';

export { isSystemError } from './system-code.ts';

/** How the cap of a folder is called: it may be one of results or one of copies of sources. */
export const CAP_VARIABLES = 'TINTYPE_CACHE_FS_MAX_BYTES (of copies of sources: TINTYPE_SOURCES_FS_MAX_BYTES)';

/** What the codes of the system mean for a cache folder, and what its operator can do. */
const MEANINGS: { readonly [code: string]: readonly [StorageErrorCode, string] } = {
  EACCES: ['access-denied', 'this user may not read or write there; change the owner or the mode of the folder'],
  EPERM: ['access-denied', 'this user may not do that there; change the owner or the mode of the folder'],
  EROFS: ['misconfigured', 'the file system is mounted read-only'],
  ENOTDIR: ['misconfigured', 'there is a file where a folder is needed'],
  EEXIST: ['misconfigured', 'there is a file where a folder is needed'],
  ENAMETOOLONG: ['misconfigured', 'the path is too long for the file system; choose a shorter ROOT'],
  ENOENT: ['misconfigured', 'the folder is gone; is its disk still mounted?'],
  ENOSPC: ['no-space', `the disk is full; make room on it, or set ${CAP_VARIABLES} to less than it has`],
  EDQUOT: ['no-space', `the disk quota is used up; raise it, or set ${CAP_VARIABLES} to less`],
  EMFILE: ['unavailable', 'this process has too many open files; raise its limit (ulimit -n)'],
  ENFILE: ['unavailable', 'the system has too many open files'],
  EIO: ['unavailable', 'the disk reports an error'],
  ELOOP: ['corrupt', 'there is a symbolic link in place of the entry'],
  EISDIR: ['corrupt', 'there is a folder in place of the entry'],
};

/** `error` in the words of the storage contract; what isn't the system's comes back unchanged. */
export function toStorageError(error: unknown, root: string): unknown {
  const code = systemCode(error);
  if (code === undefined || StorageError.is(error) || !/^E[A-Z0-9]+$/.test(code)) return error;
  const [meaning, advice] = MEANINGS[code] ?? (['internal', 'the system reports an error'] as const);
  return new StorageError({ code: meaning, message: `Cache folder ${root}: ${advice} (${code}).`, cause: error });
}

/** The stored bytes are not those that were put. */
export function corrupt(what: string): StorageError {
  return new StorageError({ code: 'corrupt', message: `The entry's file is damaged: ${what}.` });
}
