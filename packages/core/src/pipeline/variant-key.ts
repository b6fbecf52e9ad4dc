import { createHash } from 'node:crypto';
import type { ImageRequest } from '../contracts/dialect.ts';
import type { HttpFields } from '../contracts/http-fields.ts';
import { type StorageKey, storageKey } from '../contracts/storage-key.ts';

/**
 * The first segment of every key. Raised when the same key would mean another thing; entries of an
 * older schema are then never found again, and can be removed by their prefix.
 */
export const SCHEMA = 'v1';

/** What makes two requests two variants, besides the request itself. */
export interface KeyContext {
  /** Of the transformer: another one would give other bytes. */
  readonly revision: string;
  /** Lower-case names of request headers and cookies that are part of the key. */
  readonly keyHeaders: readonly string[];
  readonly keyCookies: readonly string[];
}

/** JSON with the members of every object in order, so that equal values are equal texts. */
export function canonicalJson(value: unknown): string {
  return JSON.stringify(value, (_name, member: unknown) =>
    typeof member === 'object' && member !== null && !Array.isArray(member)
      ? Object.fromEntries(Object.entries(member).sort(([a], [b]) => (a < b ? -1 : 1)))
      : member,
  );
}

function digest(text: string): string {
  return createHash('sha256').update(text).digest('hex').slice(0, 40);
}

/** The part that all variants of a source share: `v1/<2>/<38>/`. */
export function sourcePrefix(source: string): string {
  const hash = digest(source);
  return `${SCHEMA}/${hash.slice(0, 2)}/${hash.slice(2)}/`;
}

/**
 * The key of a variant: `v1/<hash of the source>/<hash of everything else>`. The signature, its
 * expiry and what shapes only the response are not part of it: a key rotation keeps the cache.
 */
export function variantKey(request: ImageRequest, headers: HttpFields, context: KeyContext): StorageKey {
  const variant = canonicalJson({
    mode: request.mode,
    operations: request.mode === 'raw' ? null : request.operations,
    output: request.mode === 'raw' ? null : request.output,
    cachebuster: request.cachebuster,
    revision: request.mode === 'raw' ? '' : context.revision,
    headers: context.keyHeaders.map((name) => [name, headers[name] ?? null]),
    cookies: context.keyCookies.map((name) => [name, cookie(headers.cookie, name) ?? null]),
  });
  return storageKey(sourcePrefix(request.source) + digest(variant));
}

/** The value of a cookie as it was sent, from a `Cookie` field. RFC 6265 §4.2.1. */
function cookie(field: string | undefined, name: string): string | undefined {
  if (field === undefined) return undefined;
  for (const pair of field.split(';')) {
    const equals = pair.indexOf('=');
    if (equals > 0 && pair.slice(0, equals).trim() === name) return pair.slice(equals + 1).trim();
  }
  return undefined;
}
