import { randomUUID } from 'node:crypto';
import {
  type EntryInfo,
  type HttpFields,
  type StoredMetadata,
  storedMetadata,
  toNativeMetadata,
  type Version,
} from '@tintype/core';

/** What the names of user-defined metadata begin with. */
const META = 'x-object-meta-';

/** Where a write says which one it was: answers to PUT and POST carry nothing that would tell. */
const VERSION = `${META}version`;

/** Bytes of a value of metadata; Swift takes 256 unless its operator says otherwise. */
const VALUE_BYTES = 250;

/** How an entry's metadata travels with a write: all of it, because a POST replaces all there is. */
export function nativeFields(metadata: StoredMetadata, version: Version, now: number): HttpFields {
  const { encoded, contentType, cacheControl, expiresAt } = metadata;
  return {
    ...Object.fromEntries(
      Object.entries(toNativeMetadata(encoded, VALUE_BYTES)).map(([name, value]) => [META + name, value]),
    ),
    [VERSION]: version,
    // Without one Swift would guess from the name.
    'content-type': contentType === '' ? 'application/octet-stream' : contentType,
    ...(cacheControl !== undefined && { 'cache-control': cacheControl }),
    ...(expiresAt !== undefined && Number.isFinite(expiresAt) && { 'x-delete-at': `${deleteAt(expiresAt, now)}` }),
  };
}

/** In whole seconds; Swift refuses a time that has passed. */
function deleteAt(expiresAt: number, now: number): number {
  return Math.max(Math.ceil(expiresAt / 1_000), Math.floor(now / 1_000) + 1);
}

/** A version that no other write has. */
export function newVersion(): Version {
  return randomUUID() as string as Version;
}

export function infoOf(headers: HttpFields, size: number): EntryInfo {
  const fields: Record<string, string | undefined> = {};
  for (const [name, value] of Object.entries(headers)) {
    if (name.startsWith(META)) fields[name.slice(META.length)] = value;
  }
  const metadata = storedMetadata({
    fields,
    contentType: headers['content-type'],
    cacheControl: headers['cache-control'],
  });
  const deleteAt = Number(headers['x-delete-at'] ?? Number.NaN);
  const expiring = Number.isFinite(deleteAt) ? { ...metadata, expiresAt: deleteAt * 1_000 } : metadata;
  return { metadata: expiring, size, version: versionOf(headers) };
}

/** What other tools have written has no version of ours: ETag and time of the last change stand for it. */
function versionOf(headers: HttpFields): Version {
  return (headers[VERSION] ?? `${headers.etag ?? ''}@${headers['x-timestamp'] ?? ''}`) as Version;
}

/** Bytes of an answer's body; all of Swift's answers tell. */
export function lengthOf(headers: HttpFields): number {
  const length = Number(headers['content-length']);
  return Number.isSafeInteger(length) && length >= 0 ? length : 0;
}

/** The size in `bytes 0-9/200` or, of a refused range, in `bytes *\/200`. RFC 9110 §14.4. */
export function sizeIn(contentRange: string | undefined): number | undefined {
  const size = /\/(\d+)$/.exec(contentRange ?? '')?.[1];
  return size === undefined ? undefined : Number(size);
}
