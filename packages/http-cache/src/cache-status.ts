import { type BareItem, serializeList, Token } from 'structured-headers';

/** How a cache handled one request. RFC 9211 §2. */
export interface CacheStatus {
  /** Name of the cache: a token (`Tintype`) or a host name. */
  readonly cache: string;
  /** It was answered from the cache, without asking. Excludes `fwd`. §2.1. */
  readonly hit?: boolean;
  /** Why it was forwarded. §2.2. */
  readonly fwd?: ForwardReason;
  /** What the origin answered. §2.3. */
  readonly fwdStatus?: number;
  /** Remaining freshness in seconds; negative for a stale response. §2.4. */
  readonly ttl?: number;
  /** Whether the answer was stored. §2.5. */
  readonly stored?: boolean;
  /** Whether it waited for another request's answer. §2.6. */
  readonly collapsed?: boolean;
  /** The key it was looked up by. §2.7. */
  readonly key?: string;
  /** More, for those who know this cache. §2.8. */
  readonly detail?: string;
}

/** RFC 9211 §2.2. */
export type ForwardReason = 'bypass' | 'method' | 'uri-miss' | 'vary-miss' | 'miss' | 'request' | 'stale' | 'partial';

/**
 * The `Cache-Status` field with this cache's member after those of caches nearer to the origin.
 * An earlier value is kept word for word. RFC 9211 §2.
 */
export function cacheStatus(status: CacheStatus, earlier?: string): string {
  const parameters = new Map<string, BareItem>();
  if (status.hit === true) parameters.set('hit', true);
  else if (status.fwd !== undefined) parameters.set('fwd', new Token(status.fwd));
  if (status.fwdStatus !== undefined) parameters.set('fwd-status', status.fwdStatus);
  if (status.ttl !== undefined) parameters.set('ttl', Math.trunc(status.ttl));
  if (status.stored !== undefined) parameters.set('stored', status.stored);
  if (status.collapsed === true) parameters.set('collapsed', true);
  if (status.key !== undefined) parameters.set('key', printable(status.key));
  if (status.detail !== undefined)
    parameters.set('detail', TOKEN.test(status.detail) ? new Token(status.detail) : printable(status.detail));
  const name = TOKEN.test(status.cache) ? new Token(status.cache) : printable(status.cache);
  const member = serializeList([[name, parameters]]);
  return earlier === undefined || earlier.trim() === '' ? member : `${earlier}, ${member}`;
}

/** RFC 9651 §3.3.4. */
const TOKEN = /^[A-Za-z*][\w!#$%&'*+\-.^`|~:/]*$/;

/** A structured string has nothing but printable ASCII. RFC 9651 §3.3.3. */
const printable = (text: string): string => text.replace(/[^\x20-\x7e]/g, '?');

/** Cloudflare's words for what happened (A5). */
export type CacheOutcome = 'HIT' | 'MISS' | 'EXPIRED' | 'REVALIDATED' | 'UPDATING' | 'STALE' | 'BYPASS' | 'DYNAMIC';

/** What each word is in `Cache-Status`. A5. */
export const CACHE_OUTCOMES: Readonly<Record<CacheOutcome, Omit<CacheStatus, 'cache'>>> = {
  HIT: { hit: true },
  MISS: { fwd: 'uri-miss', stored: true },
  EXPIRED: { fwd: 'stale', fwdStatus: 200, stored: true },
  REVALIDATED: { fwd: 'stale', fwdStatus: 304 },
  UPDATING: { hit: true, detail: 'swr' },
  STALE: { hit: true, detail: 'sie' },
  BYPASS: { fwd: 'bypass' },
  DYNAMIC: { fwd: 'bypass', detail: 'ineligible' },
};

/** Remaining freshness for `ttl`, in whole seconds: never -0, never more than there is. RFC 9211 §2.4. */
export function remainingTtl(freshUntil: number, now: number): number {
  return freshUntil === 0 ? 0 : Math.floor((freshUntil - now) / 1000);
}
