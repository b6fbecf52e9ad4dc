import { createPolicy, type Policy } from '@tintype/http-cache';

/** How long what is made of a source may be used, and whether it is kept at all. */
export interface FreshnessPolicy {
  /** What the rules of HTTP are told. */
  readonly http: Policy;
  /** The same for what may be somebody's own page: nothing but the origin's word gives it a lifetime. */
  readonly httpForOthers: Policy;
  /** `false`: neither looked up nor stored. */
  readonly cached: boolean;
  /** Share of a lifetime by which it is shortened at random, so that what came together does not expire together. */
  readonly jitter: number;
  /** How eagerly an entry is refreshed before it expires; 0 is never. XFetch, VLDB 2015. */
  readonly earlyRefresh: number;
  /** What `no-transform` means for an image that was to be made. RFC 9110 §7.7. */
  readonly noTransform: 'passthrough' | 'refuse' | 'ignore';
}

export type FreshnessOptions = Omit<FreshnessPolicy, 'httpForOthers'>;

/** Completes a policy. */
export function createFreshnessPolicy(options: Partial<FreshnessOptions> = {}): FreshnessPolicy {
  const http = options.http ?? createPolicy();
  return {
    http,
    // An error's lifetime is the operator's whatever its body is.
    httpForOthers: { ...http, defaultTtl: withoutSuccess(http.defaultTtl), heuristic: false },
    cached: options.cached ?? true,
    jitter: options.jitter ?? 0,
    earlyRefresh: options.earlyRefresh ?? 0,
    noTransform: options.noTransform ?? 'passthrough',
  };
}

function withoutSuccess(ttl: Policy['defaultTtl']): Policy['defaultTtl'] {
  return Object.fromEntries(Object.entries(ttl).filter(([range]) => !range.startsWith('2')));
}
