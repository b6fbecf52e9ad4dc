import { CLOUDFLARE_DEFAULT_TTL, type PolicyOptions } from './policy.ts';

/** How Cloudflare's cache behaves, apart from the column. */
export const cloudflare: PolicyOptions = {
  vary: ['accept', 'accept-encoding'],
  defaultTtl: CLOUDFLARE_DEFAULT_TTL,
  staleIfError: 3600,
};

/**
 * The rows about directives: what a `Cache-Control` comes to, with origin cache control off and on, as
 * `not stored (why)` or its lifetime and whether it may be used stale.
 */
export const directives: readonly [id: string, response: string, off: string, on: string][] = [
  ['D1', 'no-store', 'not stored (no-store)', 'not stored (no-store)'],
  ['D1 case', 'No-Store, max-age=100', 'not stored (no-store)', 'not stored (no-store)'],
  ['D1 must-understand', 'no-store, must-understand, max-age=9', '9 s, stale on error', '9 s, stale on error'],
  ['D2', 'private, max-age=9', 'not stored (private)', 'not stored (private)'],
  ['D3', 'private="x-a", max-age=9', 'not stored (private)', '9 s, stale on error'],
  ['D4', 'no-cache, max-age=9', 'not stored (no-cache)', 'asks always, never stale'],
  ['D4 stale directives', 'no-cache, stale-if-error=9', 'not stored (no-cache)', 'asks always, never stale'],
  ['D5 absent', 'no-cache="x-absent", max-age=9', 'not stored (no-cache)', '9 s, stale on error'],
  ['D5 present', 'no-cache="x-a", max-age=9', 'not stored (no-cache)', 'asks always, never stale'],
  ['D6', 'max-age=0', 'not stored (no-lifetime)', '0 s, stale on error'],
  ['D7', 's-maxage=0, max-age=9', 'not stored (no-lifetime)', '0 s, never stale'],
  ['D8', 'max-age=9', '9 s, stale on error', '9 s, stale on error'],
  ['D9', 's-maxage=9, max-age=99', '9 s, stale on error', '9 s, never stale'],
  ['D9 one', 's-maxage=1', '1 s, stale on error', '1 s, never stale'],
  ['D10', 'max-age=9, must-revalidate', '9 s, stale on error', '9 s, never stale'],
  ['D11', 'max-age=9, proxy-revalidate', '9 s, stale on error', '9 s, never stale'],
  ['D12', 'public, max-age=9', '9 s, stale on error', '9 s, stale on error'],
  ['D14', 'max-age=9, stale-if-error=5', '9 s, stale on error', '9 s, stale on error'],
  ['D14 zero', 'max-age=9, stale-if-error=0', '9 s, not on error', '9 s, not on error'],
];
