import type { ExchangeTimes } from './age.ts';
import { type CacheControl, parseCacheControl } from './cache-control.ts';
import { unconditionalFields } from './conditional.ts';
import type { CacheEntry } from './entry.ts';
import {
  type FieldPair,
  type Fields,
  fieldLines,
  fieldPairs,
  hasField,
  hopByHopNames,
  withoutFields,
} from './fields.ts';
import { formatHttpDate } from './http-date.ts';
import { explicitLifetime, freshnessOf, impliedLifetime, type Lifetime, overridingLifetime } from './lifetime.ts';
import { HEURISTICALLY_CACHEABLE, type Policy } from './policy.ts';
import { partOf, type StoredPart } from './range.ts';
import { targetedCacheControl } from './targeted.ts';
import { varyKey, varyNames } from './vary.ts';

/** A request as the decisions see it. */
export interface RequestHead {
  readonly method: string;
  readonly fields: Fields;
}

/** A response as the decisions see it: final, without its body. */
export interface ResponseHead {
  readonly status: number;
  readonly fields: Fields;
}

/** A request and its response, with the times of both in milliseconds since the epoch. */
export interface Exchange extends ExchangeTimes {
  readonly request: RequestHead;
  readonly response: ResponseHead;
}

/** Why a response isn't stored. */
export type StoreRefusal =
  /** Only GET is stored. */
  | 'method'
  /**
   * 304 and 1xx are no responses to keep; nor is a 206 where parts aren't stored, or one that can't be
   * placed, nor a 412 or 416 to a request's own conditions or range.
   */
  | 'status'
  /** The client asked for it. RFC 9111 §5.2.1.5. */
  | 'request-no-store'
  /** The operator's status TTL says -1. */
  | 'status-ttl'
  | 'no-store'
  | 'private'
  /** Only with origin cache control off. */
  | 'no-cache'
  | 'must-understand'
  | 'authorization'
  | 'set-cookie'
  | 'vary-star'
  /** Nothing says that it may be kept, or it could never be used. */
  | 'no-lifetime';

export type StoreDecision =
  | { readonly store: true; readonly entry: CacheEntry }
  | { readonly store: false; readonly reason: StoreRefusal };

/** The directives of a response that count here. RFC 9213 §2.2, Cloudflare D20. */
export function responseControl(
  fields: Fields,
  policy: Policy,
): { readonly control: CacheControl; readonly targeted: boolean } {
  const targeted = policy.column.targetedFields ? targetedCacheControl(fields, policy.targets) : undefined;
  if (targeted !== undefined) return { control: targeted.control, targeted: true };
  return { control: parseCacheControl(fieldLines(fields, 'cache-control')), targeted: false };
}

/** Whether a response may be stored, and as what entry. RFC 9111 §3. */
export function decideStore(exchange: Exchange, policy: Policy): StoreDecision {
  const { request, response } = exchange;
  const override = overridingLifetime(response.status, policy);
  const { control, targeted } = responseControl(response.fields, policy);
  const part = response.status === 206 ? partOf(response.fields, request.fields, policy) : undefined;
  const names = varyNames(response.fields, policy);

  const refusal =
    refusedByRequest(request, policy) ??
    refusedByStatus(response.status, request, part, policy) ??
    (override === undefined ? refusedByOrigin(response, control, policy) : refusedByOperator(override)) ??
    // An operator's lifetime says for how long, and not for whom: this holds under one, too.
    refusedByAuthorization(request, control, policy);
  if (refusal !== undefined) return { store: false, reason: refusal };
  if (names === '*') return { store: false, reason: 'vary-star' };

  const input = { status: response.status, fields: response.fields, control, targeted, ...times(exchange) };
  const explicit = override ?? explicitLifetime(input, policy);
  const lifetime = explicit ?? impliedLifetime(input, policy);
  if (lifetime.seconds < 0) return { store: false, reason: 'status-ttl' };
  if (explicit === undefined && !mayImply(response, control, lifetime, policy))
    return { store: false, reason: 'no-lifetime' };
  if (lifetime.seconds === 0 && override === undefined && !policy.column.storesZeroLifetime) {
    return { store: false, reason: 'no-lifetime' };
  }
  const always = override === undefined ? alwaysRevalidates(control, response.fields) : override.seconds === 0;
  const noStale = always || (override === undefined && forbidsStale(control, policy));
  return {
    store: true,
    entry: {
      v: 1,
      status: response.status,
      fields: storedFields(exchange, control, override, policy),
      freshness: freshnessOf(lifetime, { ...input, always, noStale }, policy),
      vary: varyKey(names, request.fields, policy.normalise),
      ...(part === undefined ? {} : { part }),
    },
  };
}

const times = ({ requestedAt, receivedAt }: ExchangeTimes): ExchangeTimes => ({ requestedAt, receivedAt });

function refusedByRequest(request: RequestHead, policy: Policy): StoreRefusal | undefined {
  // §3: the method must be understood. HEAD has no body to keep (it may freshen, §4.3.5); POST isn't worth it.
  if (request.method !== 'GET') return 'method';
  // §5.2.1.5
  if (policy.clientCacheControl === 'obey' && parseCacheControl(fieldLines(request.fields, 'cache-control')).noStore) {
    return 'request-no-store';
  }
  return undefined;
}

