import type { EntryMetadata, HeaderPair, Json } from '../contracts/entry-metadata.ts';
import type { StoredMetadata } from '../contracts/storage-adapter.ts';
import { StorageError } from '../contracts/storage-error.ts';

/** Raised whenever a stored field changes its meaning; entries of another schema count as corrupt. */
const SCHEMA = 1;

/** The wire form: one-letter names, because S3 leaves us less than 2 KiB for everything. */
interface Wire {
  readonly v: number;
  readonly s: number;
  readonly c: string;
  readonly e: string;
  readonly a: number;
  readonly f: number;
  readonly b?: number;
  readonly k?: string;
  readonly o: string;
  readonly oe?: string;
  readonly om?: string;
  readonly w?: number;
  readonly h?: number;
  readonly t?: readonly string[];
  readonly x?: readonly HeaderPair[];
  readonly p?: Json;
}

function toWire(metadata: EntryMetadata): Wire {
  return {
    v: SCHEMA,
    s: metadata.status,
    c: metadata.contentType,
    e: metadata.etag,
    a: metadata.storedAt,
    f: metadata.freshUntil,
    o: metadata.source,
    ...(metadata.bornAt === undefined ? {} : { b: metadata.bornAt }),
    ...(metadata.cacheControl === undefined ? {} : { k: metadata.cacheControl }),
    ...(metadata.sourceEtag === undefined ? {} : { oe: metadata.sourceEtag }),
    ...(metadata.sourceLastModified === undefined ? {} : { om: metadata.sourceLastModified }),
    ...(metadata.width === undefined ? {} : { w: metadata.width }),
    ...(metadata.height === undefined ? {} : { h: metadata.height }),
    ...(metadata.tags === undefined ? {} : { t: metadata.tags }),
    ...(metadata.headers === undefined ? {} : { x: metadata.headers }),
    ...(metadata.policy === undefined ? {} : { p: metadata.policy }),
  };
}

function fromWire(wire: Wire): EntryMetadata {
  return {
    status: wire.s,
    contentType: wire.c,
    etag: wire.e,
    storedAt: wire.a,
    freshUntil: wire.f,
    source: wire.o,
    ...(wire.b === undefined ? {} : { bornAt: wire.b }),
    ...(wire.k === undefined ? {} : { cacheControl: wire.k }),
    ...(wire.oe === undefined ? {} : { sourceEtag: wire.oe }),
    ...(wire.om === undefined ? {} : { sourceLastModified: wire.om }),
    ...(wire.w === undefined ? {} : { width: wire.w }),
    ...(wire.h === undefined ? {} : { height: wire.h }),
    ...(wire.t === undefined ? {} : { tags: wire.t }),
    ...(wire.x === undefined ? {} : { headers: wire.x }),
    ...(wire.p === undefined ? {} : { policy: wire.p }),
  };
}

/** JSON in printable ASCII without spaces: safe in a header field of every backend. */
function asciiJson(value: Wire): string {
  return JSON.stringify(value).replace(
    /[^\x21-\x7e]/g,
    (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );
}

/** Characters of the source identity that are kept when space is short. */
const SHORT_SOURCE = 200;

/**
 * Encodes `metadata` into at most `maxBytes`, giving up what is optional in this order: further
 * headers, the end of the source's identity, the source's validators. Tags are never given up: a
 * purge by tag must find every entry.
 *
 * @throws StorageError `invalid-argument` if it does not fit even so.
 */
export function encodeMetadata(metadata: EntryMetadata, maxBytes: number): StoredMetadata {
  const shorten: ((from: EntryMetadata) => EntryMetadata)[] = [
    (from) => from,
    (from) => ({ ...from, headers: undefined }),
    (from) => ({ ...from, source: from.source.slice(0, SHORT_SOURCE) }),
    (from) => ({ ...from, sourceEtag: undefined, sourceLastModified: undefined }),
  ];
  let candidate = metadata;
  for (const step of shorten) {
    candidate = step(candidate);
    const encoded = asciiJson(toWire(candidate));
    if (encoded.length <= maxBytes) {
      return {
        encoded,
        contentType: metadata.contentType,
        ...(metadata.cacheControl === undefined ? {} : { cacheControl: metadata.cacheControl }),
      };
    }
  }
  throw new StorageError({
    code: 'invalid-argument',
    message: `The entry's metadata does not fit into the ${maxBytes} bytes that this storage carries.`,
  });
}

/** Decoded records by the stored object: an adapter in memory returns the same one on each hit. */
const decoded = new WeakMap<StoredMetadata, EntryMetadata>();

/** @throws StorageError `corrupt` if `stored` is not what `encodeMetadata` makes. */
export function decodeMetadata(stored: StoredMetadata): EntryMetadata {
  const known = decoded.get(stored);
  if (known !== undefined) return known;
  let wire: Partial<Wire> | null;
  try {
    wire = JSON.parse(stored.encoded);
  } catch (cause) {
    throw new StorageError({ code: 'corrupt', message: 'The entry has metadata that cannot be read.', cause });
  }
  if (wire === null || typeof wire !== 'object' || wire.v !== SCHEMA || typeof wire.e !== 'string') {
    throw new StorageError({ code: 'corrupt', message: 'The entry has metadata of another kind or version.' });
  }
  const metadata = fromWire(wire as Wire);
  decoded.set(stored, metadata);
  return metadata;
}
