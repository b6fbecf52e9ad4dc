import { dateOf } from './age.ts';
import { type FieldPair, type Fields, fieldPairs, fieldValue, withoutFields } from './fields.ts';
import { parseHttpDate } from './http-date.ts';
import type { RequestHead } from './store.ts';

/** What a request's conditions are compared with. */
export interface Selected {
  readonly fields: Fields;
  /** When the response came, in milliseconds since the epoch. */
  readonly receivedAt: number;
}

const ENTITY_TAG = /(W\/)?("[\x21\x23-\x7e\x80-\uffff]*")/g;

/** Whether two entity tags are the same representation byte by byte. RFC 9110 §8.8.3.2. */
export function strongMatch(a: string | undefined, b: string | undefined): boolean {
  return a !== undefined && a === b && a.startsWith('"');
}

/** Whether two entity tags are equivalent representations. RFC 9110 §8.8.3.2. */
export function weakMatch(a: string | undefined, b: string | undefined): boolean {
  return a !== undefined && b !== undefined && opaque(a) === opaque(b);
}

const opaque = (etag: string): string => (etag.startsWith('W/') ? etag.slice(2) : etag);

/** Whether an `If-Match` or `If-None-Match` names `etag`. RFC 9110 §13.1.1 (strong), §13.1.2 (weak). */
export function namesTag(field: string, etag: string | undefined, comparison: 'strong' | 'weak'): boolean {
  const text = field.trim();
  if (text === '*') return true;
  if (etag === undefined) return false;
  // An origin that forgets the quotes is asked, and asks, without them.
  if (text === etag && comparison === 'weak') return true;
  const matches = comparison === 'strong' ? strongMatch : weakMatch;
  for (const [tag] of text.matchAll(ENTITY_TAG)) if (matches(tag, etag)) return true;
  return false;
}

/**
 * What a request's conditions come to, in the order of RFC 9110 §13.2.2. A cache leaves `If-Match` and
 * `If-Unmodified-Since` to the origin (RFC 9111 §4.3.2): they are for who has the resource itself.
 */
export function evaluateConditions(
  request: RequestHead,
  selected: Selected,
  role: 'cache' | 'origin' = 'cache',
): 'proceed' | 'not-modified' | 'precondition-failed' {
  const { fields } = request;
  const etag = fieldValue(selected.fields, 'etag');
  const lastModified = (): number | undefined =>
    parseHttpDate(fieldValue(selected.fields, 'last-modified'), selected.receivedAt);
  const reading = request.method === 'GET' || request.method === 'HEAD';
  if (role === 'origin') {
    const ifMatch = fieldValue(fields, 'if-match');
    const since = parseHttpDate(fieldValue(fields, 'if-unmodified-since'), selected.receivedAt);
    // Steps 1 and 2.
    if (ifMatch !== undefined) {
      if (!namesTag(ifMatch, etag, 'strong')) return 'precondition-failed';
    } else if (since !== undefined && (lastModified() ?? since) > since) return 'precondition-failed';
  }
  // Step 3: with If-None-Match, If-Modified-Since doesn't count.
  const ifNoneMatch = fieldValue(fields, 'if-none-match');
  if (ifNoneMatch !== undefined) {
    if (!namesTag(ifNoneMatch, etag, 'weak')) return 'proceed';
    return reading ? 'not-modified' : 'precondition-failed';
  }
  // Step 4. RFC 9111 §4.3.2: without Last-Modified a cache compares Date, and without that its own clock.
  const since = reading ? parseHttpDate(fieldValue(fields, 'if-modified-since'), selected.receivedAt) : undefined;
  if (since === undefined) return 'proceed';
  const modified = lastModified() ?? dateOf(selected.fields, selected.receivedAt) ?? selected.receivedAt;
  return modified <= since ? 'not-modified' : 'proceed';
}

/**
 * Whether a `Range` counts: there is no `If-Range`, or it names exactly these bytes. A date does so
 * only if the response was made at least a second after it. RFC 9110 §13.1.5, §8.8.2.2.
 */
export function ifRangeHolds(request: Fields, selected: Selected): boolean {
  const value = fieldValue(request, 'if-range')?.trim();
  if (value === undefined) return true;
  if (value.endsWith('"')) return strongMatch(value, fieldValue(selected.fields, 'etag'));
  const wanted = parseHttpDate(value, selected.receivedAt);
  const lastModified = parseHttpDate(fieldValue(selected.fields, 'last-modified'), selected.receivedAt);
  const date = dateOf(selected.fields, selected.receivedAt) ?? selected.receivedAt;
  return wanted !== undefined && wanted === lastModified && date - lastModified >= 1000;
}

const CONDITIONS: ReadonlySet<string> = new Set([
  'if-match',
  'if-none-match',
  'if-modified-since',
  'if-unmodified-since',
  'if-range',
]);

/**
 * The client's fields without its conditions and ranges: what the origin answers to them would
 * be no answer for others. RFC 9111 §4.3.1, RFC 9110 §13.1, §14.2.
 */
export function unconditionalFields(request: Fields): readonly FieldPair[] {
  return withoutFields(fieldPairs(request), new Set([...CONDITIONS, 'range']));
}

/** The fields that ask the origin whether a stored response is still the one; empty if it has no validator. RFC 9111 §4.3.1. */
export function revalidationFields(stored: Fields): readonly FieldPair[] {
  const etag = fieldValue(stored, 'etag');
  const lastModified = fieldValue(stored, 'last-modified');
  const fields: FieldPair[] = [];
  if (etag !== undefined) fields.push(['If-None-Match', etag]);
  if (lastModified !== undefined) fields.push(['If-Modified-Since', lastModified]);
  return fields;
}

/** Fields of a 200 that describe its body, and are left out of a 304. RFC 9110 §15.4.5. */
const OF_BODY: ReadonlySet<string> = new Set([
  ...['accept-ranges', 'content-encoding', 'content-language', 'content-length', 'content-range', 'content-type'],
]);

/** The fields of a 304 that stands for a response with `fields`. RFC 9110 §15.4.5. */
export function notModifiedFields(fields: readonly FieldPair[]): readonly FieldPair[] {
  return withoutFields(fields, OF_BODY);
}
