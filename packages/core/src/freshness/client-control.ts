import {
  type FieldPair,
  type Freshness,
  fieldLines,
  fieldValue,
  parseCacheControl,
  parseHttpDate,
  targetedCacheControl,
  withBrowserTtl,
} from '@tintype/http-cache';
import type { FreshnessPolicy } from './policy.ts';

/**
 * `Cache-Control` that clients get for what was made of a source with these fields: the source's own
 * word, which the operator's settings may lengthen. `undefined` where it follows from the lifetime alone.
 *
 * `Expires` is turned into the `max-age` that it means, because the answer's `Date` is another one.
 * RFC 9111 §5.2.2, §5.3; Cloudflare: browser TTL, edge TTL (A3), C4, D16.
 */
export function clientControl(
  fields: readonly FieldPair[],
  freshness: Freshness | undefined,
  policy: FreshnessPolicy,
): string | undefined {
  const { http } = policy;
  const basis = freshness?.basis;
  const sent = withBrowserTtl(fields, http, basis);
  const said = fieldValue(sent, 'cache-control');
  const silent = fieldLines(fields, 'cache-control').length === 0;
  const control = parseCacheControl(fieldLines(sent, 'cache-control'));
  if (said !== undefined && (control.maxAge !== undefined || control.noStore || control.noCache === true)) {
    return silent ? `public, ${said}` : said;
  }
  const seconds = explicitSeconds(fields, freshness, policy);
  if (seconds !== undefined) return seconds === 0 && said === undefined ? 'no-cache' : withMaxAge(said, seconds);
  return said;
}

/** The lifetime that a response without `max-age` gave in another way, or that the operator gave to one that is silent. */
function explicitSeconds(
  fields: readonly FieldPair[],
  freshness: Freshness | undefined,
  { http }: FreshnessPolicy,
): number | undefined {
  const expires = fieldValue(fields, 'expires');
  if (expires !== undefined && freshness?.basis !== 'edge-ttl' && freshness?.basis !== 'status-ttl') {
    const receivedAt = freshness?.receivedAt ?? 0;
    const from = parseHttpDate(fieldValue(fields, 'date'), receivedAt) ?? receivedAt;
    const at = parseHttpDate(expires, receivedAt);
    return at === undefined ? 0 : Math.max(0, Math.floor((at - from) / 1_000));
  }
  // The cap of our own cache, and its jitter, are none for browsers.
  if (freshness?.basis === 'default-ttl') return http.defaultTtl['200'];
  return undefined;
}

function withMaxAge(said: string | undefined, seconds: number): string {
  return said === undefined ? `public, max-age=${seconds}` : `${said}, max-age=${seconds}`;
}

/** Targeted fields that are for every shared cache are passed on; those for this one alone are not. RFC 9213 §2.2, D20. */
export function passedOnFields(fields: readonly FieldPair[]): readonly FieldPair[] | undefined {
  if (targetedCacheControl(fields, ['cdn-cache-control']) === undefined) return undefined;
  return [['cdn-cache-control', fieldValue(fields, 'cdn-cache-control') ?? '']];
}
