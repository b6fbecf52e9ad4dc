import type { FieldPair } from './fields.ts';
import type { Freshness } from './freshness.ts';
import type { StoredPart } from './range.ts';
import type { VaryKey } from './vary.ts';

/**
 * What a cache keeps of a response beside its body: plain JSON, with a version. Whoever stores bodies
 * that aren't the response's (results made from it) keeps the {@link Freshness} alone.
 */
export interface CacheEntry {
  /** Version of this record's form. */
  readonly v: 1;
  readonly status: number;
  /** End-to-end fields in order, duplicates too. RFC 9111 §3.1. */
  readonly fields: readonly FieldPair[];
  readonly freshness: Freshness;
  /** What of the request it depends on. RFC 9111 §4.1. */
  readonly vary: VaryKey;
  /** Which part of the representation its body is, if it isn't all of it. RFC 9111 §3.3. */
  readonly part?: StoredPart;
}

/**
 * The entry that a JSON value is; `undefined` for a value of another version or form, which is then
 * a miss. Never throws.
 */
export function readEntry(value: unknown): CacheEntry | undefined {
  if (!isRecord(value) || value.v !== 1) return undefined;
  const { status, fields, vary, part } = value;
  const freshness = readFreshness(value.freshness);
  if (freshness === undefined || !isStatus(status) || !isPairList(fields) || !isVaryKey(vary)) return undefined;
  if (part !== undefined && !isPart(part)) return undefined;
  return { v: 1, status, fields, freshness, vary, ...(part === undefined ? {} : { part }) };
}

/** The freshness that a JSON value is; `undefined` for a value of another version or form. Never throws. */
export function readFreshness(value: unknown): Freshness | undefined {
  if (!isRecord(value) || value.v !== 1) return undefined;
  if (!INSTANTS.every((name) => Number.isFinite(value[name])) || typeof value.basis !== 'string') return undefined;
  if (!FLAGS.every((name) => value[name] === undefined || value[name] === true)) return undefined;
  return value as unknown as Freshness;
}

const INSTANTS = [
  'requestedAt',
  'receivedAt',
  'bornAt',
  'freshUntil',
  'staleWhileRevalidateUntil',
  'staleIfErrorUntil',
  'staleIfDisconnectedUntil',
] as const satisfies readonly (keyof Freshness)[];

const FLAGS = ['noStale', 'immutable', 'noTransform'] as const satisfies readonly (keyof Freshness)[];

const isRecord = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

const isStatus = (value: unknown): value is number =>
  Number.isInteger(value) && Number(value) >= 200 && Number(value) <= 999;

const isPairList = (value: unknown): value is readonly FieldPair[] =>
  Array.isArray(value) && value.every((pair) => isPair(pair) && typeof pair[1] === 'string');

const isVaryKey = (value: unknown): value is VaryKey =>
  Array.isArray(value) && value.every((pair) => isPair(pair) && (pair[1] === null || typeof pair[1] === 'string'));

const isPair = (value: unknown): value is readonly [string, unknown] =>
  Array.isArray(value) && value.length === 2 && typeof value[0] === 'string';

const isPart = (value: unknown): value is StoredPart =>
  isRecord(value) &&
  Number.isSafeInteger(value.first) &&
  Number.isSafeInteger(value.last) &&
  (value.complete === undefined || Number.isSafeInteger(value.complete)) &&
  (value.asked === undefined || typeof value.asked === 'string');
