import type { GetObjectCommandOutput, HeadObjectCommandOutput, PutObjectCommandInput } from '@aws-sdk/client-s3';
import {
  type ByteRange,
  type EntryInfo,
  fromNativeMetadata,
  resolveRange,
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

/** The part of a body that was asked for, and the size of the whole. */
export interface AnsweredPart {
  readonly first: number;
  readonly last: number;
  readonly size: number;
}

/**
 * Which part an answer to a range request is; `none` where a service answers with an empty body what
 * it should refuse.
 */
export function partOf(
  { ContentRange }: GetObjectCommandOutput,
  range: ByteRange,
  length: number,
): AnsweredPart | 'none' {
  const match = /^bytes (\d+)-(\d+)\/(\d+)$/.exec(ContentRange ?? '');
  if (match !== null) return { first: Number(match[1]), last: Number(match[2]), size: Number(match[3]) };
  // Without Content-Range it is the whole.
  const wanted = resolveRange(range, length);
  if (wanted === undefined) return 'none';
  if (wanted.first === 0 && wanted.last === length - 1) return { ...wanted, size: length };
  throw new StorageError({ code: 'internal', message: 'The service ignores byte ranges.' });
}

export function rangeField(range: ByteRange): string {
  return 'suffix' in range ? `bytes=-${range.suffix}` : `bytes=${range.first}-${range.last ?? ''}`;
}

export function versionOf(etag: string | undefined): Version {
  if (etag === undefined) {
    throw new StorageError({ code: 'unavailable', message: 'The answer has no ETag.', applied: 'unknown' });
  }
  return etag as Version;
}

/** @throws StorageError `precondition-failed` for what no entry of S3 can have as its version. */
export function etagOf(version: Version): string {
  if (!/^"[\x21\x23-\x7e]*"$/.test(version)) throw preconditionFailed();
  return version;
}

export function preconditionFailed(): StorageError {
  return new StorageError({ code: 'precondition-failed', message: 'The entry is not what the condition says.' });
}
