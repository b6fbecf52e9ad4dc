import type { LifetimeBasis } from './lifetime.ts';

/**
 * How long a response may be used, as instants in milliseconds since the epoch: all that a cache
 * compares at each hit was computed when the response came. Plain JSON; a result made from a
 * response carries its freshness as it is.
 */
export interface Freshness {
  /** Version of this record's form. */
  readonly v: 1;
  /** When the request for it went out; what was purged later must not come back by it. */
  readonly requestedAt: number;
  readonly receivedAt: number;
  /** When its age was 0. RFC 9111 §4.2.3. */
  readonly bornAt: number;
  /** Until when it may be used without asking; 0 if never. RFC 9111 §4.2. */
  readonly freshUntil: number;
  /** Until when it may be used while it is refreshed in the background; ≥ `freshUntil`. RFC 5861 §3. */
  readonly staleWhileRevalidateUntil: number;
  /** Until when it may be used after an error status; ≥ `freshUntil`. RFC 5861 §4. */
  readonly staleIfErrorUntil: number;
  /** Until when it may be used where the origin doesn't answer; ≥ `freshUntil`. RFC 9111 §4.2.4. */
  readonly staleIfDisconnectedUntil: number;
  /** What its lifetime comes from. */
  readonly basis: LifetimeBasis;
  /** It must not be used stale, whoever asks for it. RFC 9111 §4.2.4, §5.2.2.2, §5.2.2.8, §5.2.2.10. */
  readonly noStale?: true;
  /** While fresh, a reload needs no question. RFC 8246. */
  readonly immutable?: true;
  /** Its body must not be changed. RFC 9110 §7.7. */
  readonly noTransform?: true;
}

/** Whether it may be used without asking: the whole decision for a usual hit. RFC 9111 §4.2. */
export function isFresh(freshness: Freshness, now: number): boolean {
  return now < freshness.freshUntil;
}

/**
 * Whether the origin wants to be asked at each use, however soon: a bare `no-cache`, or one that names a field
 * of the response. That an operator wants the same is none of its words. RFC 9111 §5.2.2.4; Cloudflare C2.
 */
export function isNoCache(freshness: Freshness): boolean {
  const { freshUntil, basis } = freshness;
  return freshUntil === 0 && basis !== 'status-ttl' && basis !== 'edge-ttl';
}

/**
 * The freshness of something made of several responses: of each instant the earliest, of each
 * prohibition any. An image with a watermark lives no longer than either.
 *
 * @throws RangeError without any.
 */
export function leastFreshness(all: readonly Freshness[]): Freshness {
  const [first, ...others] = all;
  if (first === undefined) throw new RangeError('leastFreshness needs at least one freshness.');
  return others.reduce((a, b) => {
    const freshUntil = Math.min(a.freshUntil, b.freshUntil);
    return {
      v: 1,
      requestedAt: Math.min(a.requestedAt, b.requestedAt),
      receivedAt: Math.min(a.receivedAt, b.receivedAt),
      bornAt: Math.min(a.bornAt, b.bornAt),
      freshUntil,
      staleWhileRevalidateUntil: Math.min(a.staleWhileRevalidateUntil, b.staleWhileRevalidateUntil),
      staleIfErrorUntil: Math.min(a.staleIfErrorUntil, b.staleIfErrorUntil),
      staleIfDisconnectedUntil: Math.min(a.staleIfDisconnectedUntil, b.staleIfDisconnectedUntil),
      basis: a.freshUntil <= b.freshUntil ? a.basis : b.basis,
      ...(a.noStale === true || b.noStale === true ? { noStale: true as const } : {}),
      ...(a.immutable === true && b.immutable === true ? { immutable: true as const } : {}),
      ...(a.noTransform === true || b.noTransform === true ? { noTransform: true as const } : {}),
    };
  }, first);
}

/**
 * The freshness after a soft purge at `at`: stale from then on, to be revalidated. The windows of a
 * fresh response begin at the purge; those of a stale one stay where they are.
 * Cloudflare: invalidate (A4).
 */
export function invalidatedAt(freshness: Freshness, at: number): Freshness {
  if (at >= freshness.freshUntil) return freshness;
  const earlier = freshness.freshUntil - at;
  return {
    ...freshness,
    freshUntil: at,
    staleWhileRevalidateUntil: freshness.staleWhileRevalidateUntil - earlier,
    staleIfErrorUntil: freshness.staleIfErrorUntil - earlier,
    staleIfDisconnectedUntil: freshness.staleIfDisconnectedUntil - earlier,
  };
}

/**
 * The freshness with its lifetime shortened by a share of it, so that responses that came together
 * don't expire together. `random` is in [0, 1); `share` at most 1. Never later than before.
 */
export function jittered(freshness: Freshness, share: number, random: number): Freshness {
  const lifetime = freshness.freshUntil - freshness.receivedAt;
  if (lifetime <= 0) return freshness;
  return invalidatedAt(freshness, Math.ceil(freshness.freshUntil - lifetime * share * random));
}

/**
 * Whether one of many users of a fresh response should refresh it before it expires: the more likely
 * the nearer the expiry and the dearer the refresh. `costMs` is how long a refresh takes, `random` is
 * in (0, 1]. XFetch (Vattani, Chierichetti, Lowenstein, VLDB 2015).
 */
export function refreshEarly(freshness: Freshness, now: number, costMs: number, random: number, beta = 1): boolean {
  return now - costMs * beta * Math.log(random) >= freshness.freshUntil;
}
