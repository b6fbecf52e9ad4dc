import type { GetObjectCommandOutput, HeadObjectCommandOutput, PutObjectCommandInput } from '@aws-sdk/client-s3';
import {
  type EntryInfo,
  fromNativeMetadata,
  preconditionFailed,
  StorageError,
  type StoredMetadata,
  toNativeMetadata,
  type Version,
} from '@tintype/core';

/** How an entry's metadata travels with a write. */
export function nativeFields(
  metadata: StoredMetadata,
): Pick<PutObjectCommandInput, 'Metadata' | 'ContentType' | 'CacheControl'> {
  const { encoded, contentType, cacheControl } = metadata;
  return {
    Metadata: toNativeMetadata(encoded),
    ContentType: contentType,
    ...(cacheControl !== undefined && { CacheControl: cacheControl }),
  };
}

export function infoOf(found: GetObjectCommandOutput | HeadObjectCommandOutput, size: number): EntryInfo {
  const metadata: StoredMetadata = {
    encoded: fromNativeMetadata(found.Metadata),
    contentType: found.ContentType ?? 'application/octet-stream',
    ...(found.CacheControl !== undefined && { cacheControl: found.CacheControl }),
  };
  return { metadata, size, version: versionOf(found.ETag) };
}

/** @param applied what its lack means for a write that the answer is to. */
export function versionOf(etag: string | undefined, applied: 'unknown' | 'no' = 'no'): Version {
  if (etag === undefined) {
    throw new StorageError({ code: 'unavailable', message: 'The answer has no ETag.', applied });
  }
  return etag as Version;
}

/** @throws StorageError `precondition-failed` for what no entry of S3 can have as its version. */
export function etagOf(version: Version): string {
  if (!/^"[\x21\x23-\x7e]*"$/.test(version)) throw preconditionFailed();
  return version;
}
