import { type CacheEntry, type FieldPair, type Freshness, readFreshness } from '@tintype/http-cache';
import type { EntryMetadata, Json } from '../contracts/entry-metadata.ts';

/** What an entry remembers of how its source may be used. */
export interface FreshnessRecord {
  readonly freshness: Freshness;
  /** Those of the source's fields that decide about its freshness, and its validators. */
  readonly fields: readonly FieldPair[];
  /** How long it took to make, in milliseconds. */
  readonly costMs: number;
}

/**
 * Characters of the source's fields that are kept: storages carry little metadata. Who sends more is
 * not asked whether it changed: it is fetched anew.
 */
const MAX_FIELD_TEXT = 600;

/** Names of flags in the record, in this order. */
const FLAGS = ['noStale', 'immutable', 'noTransform'] as const;

/**
 * A record as the `policy` of an entry: short names, and times relative to those that the entry has
 * anyway, because S3 leaves 2 KiB for everything. Version 1.
 */
export function encodeRecord({ freshness, fields, costMs }: FreshnessRecord): Json {
  const { requestedAt, receivedAt, freshUntil } = freshness;
  const flags = FLAGS.map((name) => (freshness[name] === true ? '1' : '0')).join('');
  const kept = fields.filter(([name]) => name !== 'etag' && name !== 'last-modified');
  return {
    v: 1,
    q: receivedAt - requestedAt,
    w: freshness.staleWhileRevalidateUntil - freshUntil,
    e: freshness.staleIfErrorUntil - freshUntil,
    d: freshness.staleIfDisconnectedUntil - freshUntil,
    s: freshness.basis,
    ...(flags === '000' ? {} : { n: flags }),
    c: Math.round(costMs),
    ...(kept.length === 0 ? {} : { f: kept }),
  };
}

/** The same record, with what it cost to make it. */
export function withCost(record: Json | undefined, costMs: number): Json | undefined {
  if (typeof record !== 'object' || record === null || Array.isArray(record)) return record;
  return { ...record, c: Math.round(costMs) };
}

/** Whether an entry with these fields can be refreshed by a 304: nothing that counts had to be left out. */
export function fits(fields: readonly FieldPair[]): boolean {
  return fields.reduce((sum, [name, value]) => sum + name.length + value.length + 6, 0) <= MAX_FIELD_TEXT;
}

/**
 * What an entry remembers; `undefined` for one of before, or of another version: it may then be used
 * while its `freshUntil` lasts, and not any more afterwards. Never throws.
 */
export function readRecord(metadata: EntryMetadata): FreshnessRecord | undefined {
  const wire = metadata.policy;
  if (typeof wire !== 'object' || wire === null || Array.isArray(wire)) return undefined;
  const { v, q, w, e, d, s, n, c, f } = wire as { readonly [name: string]: Json | undefined };
  if (v !== 1 || typeof q !== 'number' || typeof w !== 'number' || typeof e !== 'number' || typeof d !== 'number')
    return undefined;
  const { storedAt, freshUntil, bornAt = storedAt } = metadata;
  const flags = typeof n === 'string' ? n : '';
  const freshness = readFreshness({
    v: 1,
    requestedAt: storedAt - q,
    receivedAt: storedAt,
    bornAt,
    freshUntil,
    staleWhileRevalidateUntil: freshUntil + w,
    staleIfErrorUntil: freshUntil + e,
    staleIfDisconnectedUntil: freshUntil + d,
    basis: s,
    ...Object.fromEntries(FLAGS.flatMap((name, index) => (flags[index] === '1' ? [[name, true]] : []))),
  });
  if (freshness === undefined || !(f === undefined || isPairList(f))) return undefined;
  const { sourceEtag, sourceLastModified } = metadata;
  const fields: FieldPair[] = [...(f ?? [])];
  if (sourceEtag !== undefined) fields.push(['etag', sourceEtag]);
  if (sourceLastModified !== undefined) fields.push(['last-modified', sourceLastModified]);
  return { freshness, fields, costMs: typeof c === 'number' ? c : 0 };
}

/** When the origin was asked for what an entry was made of: no later than that, of an entry of before there were records. */
export function requestedAtOf({ policy, storedAt }: EntryMetadata): number {
  const delay = typeof policy === 'object' && policy !== null && 'q' in policy ? policy.q : 0;
  return storedAt - (typeof delay === 'number' ? delay : 0);
}

/** A record as the entry that `freshen` takes. */
export function asEntry({ freshness, fields }: FreshnessRecord): CacheEntry {
  return { v: 1, status: 200, fields, freshness, vary: [] };
}

function isPairList(value: Json): value is readonly (readonly [string, string])[] {
  return (
    Array.isArray(value) &&
    value.every((pair) => Array.isArray(pair) && typeof pair[0] === 'string' && typeof pair[1] === 'string')
  );
}
