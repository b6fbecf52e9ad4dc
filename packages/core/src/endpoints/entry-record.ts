import { type CacheEntry, type FieldPair, type Freshness, readEntry } from '@tintype/http-cache';
import type { EntryMetadata, Json } from '../contracts/entry-metadata.ts';

/**
 * An entry as metadata of a storage. All of it stands in `policy`, which is never shortened: an answer
 * without some of its fields would be another answer. What doesn't fit isn't stored.
 */
export function toMetadata(entry: CacheEntry, source: string): EntryMetadata {
  const contentType = entry.fields.find(([name]) => name.toLowerCase() === 'content-type')?.[1];
  return {
    status: entry.status,
    contentType: contentType ?? 'application/octet-stream',
    etag: '',
    storedAt: entry.freshness.receivedAt,
    freshUntil: entry.freshness.freshUntil,
    source,
    policy: encode(entry),
  };
}

/** Decoded entries by their metadata: a storage in memory returns the same one on each hit. */
const decoded = new WeakMap<EntryMetadata, CacheEntry>();

/** The entry that metadata holds; `undefined` if it is of another kind or version, which is a miss. */
export function fromMetadata(metadata: EntryMetadata): CacheEntry | undefined {
  const known = decoded.get(metadata);
  if (known !== undefined) return known;
  const entry = readEntry(decode(metadata));
  if (entry !== undefined) decoded.set(metadata, entry);
  return entry;
}

/** Times of a freshness, after the first as differences from it: they are most of a record. */
const TIMES = [
  'receivedAt',
  'bornAt',
  'freshUntil',
  'staleWhileRevalidateUntil',
  'staleIfErrorUntil',
  'staleIfDisconnectedUntil',
] as const satisfies readonly (keyof Freshness)[];

const FLAGS = ['noStale', 'immutable', 'noTransform'] as const satisfies readonly (keyof Freshness)[];

function encode({ fields, freshness, vary, part }: CacheEntry): Json {
  const { requestedAt, basis } = freshness;
  return {
    r: 1,
    f: fields.map(([name, value]) => [name, short(value)]),
    t: [requestedAt, ...TIMES.map((name) => freshness[name] - requestedAt)],
    b: basis,
    g: FLAGS.filter((name) => freshness[name] === true),
    ...(vary.length === 0 ? {} : { y: vary.map(([name, value]) => [name, value === null ? null : short(value)]) }),
    ...(part === undefined ? {} : { p: { ...part } }),
  };
}

function decode({ status, policy }: EntryMetadata): unknown {
  if (!isRecord(policy) || policy.r !== 1 || !Array.isArray(policy.t) || !Array.isArray(policy.f)) return undefined;
  const [requestedAt, ...rest] = policy.t.map(Number);
  const freshness: Record<string, unknown> = { v: 1, requestedAt, basis: policy.b };
  for (const [index, name] of TIMES.entries())
    freshness[name] = (requestedAt ?? Number.NaN) + (rest[index] ?? Number.NaN);
  for (const name of FLAGS) if (Array.isArray(policy.g) && policy.g.includes(name)) freshness[name] = true;
  const vary = Array.isArray(policy.y) ? policy.y.map(long) : [];
  return {
    v: 1,
    status,
    fields: policy.f.map(long),
    freshness,
    vary,
    ...(policy.p === undefined ? {} : { part: policy.p }),
  };
}

/** A space takes six characters in the metadata of a storage, and every date has five of them. */
const short = (value: string): string => value.replaceAll('~', '~t').replaceAll(' ', '~s');

function long(pair: unknown): FieldPair | unknown {
  if (!Array.isArray(pair) || typeof pair[1] !== 'string') return pair;
  return [pair[0], pair[1].replaceAll('~s', ' ').replaceAll('~t', '~')];
}

function isRecord(value: Json | undefined): value is { readonly [name: string]: Json } {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
