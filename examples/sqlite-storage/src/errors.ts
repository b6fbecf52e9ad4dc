import { StorageError, type StorageErrorCode } from '@tintype/core';

/** What SQLite's result codes (https://sqlite.org/rescode.html) mean, and what an operator can do. */
const MEANINGS: { readonly [resultCode: number]: readonly [StorageErrorCode, string] } = {
  3: ['access-denied', 'this user may not use the file; change its owner or mode'],
  5: ['unavailable', 'another process has been writing for too long'],
  6: ['unavailable', 'another connection has been writing for too long'],
  8: ['access-denied', 'this user may not write to it; change the owner or mode of the file and its folder'],
  10: ['unavailable', 'the disk reports an error'],
  11: ['corrupt', 'the database is damaged; delete the file, a cache can be filled again'],
  13: ['no-space', 'the disk is full, or the file has reached MAX_BYTES'],
  14: ['misconfigured', 'it cannot be opened; PATH must name a file in a folder that this user may write to'],
  18: ['too-large', 'the entry is more than SQLite takes'],
  26: ['misconfigured', 'this is a file of another kind; let PATH name a new file'],
};

/** `error` in the words of the storage contract; what is neither SQLite's nor Node's comes back unchanged. */
export function toStorageError(error: unknown, path: string): unknown {
  if (!(error instanceof Error) || StorageError.is(error) || !('code' in error)) return error;
  const fail = (code: StorageErrorCode, why: string) =>
    new StorageError({ code, message: `The database ${path}: ${why} (${error.message}).`, cause: error });
  // Before SQLite opens the file, its folder is made.
  if ('syscall' in error)
    return fail(error.code === 'EACCES' ? 'access-denied' : 'misconfigured', 'its folder cannot be made');
  if (error.code !== 'ERR_SQLITE_ERROR' || !('errcode' in error)) return error;
  // The low byte is the code, the rest tells its details.
  const [code, why] = MEANINGS[Number(error.errcode) & 0xff] ?? ['internal', 'SQLite reports an error'];
  return fail(code, why);
}
