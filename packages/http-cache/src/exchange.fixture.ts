import type { CacheEntry } from './entry.ts';
import type { FieldPair } from './fields.ts';
import { createPolicy, type Policy, type PolicyOptions } from './policy.ts';
import { decideStore, type Exchange, type StoreDecision } from './store.ts';

/** The moment of all tests: Sunday, 06 Nov 1994 08:49:37 GMT. */
export const NOW: number = Date.UTC(1994, 10, 6, 8, 49, 37);

/** `seconds` after {@link NOW}. */
export const after = (seconds: number): number => NOW + seconds * 1000;

/** `after(seconds)` as a field value. */
export const dateAfter = (seconds: number): string => new Date(after(seconds)).toUTCString();

/** Header text, one field per line, as pairs. */
export function fields(text: string): readonly FieldPair[] {
  return text
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => line !== '')
    .map((line) => {
      const colon = line.indexOf(':');
      return [line.slice(0, colon).trim(), line.slice(colon + 1).trim()];
    });
}

/** A GET answered at once, at {@link NOW}. */
export function exchange(response: string, request = '', status = 200): Exchange {
  return {
    request: { method: 'GET', fields: fields(request) },
    response: { status, fields: fields(response) },
    requestedAt: NOW,
    receivedAt: NOW,
  };
}

/** What a cache with these options does with it. */
export function stored(
  response: string,
  options: PolicyOptions | Policy = {},
  request = '',
  status = 200,
): StoreDecision {
  return decideStore(exchange(response, request, status), 'column' in options ? options : createPolicy(options));
}

/** The entry that it becomes. */
export function entryOf(
  response: string,
  options: PolicyOptions | Policy = {},
  request = '',
  status = 200,
): CacheEntry {
  const decision = stored(response, options, request, status);
  if (!decision.store) throw new Error(`not stored: ${decision.reason}`);
  return decision.entry;
}
