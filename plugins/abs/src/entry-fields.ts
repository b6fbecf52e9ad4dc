import type { BlobHTTPHeaders } from '@azure/storage-blob';
import { type EntryInfo, type StoredMetadata, storedMetadata, toNativeMetadata, versionOfEtag } from '@tintype/core';

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

export function infoOf({ metadata: fields, contentType, cacheControl, etag }: FoundBlob, size: number): EntryInfo {
  return { metadata: storedMetadata({ fields, contentType, cacheControl }), size, version: versionOfEtag(etag) };
}
