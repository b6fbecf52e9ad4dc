import {
  type CacheEntry,
  type Fields,
  fieldValue,
  languageMatches,
  type Policy,
  type VaryKey,
  varyKey,
} from '@tintype/http-cache';
import type { EntryMetadata } from '../contracts/entry-metadata.ts';
import type { StorageKey } from '../contracts/storage-key.ts';
import { responseKey } from './response-key.ts';

/** Variants of one URL that are remembered; a new one beyond that pushes out the one stored first. */
const MAX_VARIANTS = 100;

/** One response of a URL that varies. */
interface Variant {
  readonly vary: VaryKey;
  /** The one language that it is in. */
  readonly language?: string;
}

/** Which responses of a URL are stored, the latest first: it lies where a response that doesn't vary would. */
export type VariantIndex = readonly Variant[];

/** The metadata by which an index is known. */
export function indexMetadata(source: string, now: number): EntryMetadata {
  return {
    status: 200,
    contentType: 'application/json',
    etag: '',
    storedAt: now,
    freshUntil: now,
    source,
    policy: { i: 1 },
  };
}

export function isIndex({ policy }: EntryMetadata): boolean {
  return typeof policy === 'object' && policy !== null && 'i' in policy && policy.i === 1;
}

/** The index that a body is; an empty one if it can't be read. */
export function readIndex(body: Uint8Array): VariantIndex {
  try {
    const value: unknown = JSON.parse(Buffer.from(body.buffer, body.byteOffset, body.length).toString('utf8'));
    return Array.isArray(value) ? value.filter(isVariant) : [];
  } catch {
    return [];
  }
}

export function writeIndex(index: VariantIndex): Uint8Array {
  return Buffer.from(JSON.stringify(index));
}

/** The index with an entry, and what it has pushed out. */
export function withEntry(
  index: VariantIndex,
  entry: CacheEntry,
): { readonly index: VariantIndex; readonly dropped: readonly VaryKey[] } {
  const text = JSON.stringify(entry.vary);
  const others = index.filter(({ vary }) => JSON.stringify(vary) !== text);
  const language = fieldValue(entry.fields, 'content-language');
  const all: Variant[] = [{ vary: entry.vary, ...(language === undefined ? {} : { language }) }, ...others];
  return { index: all.slice(0, MAX_VARIANTS), dropped: all.slice(MAX_VARIANTS).map(({ vary }) => vary) };
}

/**
 * The keys under which a request may find a response, the most recently stored first: one for each set
 * of names that responses vary by, and those in its best language. RFC 9111 §4.1.
 */
export function candidates(
  primary: StorageKey,
  index: VariantIndex,
  request: Fields,
  { normalise }: Pick<Policy, 'normalise'>,
): readonly StorageKey[] {
  const stored = new Set(index.map(({ vary }) => JSON.stringify(vary)));
  const keys = new Set<StorageKey>();
  const seen = new Set<string>();
  for (const { vary } of index) {
    const names = vary.map(([name]) => name);
    if (seen.has(names.join())) continue;
    seen.add(names.join());
    const wanted = varyKey(names, request, normalise);
    if (stored.has(JSON.stringify(wanted))) keys.add(responseKey(primary, wanted));
  }
  if (keys.size > 0) return [...keys];
  for (const { vary, language } of index) {
    if (language === undefined) continue;
    const response = { 'content-language': language };
    if (languageMatches(vary, response, request, normalise)) keys.add(responseKey(primary, vary));
  }
  return [...keys];
}

function isVariant(value: unknown): value is Variant {
  return typeof value === 'object' && value !== null && 'vary' in value && Array.isArray(value.vary);
}
