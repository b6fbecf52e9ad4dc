import { createHash } from 'node:crypto';
import { secondaryKey, type VaryKey } from '@tintype/http-cache';
import { type StorageKey, storageKey } from '../contracts/storage-key.ts';

/** The first segment of every key here; raised when the same key would mean another thing. */
export const SCHEMA = 'e1';

/**
 * Where responses of a URL lie: `e1/<hash of endpoint and URL>/<hash of the cookies that count>`, and
 * below it one for each combination of the fields that they vary by. The URL counts by the exact bytes
 * that the origin is asked with.
 *
 * @param endpoint what tells it from others: its path and its origins.
 * @param rest path and query below it.
 */
export function primaryKey(endpoint: string, rest: string, cookies: string): StorageKey {
  const url = digest(`${endpoint}\n${rest}`);
  return storageKey(`${SCHEMA}/${url.slice(0, 2)}/${url.slice(2)}/${cookies === '' ? 'r' : digest(cookies)}`);
}

/** The part that all responses of a URL share. */
export function urlPrefix(endpoint: string, rest: string): string {
  const url = digest(`${endpoint}\n${rest}`);
  return `${SCHEMA}/${url.slice(0, 2)}/${url.slice(2)}/`;
}

/**
 * The prefixes under which responses from a URL lie, which an endpoint's origins may have given.
 *
 * @param bases of its origins; each ends with a slash.
 */
export function prefixesOf(endpoint: string, bases: readonly string[], url: string): readonly string[] {
  const inside = bases.filter((base) => url.startsWith(base));
  return [...new Set(inside.map((base) => urlPrefix(endpoint, url.slice(base.length - 1))))];
}

/** What tells an endpoint's entries from another's. */
export function identityOf(prefix: string, bases: readonly string[]): string {
  return [prefix, ...bases].join(' ');
}

/** Whether a prefix of keys is one that only responses of endpoints lie under. */
export function isOfResponses(prefix: string): boolean {
  return prefix.startsWith(`${SCHEMA}/`);
}

/** The key of the response to requests with these selecting fields. RFC 9111 §4.1. */
export function responseKey(primary: StorageKey, vary: VaryKey): StorageKey {
  return vary.length === 0 ? primary : storageKey(`${primary}/${digest(secondaryKey(vary))}`);
}

function digest(text: string): string {
  return createHash('sha256').update(text).digest('hex').slice(0, 40);
}
