import {
  type EntryInfo,
  StorageError,
  type StoredMetadata,
  storedMetadata,
  toNativeMetadata,
  type Version,
} from '@tintype/core';
import { versionText } from './addresses.ts';
import type { GcsAnswer } from './client.ts';

/** Custom metadata may have 8 KiB, names included. https://cloud.google.com/storage/quotas#objects */
export const MAX_METADATA_BYTES = 7_000;

/** Bytes of one field. */
const VALUE_BYTES = 250;

const MAX_FIELDS = Math.ceil(MAX_METADATA_BYTES / VALUE_BYTES);

const HOUR_MS = 3_600_000;

/** What the JSON API says of an object, as far as it is asked for. */
export interface ObjectResource {
  readonly name?: string;
  readonly size?: string;
  readonly generation?: string;
  readonly metageneration?: string;
  readonly updated?: string;
  readonly contentType?: string;
  readonly cacheControl?: string;
  readonly customTime?: string;
  readonly metadata?: Readonly<Record<string, string>>;
}

/** What a patch says: `null` takes away. */
export type ObjectPatch = Pick<ObjectResource, 'customTime' | 'contentType'> & {
  readonly cacheControl: string | null;
  readonly metadata: Readonly<Record<string, string | null>>;
};

/** Of the JSON API: what `versionOf` needs. */
export const VERSION_FIELDS = 'generation,metageneration';

/** Of the JSON API: what `infoOf` needs. */
export const INFO_FIELDS: string = `size,contentType,cacheControl,metadata,${VERSION_FIELDS}`;

/** How an entry's metadata travels with a put. */
export function nativeFields({ encoded, contentType, cacheControl }: StoredMetadata, now: number): ObjectResource {
  return {
    contentType,
    ...(cacheControl !== undefined && { cacheControl }),
    customTime: customTime(now),
    metadata: toNativeMetadata(encoded, VALUE_BYTES),
  };
}

/**
 * When an entry was last written or revalidated: what the rule of a bucket counts from, as a change of
 * metadata leaves the time of creation. In whole hours, because GCS never sets it back, and clocks differ.
 * https://cloud.google.com/storage/docs/metadata#custom-time
 */
function customTime(now: number): string {
  return new Date(now - (now % HOUR_MS)).toISOString();
}

/** The same for a patch, which leaves alone what it does not name: what is not there is named as `null`. */
export function patchFields(metadata: StoredMetadata, now: number): ObjectPatch {
  const fields = nativeFields(metadata, now);
  const none = Object.fromEntries(Array.from({ length: MAX_FIELDS }, (_, index) => [`t${index}`, null]));
  return { cacheControl: null, ...fields, metadata: { ...none, ...fields.metadata } };
}

/** An entry as the XML API answers it: the head of its bytes. */
export function headOf({ headers }: Pick<GcsAnswer, 'headers'>, size: number): EntryInfo {
  const field = (name: string) => headers.get(name) ?? undefined;
  const fields: Record<string, string> = {};
  for (let index = 0; index < MAX_FIELDS; index++) {
    const value = field(`x-goog-meta-t${index}`);
    if (value === undefined) break;
    fields[`t${index}`] = value;
  }
  const metadata = storedMetadata({
    fields,
    contentType: field('content-type'),
    cacheControl: field('cache-control'),
  });
  const version = versionOf({ generation: field('x-goog-generation'), metageneration: field('x-goog-metageneration') });
  return { metadata, size, version };
}

/** An entry as the JSON API answers it. */
export function infoOf(found: ObjectResource): EntryInfo {
  const { metadata: fields, contentType, cacheControl, size = 0 } = found;
  const metadata = storedMetadata({ fields, contentType, cacheControl });
  return { metadata, size: Number(size), version: versionOf(found) };
}

/** @param applied what its lack means for a write that the answer is to. */
export function versionOf(
  found: {
    readonly generation?: string | undefined;
    readonly metageneration?: string | undefined;
  },
  applied: 'unknown' | 'no' = 'no',
): Version {
  const { generation, metageneration } = found;
  if (generation === undefined || metageneration === undefined) {
    const message = 'The answer has no generation and metageneration.';
    throw new StorageError({ code: 'unavailable', message, applied });
  }
  return versionText(generation, metageneration);
}
