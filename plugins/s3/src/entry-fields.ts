import type { GetObjectCommandOutput, HeadObjectCommandOutput, PutObjectCommandInput } from '@aws-sdk/client-s3';
import { type EntryInfo, type StoredMetadata, storedMetadata, toNativeMetadata, versionOfEtag } from '@tintype/core';

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
  const { Metadata: fields, ContentType: contentType, CacheControl: cacheControl, ETag } = found;
  return { metadata: storedMetadata({ fields, contentType, cacheControl }), size, version: versionOfEtag(ETag) };
}
