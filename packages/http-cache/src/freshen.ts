import type { ExchangeTimes } from './age.ts';
import { strongMatch, weakMatch } from './conditional.ts';
import type { CacheEntry } from './entry.ts';
import {
  type FieldPair,
  type Fields,
  fieldPairs,
  fieldValue,
  hasField,
  hopByHopNames,
  withoutFields,
} from './fields.ts';
import type { Policy } from './policy.ts';
import { decideStore, type RequestHead, type StoreRefusal } from './store.ts';

/** A 304 (or an answer to HEAD) about a stored response. */
export interface Validation extends ExchangeTimes {
  /** The request that brought it, with the client's fields. */
  readonly request: RequestHead;
  /** The fields of the answer. */
  readonly fields: Fields;
}

export type FreshenDecision =
  /** Answer with the entry, and store it in place of the old one: only its metadata is new. */
  | { readonly action: 'update'; readonly entry: CacheEntry }
  /**
   * Answer with the entry and don't store it. `evict`: and remove the old one, which the origin says
   * now mustn't be kept; otherwise it was only this client's request that forbids storing.
   */
  | {
      readonly action: 'serve-once';
      readonly entry: CacheEntry;
      readonly reason: StoreRefusal;
      readonly evict: boolean;
    }
  /** It speaks of another representation: ask again, without conditions. */
  | { readonly action: 'mismatch' };

/**
 * Fields that a 304 doesn't change: the body's own length, coding and place stay what they are, and
 * so does its tag. RFC 9111 §3.2.
 */
const KEPT: ReadonlySet<string> = new Set([
  'content-length',
  'content-encoding',
  'content-range',
  'content-md5',
  'etag',
]);

/** Refusals that concern one client's request, and not the stored response. RFC 9111 §3.5, §5.2.1.5. */
const OF_REQUEST: ReadonlySet<StoreRefusal> = new Set<StoreRefusal>(['request-no-store', 'authorization']);

/** Fields that speak of one message: an old one must not outlive it. */
const OF_MESSAGE: ReadonlySet<string> = new Set(['age', 'date']);

/**
 * What a 304 makes of the response that was asked about: the stored fields, with those of the 304 in
 * their place, and a freshness computed anew. `keep` are further lower-case names that stay as stored.
 * RFC 9111 §4.3.4, §3.2.
 */
export function freshen(
  stored: CacheEntry,
  validation: Validation,
  policy: Policy,
  keep: readonly string[] = [],
): FreshenDecision {
  if (!isAbout(stored.fields, validation.fields)) return { action: 'mismatch' };
  const fields = mergedFields(stored.fields, validation.fields, keep);
  const { request, requestedAt, receivedAt } = validation;
  // A status TTL that names 304 holds from now on; without it, the stored status' does (Cloudflare A3).
  const byStatus = policy.statusTtl['304'];
  const ttl =
    byStatus === undefined ? policy : { ...policy, statusTtl: { ...policy.statusTtl, [stored.status]: byStatus } };
  const decision = decideStore(
    {
      // The entry is a GET's, whoever asked about it; that it is a part was decided before.
      request: { method: 'GET', fields: request.fields },
      response: { status: stored.part === undefined ? stored.status : 200, fields },
      requestedAt,
      receivedAt,
    },
    ttl,
  );
  if (!decision.store) {
    const { reason } = decision;
    return { action: 'serve-once', entry: { ...stored, fields }, reason, evict: !OF_REQUEST.has(reason) };
  }
  const { status, part } = stored;
  return { action: 'update', entry: { ...decision.entry, status, ...(part === undefined ? {} : { part }) } };
}

/**
 * What the answer to a HEAD makes of a stored response: `freshen` if it is a 200 about the same
 * representation, `undefined` if the entry is another by now and must go. RFC 9111 §4.3.5.
 */
export function freshenByHead(
  stored: CacheEntry,
  validation: Validation & { readonly status: number },
  policy: Policy,
): FreshenDecision | undefined {
  if (validation.status !== 200 || stored.status !== 200) return undefined;
  for (const name of ['etag', 'last-modified', 'content-length']) {
    const value = fieldValue(validation.fields, name);
    if (value !== undefined && value !== fieldValue(stored.fields, name)) return undefined;
  }
  return freshen(stored, validation, policy);
}

/**
 * Whether a 304's validators are the stored response's. A strong tag must be the very same; without
 * any validator it can only mean what was asked about. RFC 9111 §4.3.4.
 */
function isAbout(stored: Fields, fields: Fields): boolean {
  const etag = fieldValue(fields, 'etag');
  const storedTag = fieldValue(stored, 'etag');
  if (etag !== undefined && storedTag !== undefined) {
    return (
      strongMatch(etag, storedTag) || ((etag.startsWith('W/') || !etag.startsWith('"')) && weakMatch(etag, storedTag))
    );
  }
  const lastModified = fieldValue(fields, 'last-modified');
  const storedDate = fieldValue(stored, 'last-modified');
  if (etag === undefined && lastModified !== undefined && storedDate !== undefined && !hasField(stored, 'etag')) {
    return lastModified === storedDate;
  }
  // §4.3.4: a strong tag that nothing stored has updates nothing.
  return etag === undefined || !etag.startsWith('"');
}

function mergedFields(stored: readonly FieldPair[], update: Fields, keep: readonly string[]): readonly FieldPair[] {
  const kept = new Set([...KEPT, ...keep, ...hopByHopNames(update)]);
  const news = withoutFields(fieldPairs(update), kept);
  const replaced = new Set([...OF_MESSAGE, ...news.map(([name]) => name.toLowerCase())]);
  return [...withoutFields(stored, replaced), ...news];
}
