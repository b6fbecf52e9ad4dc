import { dateOf } from './age.ts';
import type { CacheEntry } from './entry.ts';
import type { Fields } from './fields.ts';
import type { Policy } from './policy.ts';
import { languageMatches, varyMatches } from './vary.ts';

/**
 * Of the entries stored under one URL, the one that a request may use: it matches by `Vary`, and is
 * the latest by `Date`. `undefined` if none does. RFC 9111 §4.1.
 */
export function selectEntry<Entry extends CacheEntry>(
  entries: readonly Entry[],
  request: Fields,
  policy: Pick<Policy, 'normalise'>,
): Entry | undefined {
  const { normalise } = policy;
  return (
    latest(entries.filter((entry) => varyMatches(entry.vary, request, normalise))) ??
    latest(entries.filter((entry) => languageMatches(entry.vary, entry.fields, request, normalise)))
  );
}

function latest<Entry extends CacheEntry>(entries: readonly Entry[]): Entry | undefined {
  const [first, ...others] = entries;
  return first === undefined ? undefined : others.reduce((a, b) => (dateOfEntry(b) >= dateOfEntry(a) ? b : a), first);
}

const dateOfEntry = ({ fields, freshness }: CacheEntry): number =>
  dateOf(fields, freshness.receivedAt) ?? freshness.receivedAt;
