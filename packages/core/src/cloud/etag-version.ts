import type { Version } from '../contracts/storage-adapter.ts';
import { StorageError } from '../contracts/storage-error.ts';
import { preconditionFailed } from './refusals.ts';

/**
 * The version of an entry whose service tells versions by ETags. (Azure's listings leave out the
 * quotes that it writes everywhere else.)
 *
 * @param applied what its lack means for a write that the answer is to.
 * @throws StorageError `unavailable` for an answer that has none.
 */
export function versionOfEtag(etag: string | undefined, applied: 'unknown' | 'no' = 'no'): Version {
  if (etag === undefined) {
    throw new StorageError({ code: 'unavailable', message: 'The answer has no ETag.', applied });
  }
  return (etag.startsWith('"') ? etag : `"${etag}"`) as Version;
}

/** @throws StorageError `precondition-failed` for what no entry can have as its version. RFC 9110 §8.8.3. */
export function etagOfVersion(version: Version): string {
  if (!/^"[\x21\x23-\x7e]*"$/.test(version)) throw preconditionFailed();
  return version;
}
