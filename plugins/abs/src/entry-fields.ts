import type { BlobHTTPHeaders } from '@azure/storage-blob';
import {
  type EntryInfo,
  fromNativeMetadata,
  preconditionFailed,
  StorageError,
  type StoredMetadata,
  toNativeMetadata,
  type Version,
} from '@tintype/core';

/** What every write of a body says of the entry. */
export interface NativeFields {
  /** The names are C# identifiers, as Azure demands, and the values have no space at their ends. */
  readonly metadata: Record<string, string>;
  readonly blobHTTPHeaders: BlobHTTPHeaders;
}

/** How an entry's metadata travels with a write. */
export function nativeFields(metadata: StoredMetadata): NativeFields {
  const { encoded, contentType, cacheControl } = metadata;
  return {
    metadata: toNativeMetadata(encoded),
    blobHTTPHeaders: {
      blobContentType: contentType,
      ...(cacheControl !== undefined && { blobCacheControl: cacheControl }),
    },
  };
}

/** What is read of the SDK's answer about a blob. */
interface FoundBlob {
  readonly metadata?: Record<string, string> | undefined;
  readonly contentType?: string | undefined;
  readonly cacheControl?: string | undefined;
  readonly etag?: string | undefined;
}

export function infoOf(found: FoundBlob, size: number): EntryInfo {
  const metadata: StoredMetadata = {
    encoded: fromNativeMetadata(found.metadata),
    contentType: found.contentType ?? 'application/octet-stream',
    ...(found.cacheControl !== undefined && { cacheControl: found.cacheControl }),
  };
  return { metadata, size, version: versionOf(found.etag) };
}

/**
 * Listings tell ETags without the quotes that they have everywhere else.
 *
 * @param applied what its lack means for a write that the answer is to.
 */
export function versionOf(etag: string | undefined, applied: 'unknown' | 'no' = 'no'): Version {
  if (etag === undefined) {
    throw new StorageError({ code: 'unavailable', message: 'The answer has no ETag.', applied });
  }
  return (etag.startsWith('"') ? etag : `"${etag}"`) as Version;
}

/** @throws StorageError `precondition-failed` for what no blob can have as its version. */
export function etagOf(version: Version): string {
  if (!/^"[\x21\x23-\x7e]*"$/.test(version)) throw preconditionFailed();
  return version;
}
