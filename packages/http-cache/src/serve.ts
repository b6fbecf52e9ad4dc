import { currentAge } from './age.ts';
import { type CacheControl, parseCacheControl } from './cache-control.ts';
import type { Fields } from './fields.ts';
import { fieldLines } from './fields.ts';
import type { Freshness } from './freshness.ts';
import type { Policy } from './policy.ts';

/** What to do with a request. */
export type ServeDecision =
  /** Answer with what is stored. `refresh`: and get a new one behind its back. */
  | {
      readonly action: 'serve';
      readonly reason: 'fresh' | 'stale-while-revalidate' | 'max-stale';
      readonly refresh: boolean;
    }
  /** Ask the origin first, with the entry's validators if it has some. `reason`: why the entry won't do. */
  | { readonly action: 'revalidate'; readonly reason: 'stale' | 'request' }
  /** There is nothing stored: ask the origin. */
  | { readonly action: 'fetch' }
  /** The client wants nothing but a stored response, and there is none to use: 504. RFC 9111 §5.2.1.7. */
  | { readonly action: 'unavailable' };

const FRESH: ServeDecision = Object.freeze({ action: 'serve', reason: 'fresh', refresh: false });
const REFRESHING: ServeDecision = Object.freeze({ action: 'serve', reason: 'stale-while-revalidate', refresh: true });
const MAX_STALE: ServeDecision = Object.freeze({ action: 'serve', reason: 'max-stale', refresh: false });
const STALE: ServeDecision = Object.freeze({ action: 'revalidate', reason: 'stale' });
const ASKED: ServeDecision = Object.freeze({ action: 'revalidate', reason: 'request' });
const FETCH: ServeDecision = Object.freeze({ action: 'fetch' });
const UNAVAILABLE: ServeDecision = Object.freeze({ action: 'unavailable' });

/**
 * How to answer a request whose key (and `Vary`) selected a stored response with this freshness, or
 * none. For a fresh one and a request without `Cache-Control` it is one comparison. RFC 9111 §4.
 */
export function decideServe(
  freshness: Freshness | undefined,
  request: Fields,
  now: number,
  policy: Policy,
): ServeDecision {
  const lines = policy.clientCacheControl === 'obey' ? fieldLines(request, 'cache-control') : [];
  if (lines.length === 0) return freshness === undefined ? FETCH : withoutWishes(freshness, now);
  const control = parseCacheControl(lines);
  const decision = freshness === undefined ? FETCH : withWishes(freshness, control, now);
  return control.onlyIfCached && decision.action !== 'serve' ? UNAVAILABLE : decision;
}

function withoutWishes(freshness: Freshness, now: number): ServeDecision {
  if (now < freshness.freshUntil) return FRESH;
  return now < freshness.staleWhileRevalidateUntil ? REFRESHING : STALE;
}

/** What a client's directives make of it. RFC 9111 §5.2.1, RFC 8246 §2. */
function withWishes(freshness: Freshness, control: CacheControl, now: number): ServeDecision {
  const { maxAge, minFresh, maxStale } = control;
  // §5.2.1.4
  if (control.noCache !== false) return ASKED;
  if (now < freshness.freshUntil) {
    // RFC 8246 §2: what is immutable needs no question while it is fresh, though a reload asks one.
    if (maxAge === 0 && freshness.immutable === true) return FRESH;
    // §5.2.1.1; an age of N seconds is one of less than N + 1.
    if (maxAge !== undefined && (maxAge === 0 || currentAge(freshness.bornAt, now) > maxAge)) return ASKED;
    // §5.2.1.3
    return minFresh !== undefined && freshness.freshUntil - now < minFresh * 1000 ? ASKED : FRESH;
  }
  // §5.2.1.2: the client takes it stale, where the origin doesn't forbid it (§4.2.4).
  const taken = maxStale !== undefined && freshness.noStale !== true && now < freshness.freshUntil + maxStale * 1000;
  if (taken && (maxAge === undefined || currentAge(freshness.bornAt, now) <= maxAge)) return MAX_STALE;
  // Who limits age or asks for freshness doesn't want what is stale.
  if (maxAge !== undefined || minFresh !== undefined) return STALE;
  return now < freshness.staleWhileRevalidateUntil ? REFRESHING : STALE;
}

/** How asking the origin failed: by not answering at all (connection, name, time), or by a status. */
export type OriginFailure = 'disconnected' | number;

/** What to do after it. */
export type FailureDecision =
  /** Answer with what is stored. */
  | { readonly action: 'serve'; readonly reason: 'stale-if-error' }
  /** Answer with the origin's own answer. */
  | { readonly action: 'forward' }
  /** Answer with an error of our own: 504 where an entry must be revalidated and can't be, else 502. */
  | { readonly action: 'fail'; readonly status: 502 | 504 };

/** Statuses that count as failures. RFC 5861 §4. */
const ERRORS: ReadonlySet<number> = new Set([500, 502, 503, 504]);

/** Whether a stored response may stand in for an origin that failed. RFC 9111 §4.2.4, §4.3.3, RFC 5861 §4. */
export function decideFailure(
  freshness: Freshness | undefined,
  failure: OriginFailure,
  request: Fields,
  now: number,
  policy: Policy,
): FailureDecision {
  const disconnected = failure === 'disconnected';
  if (!disconnected && !ERRORS.has(failure)) return { action: 'forward' };
  if (freshness !== undefined && now < usableUntil(freshness, disconnected, request, policy)) {
    return { action: 'serve', reason: 'stale-if-error' };
  }
  if (!disconnected) return { action: 'forward' };
  // §5.2.2.2: a cache that can't reach the origin must answer with an error.
  return { action: 'fail', status: freshness?.noStale === true ? 504 : 502 };
}

function usableUntil(freshness: Freshness, disconnected: boolean, request: Fields, policy: Policy): number {
  const until = disconnected ? freshness.staleIfDisconnectedUntil : freshness.staleIfErrorUntil;
  const lines = policy.clientCacheControl === 'obey' ? fieldLines(request, 'cache-control') : [];
  if (lines.length === 0 || freshness.noStale === true) return until;
  // RFC 5861 §4: clients may say it, too.
  return Math.max(until, freshness.freshUntil + (parseCacheControl(lines).staleIfError ?? 0) * 1000);
}