function refusedByStatus(
  status: number,
  request: RequestHead,
  part: StoredPart | undefined,
  policy: Policy,
): StoreRefusal | undefined {
  // §3: final, and of 206 and 304 only what is understood. A 304 that nobody asked for has no body.
  if (status < 200 || status === 304) return 'status';
  // RFC 9110 §15.5.13, §15.5.17: these speak of one request's conditions or range, which are no part of the key.
  if ((status === 412 || status === 416) && isParticular(request)) return 'status';
  return status === 206 && (!policy.storePartial || part === undefined) ? 'status' : undefined;
}

/** Whether a request has conditions or asks for a part. RFC 9110 §13.1, §14.2. */
function isParticular({ fields }: RequestHead): boolean {
  return unconditionalFields(fields).length !== fieldPairs(fields).length;
}

/** What the origin forbids. RFC 9111 §3, §5.2.2; D1 to D5, C3. */
function refusedByOrigin(response: ResponseHead, control: CacheControl, policy: Policy): StoreRefusal | undefined {
  const { column } = policy;
  // §5.2.2.3: who understands the status ignores no-store beside must-understand, who doesn't mustn't store.
  if (control.mustUnderstand && !policy.understood.has(response.status)) return 'must-understand';
  if (control.noStore && !control.mustUnderstand) return 'no-store';
  // §5.2.2.7
  if (policy.shared && control.private !== false && (control.private === true || !column.storesQualifiedPrivate)) {
    return 'private';
  }
  // §5.2.2.4 allows storing; D4 and D5 off don't.
  if (control.noCache !== false && !column.storesNoCache) return 'no-cache';
  // §7.3 allows storing; C3 on doesn't.
  return policy.setCookie === 'refuse' && hasField(response.fields, 'set-cookie') ? 'set-cookie' : undefined;
}

/** A3: a status TTL of -1 is `no-store`. */
function refusedByOperator(override: Lifetime): StoreRefusal | undefined {
  return override.seconds < 0 ? 'status-ttl' : undefined;
}

/** RFC 9111 §3.5, C1: a response to a client's credentials needs the origin's word that others may have it. */
function refusedByAuthorization(request: RequestHead, control: CacheControl, policy: Policy): StoreRefusal | undefined {
  if (!policy.shared || policy.credentials === 'service' || !policy.column.authorizationBinds) return undefined;
  if (!hasField(request.fields, 'authorization')) return undefined;
  return control.public || control.mustRevalidate || control.sMaxage !== undefined ? undefined : 'authorization';
}

/**
 * Whether a response without a lifetime of its own may be kept: one with a lifetime by default or
 * guess, one that says `public`, and one that is worth asking about later. RFC 9111 §3, §4.2.2.
 */
function mayImply(response: ResponseHead, control: CacheControl, lifetime: Lifetime, policy: Policy): boolean {
  if (lifetime.seconds > 0 || lifetime.basis === 'default-ttl') return true;
  const allowed =
    HEURISTICALLY_CACHEABLE.has(response.status) || control.public || (!policy.shared && control.private !== false);
  return allowed && (hasField(response.fields, 'etag') || hasField(response.fields, 'last-modified'));
}

/** `no-cache`, or `no-cache="a"` on a response that has an `a`. RFC 9111 §5.2.2.4, D4, D5. */
function alwaysRevalidates(control: CacheControl, fields: Fields): boolean {
  const { noCache } = control;
  return typeof noCache === 'boolean' ? noCache : noCache.some((name) => hasField(fields, name));
}

/** RFC 9111 §5.2.2.2 (must-revalidate), §5.2.2.8 (proxy-revalidate), §5.2.2.10 (s-maxage); D7, D9, D10, D11, A4. */
function forbidsStale(control: CacheControl, policy: Policy): boolean {
  if (!policy.column.revalidationBinds) return false;
  if (control.mustRevalidate) return true;
  if (!policy.shared) return false;
  return control.proxyRevalidate || (control.sMaxage !== undefined && !policy.sMaxageAllowsStale);
}

/** What is kept of a response's fields: RFC 9111 §3.1, §5.2.2.7 (D3), §7.3 (C3). */
function storedFields(
  { response, receivedAt }: Exchange,
  control: CacheControl,
  override: Lifetime | undefined,
  policy: Policy,
): readonly FieldPair[] {
  const dropped = new Set(hopByHopNames(response.fields));
  if (policy.shared && typeof control.private !== 'boolean') for (const name of control.private) dropped.add(name);
  const cookies = override !== undefined && policy.setCookie === 'refuse' ? 'strip' : policy.setCookie;
  if (cookies === 'strip') for (const name of ['set-cookie', 'set-cookie2']) dropped.add(name);
  const fields = withoutFields(fieldPairs(response.fields), dropped);
  // RFC 9110 §6.6.1: who stores a response without Date adds the time when it came.
  return hasField(response.fields, 'date') ? fields : [...fields, ['Date', formatHttpDate(receivedAt)]];
}
