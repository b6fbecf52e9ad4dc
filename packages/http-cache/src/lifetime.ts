import { dateOf, type ExchangeTimes, initialAge } from './age.ts';
import type { CacheControl } from './cache-control.ts';
import { type Fields, fieldLines, fieldValue } from './fields.ts';
import type { Freshness } from './freshness.ts';
import { parseHttpDate } from './http-date.ts';
import { HEURISTICALLY_CACHEABLE, type Policy, secondsFor } from './policy.ts';

/** What a lifetime comes from, the strongest first. */
export type LifetimeBasis =
  | 'status-ttl'
  | 'edge-ttl'
  | 's-maxage'
  | 'max-age'
  | 'expires'
  | 'default-ttl'
  | 'heuristic'
  | 'none';

export interface Lifetime {
  readonly seconds: number;
  readonly basis: LifetimeBasis;
}

/** What a lifetime is computed from. `control` are the directives that count: of a targeted field, if there is one. */
export interface LifetimeInput {
  readonly status: number;
  readonly fields: Fields;
  readonly control: CacheControl;
  /** `control` is a targeted field's: `Expires` doesn't count. RFC 9213 §2.2. */
  readonly targeted: boolean;
  readonly receivedAt: number;
}

/** The operator's lifetime that wins over the origin's, if there is one. Cloudflare: edge TTL (A3). */
export function overridingLifetime(status: number, policy: Policy): Lifetime | undefined {
  const byStatus = secondsFor(policy.statusTtl, status);
  if (byStatus !== undefined) return { seconds: byStatus, basis: 'status-ttl' };
  // An error must not be kept as long as what it stands for.
  if (policy.edgeTtl === undefined || status < 200 || status >= 400) return undefined;
  return { seconds: policy.edgeTtl, basis: 'edge-ttl' };
}

/** The lifetime that the origin gave: `s-maxage`, else `max-age`, else `Expires`. RFC 9111 §4.2.1. */
export function explicitLifetime(input: LifetimeInput, policy: Policy): Lifetime | undefined {
  const { control, fields, receivedAt } = input;
  if (policy.shared && control.sMaxage !== undefined) return { seconds: control.sMaxage, basis: 's-maxage' };
  if (control.maxAge !== undefined) return { seconds: control.maxAge, basis: 'max-age' };
  if (input.targeted || policy.ignoreExpires) return undefined;
  const lines = fieldLines(fields, 'expires');
  if (lines.length === 0) return undefined;
  // §5.3: what is no date, `0` above all, is in the past. So are two of them that differ.
  const expires = new Set(lines).size === 1 ? parseHttpDate(lines[0], receivedAt) : undefined;
  // §4.2.1: Expires counts from the origin's own clock, and from ours only if that is unknown.
  const from = (policy.ignoreAge ? undefined : dateOf(fields, receivedAt)) ?? receivedAt;
  const seconds = expires === undefined ? 0 : Math.max(0, Math.floor((expires - from) / 1000));
  return { seconds, basis: 'expires' };
}

/** The lifetime of a response that has none of its own: the operator's by status, else a guess. RFC 9111 §4.2.2. */
export function impliedLifetime(input: LifetimeInput, policy: Policy): Lifetime {
  const { status, fields, control, receivedAt } = input;
  const seconds = secondsFor(policy.defaultTtl, status);
  if (seconds !== undefined) return { seconds, basis: 'default-ttl' };
  const lastModified = parseHttpDate(fieldValue(fields, 'last-modified'), receivedAt);
  const mayGuess = HEURISTICALLY_CACHEABLE.has(status) || control.public;
  if (policy.heuristic === false || !mayGuess || lastModified === undefined) return { seconds: 0, basis: 'none' };
  const unchangedFor = ((dateOf(fields, receivedAt) ?? receivedAt) - lastModified) / 1000;
  const guess = Math.floor(Math.max(0, unchangedFor) * policy.heuristic.fraction);
  return { seconds: Math.min(guess, policy.heuristic.maxSeconds), basis: 'heuristic' };
}

/** Lifetimes that the operator gave begin when we got the response; the origin's when it was made. */
const FROM_RECEIPT: ReadonlySet<LifetimeBasis> = new Set(['status-ttl', 'edge-ttl', 'default-ttl']);

/** What the instants are computed from, besides the lifetime. */
export interface FreshnessInput extends LifetimeInput, ExchangeTimes {
  /** It must be revalidated at each use: `no-cache`. */
  readonly always: boolean;
  /** It must not be used stale. */
  readonly noStale: boolean;
}

/** The instants until which a response may be used: all arithmetic of freshness, done once. RFC 9111 §4.2. */
export function freshnessOf(lifetime: Lifetime, input: FreshnessInput, policy: Policy): Freshness {
  const { control, requestedAt, receivedAt } = input;
  const bornAt = receivedAt - initialAge(input.fields, input, policy);
  const start = FROM_RECEIPT.has(lifetime.basis) ? receivedAt : bornAt;
  const wanted = start + lifetime.seconds * 1000;
  const least = receivedAt + policy.minTtl * 1000;
  const most = receivedAt + policy.maxTtl * 1000;
  const freshUntil = input.always ? 0 : Math.min(policy.minTtl > 0 ? Math.max(wanted, least) : wanted, most);
  // Windows count from expiry (RFC 5861 §3, §4); where stale answers are forbidden there are none.
  const until = (seconds: number): number => (input.noStale ? freshUntil : freshUntil + seconds * 1000);
  return {
    v: 1,
    requestedAt,
    receivedAt,
    bornAt,
    freshUntil,
    staleWhileRevalidateUntil: until(whileRevalidating(control, policy)),
    staleIfErrorUntil: until(control.staleIfError ?? policy.staleIfError),
    staleIfDisconnectedUntil: until(control.staleIfError ?? policy.staleIfDisconnected),
    basis: lifetime.basis,
    ...(input.noStale ? { noStale: true as const } : {}),
    ...(control.immutable ? { immutable: true as const } : {}),
    ...(control.noTransform && policy.column.noTransformBinds ? { noTransform: true as const } : {}),
  };
}

/** Seconds after expiry in which a response may be used while it is refreshed. RFC 5861 §3. */
function whileRevalidating(control: CacheControl, { staleWhileRevalidate }: Policy): number {
  if (staleWhileRevalidate === false) return 0;
  return control.staleWhileRevalidate ?? (staleWhileRevalidate === true ? 0 : staleWhileRevalidate);
}
