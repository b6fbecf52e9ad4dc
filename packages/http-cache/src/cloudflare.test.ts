import { describe, expect, test } from 'vitest';
import { downstreamFields } from './answer.ts';
import { CACHE_OUTCOMES, cacheStatus } from './cache-status.ts';
import { cloudflare, directives } from './cloudflare.fixture.ts';
import { after, dateAfter, entryOf, exchange, NOW, stored } from './exchange.fixture.ts';
import { fieldValue } from './fields.ts';
import { invalidatedAt } from './freshness.ts';
import { createPolicy } from './policy.ts';
import { decideFailure, decideServe } from './serve.ts';
import { decideStore } from './store.ts';

// The ids are those of the rows of Cloudflare's Origin Cache Control: D directives, C conditions, A3 overrides,
// A4 where stale answers are forbidden. `on` and `off` are its two columns.

const columns = { on: createPolicy(cloudflare), off: createPolicy({ ...cloudflare, originCacheControl: false }) };

/** What becomes of a response, in a word: `not stored (why)`, or its lifetime and whether it may be stale. */
function outcome(response: string, mode: 'on' | 'off', request = '', status = 200): string {
  const decision = stored(response, columns[mode], request, status);
  if (!decision.store) return `not stored (${decision.reason})`;
  const { freshUntil, noStale, staleIfErrorUntil } = decision.entry.freshness;
  const lifetime = freshUntil === 0 ? 'asks always' : `${(freshUntil - NOW) / 1000} s`;
  const stale = noStale === true ? 'never stale' : staleIfErrorUntil > freshUntil ? 'stale on error' : 'not on error';
  return `${lifetime}, ${stale}`;
}

describe.each(['off', 'on'] as const)('origin cache control %s', (mode) => {
  test.each(directives)('%s: Cache-Control: %s', (_id, response, off, on) => {
    expect(outcome(`Cache-Control: ${response}\nX-A: 1`, mode)).toBe(mode === 'off' ? off : on);
  });

  test('D13: stale-while-revalidate is honoured, counted from expiry', () => {
    const { freshness } = entryOf('Cache-Control: max-age=9, stale-while-revalidate=5', columns[mode]);
    const at = (seconds: number) => decideServe(freshness, [], after(seconds), columns[mode]);
    expect(at(8.9)).toEqual({ action: 'serve', reason: 'fresh', refresh: false });
    expect(at(13.9)).toEqual({ action: 'serve', reason: 'stale-while-revalidate', refresh: true });
    expect(at(14)).toEqual({ action: 'revalidate', reason: 'stale' });
  });

  test('D15: no-transform keeps the body as it is only with origin cache control', () => {
    const { freshness } = entryOf('Cache-Control: max-age=9, no-transform', columns[mode]);
    expect(freshness.noTransform).toBe(mode === 'on' ? true : undefined);
  });

  test('D16: immutable is forwarded only with origin cache control', () => {
    const entry = entryOf('Cache-Control: max-age=9, immutable', columns[mode]);
    const sent = fieldValue(downstreamFields(entry, NOW, columns[mode]), 'cache-control');
    expect(sent).toBe(mode === 'on' ? 'max-age=9, immutable' : 'max-age=9');
  });

  test('D17: Vary counts for the fields that the operator names, and * forbids storing', () => {
    const request = 'Accept-Encoding: br\nUser-Agent: a';
    const entry = entryOf('Cache-Control: max-age=9\nVary: User-Agent, Accept-Encoding', columns[mode], request);
    expect(entry.vary).toEqual([['accept-encoding', 'br']]);
    expect(outcome('Cache-Control: max-age=9\nVary: Accept, *', mode)).toBe('not stored (vary-star)');
  });

  test('D18: Expires gives the lifetime, and max-age beats it', () => {
    expect(outcome(`Date: ${dateAfter(0)}\nExpires: ${dateAfter(9)}`, mode)).toBe('9 s, stale on error');
    expect(outcome(`Expires: ${dateAfter(9)}\nCache-Control: max-age=3`, mode)).toBe('3 s, stale on error');
  });

  test.each([
    [200, '7200 s, stale on error'],
    [301, '7200 s, stale on error'],
    [302, '1200 s, stale on error'],
    [303, '1200 s, stale on error'],
    [404, '180 s, stale on error'],
    [410, '180 s, stale on error'],
    [403, 'not stored (no-lifetime)'],
    [500, 'not stored (no-lifetime)'],
  ])('D19: a %i that says nothing: %s', (status, expected) => {
    expect(outcome('', mode, '', status)).toBe(expected);
  });

  test('D20: the most specific targeted field decides alone, and only with origin cache control', () => {
    const both = 'CDN-Cache-Control: max-age=20\nTintype-CDN-Cache-Control: max-age=30\nCache-Control: no-store';
    expect(outcome(both, mode)).toBe(mode === 'on' ? '30 s, stale on error' : 'not stored (no-store)');
    const entry = entryOf(
      'CDN-Cache-Control: max-age=20\nTintype-CDN-Cache-Control: max-age=30\nCache-Control: max-age=9',
      columns[mode],
    );
    const sent = downstreamFields(entry, NOW, columns[mode]);
    expect(fieldValue(sent, 'cdn-cache-control')).toBe('max-age=20');
    expect(fieldValue(sent, 'cache-control')).toBe('max-age=9');
    expect(fieldValue(sent, 'tintype-cdn-cache-control')).toBe(mode === 'on' ? undefined : 'max-age=30');
  });

  test.each([
    ['max-age=9', 'not stored (authorization)'],
    ['max-age=9, public', '9 s, stale on error'],
    ['max-age=9, must-revalidate', '9 s, never stale'],
    ['s-maxage=9', '9 s, never stale'],
  ])('C1: a client sent Authorization, the response says %s', (response, on) => {
    const got = outcome(`Cache-Control: ${response}`, mode, 'Authorization: Basic YTpi');
    expect(got).toBe(mode === 'on' ? on : got);
    if (mode === 'off') expect(got).toMatch(/^9 s/);
  });

  test("C1: the service's own credentials don't count", () => {
    const policy = createPolicy({ ...cloudflare, originCacheControl: mode === 'on', credentials: 'service' });
    expect(stored('Cache-Control: max-age=9', policy, 'Authorization: AWS4-HMAC-SHA256 x').store).toBe(true);
  });

  test('C3: Set-Cookie forbids storing, or is stripped without origin cache control', () => {
    const decision = stored('Cache-Control: max-age=9\nSet-Cookie: a=b', columns[mode]);
    if (mode === 'on') expect(decision).toEqual({ store: false, reason: 'set-cookie' });
    else expect(decision.store && fieldValue(decision.entry.fields, 'set-cookie')).toBeUndefined();
  });

  test('C3: under an edge TTL Set-Cookie is stripped and the response stored', () => {
    const entry = entryOf('Set-Cookie: a=b', { originCacheControl: mode === 'on', edgeTtl: 60 });
    expect(entry.fields.map(([name]) => name)).not.toContain('Set-Cookie');
  });

  test('C4: beside a browser TTL clients get to see private only with origin cache control', () => {
    const policy = createPolicy({ originCacheControl: mode === 'on', browserTtl: 60, edgeTtl: 60 });
    const entry = entryOf('Cache-Control: private, max-age=9', policy);
    const sent = fieldValue(downstreamFields(entry, NOW, policy), 'cache-control');
    expect(sent).toBe(mode === 'on' ? 'private, max-age=60' : 'max-age=60');
  });

  test.each(['HEAD', 'POST', 'PUT', 'OPTIONS'])('C5: a %s is not stored', (method) => {
    const { request, ...rest } = exchange('Cache-Control: max-age=9');
    expect(decideStore({ ...rest, request: { ...request, method } }, columns[mode])).toEqual({
      store: false,
      reason: 'method',
    });
  });

  test('A3: an edge TTL beats s-maxage, and lifts every ban on stale answers', () => {
    const options = { originCacheControl: mode === 'on', edgeTtl: 60, staleIfError: 10 };
    for (const origin of [
      's-maxage=9',
      'must-revalidate',
      'no-cache',
      'no-store',
      'private',
      'proxy-revalidate, max-age=0',
    ]) {
      const { freshness } = entryOf(`Cache-Control: ${origin}`, options);
      expect(freshness).toMatchObject({ freshUntil: after(60), staleIfErrorUntil: after(70), basis: 'edge-ttl' });
      expect(freshness.noStale).toBeUndefined();
    }
  });

  test("A3, C1: an edge TTL says for how long, and not that others may have what a client's credentials got", () => {
    const decision = stored(
      'Cache-Control: max-age=9',
      { originCacheControl: mode === 'on', edgeTtl: 60 },
      'Authorization: x',
    );
    expect(decision.store).toBe(mode === 'off');
  });

  test('A3: an edge TTL is for successes and redirects, and not for errors', () => {
    expect(stored('', { originCacheControl: mode === 'on', edgeTtl: 60 }, '', 500).store).toBe(false);
    expect(stored('', { originCacheControl: mode === 'on', edgeTtl: 60 }, '', 301).store).toBe(true);
  });

  test('A3: under an edge TTL clients get the origin’s Cache-Control, or a rewritten one without origin cache control', () => {
    const policy = createPolicy({ originCacheControl: mode === 'on', edgeTtl: 60 });
    const sent = fieldValue(
      downstreamFields(entryOf('Cache-Control: s-maxage=9', policy), NOW, policy),
      'cache-control',
    );
    expect(sent).toBe(mode === 'on' ? 's-maxage=9' : 'max-age=60');
  });

  test('A3: a status TTL wins over the origin; 0 asks always and -1 does not store', () => {
    const options = { originCacheControl: mode === 'on', statusTtl: { '200': 5, '400-499': -1, '404': 0 } };
    expect(entryOf('Cache-Control: max-age=100', options).freshness.freshUntil).toBe(after(5));
    expect(stored('Cache-Control: max-age=100', options, '', 403)).toEqual({ store: false, reason: 'status-ttl' });
    expect(entryOf('Cache-Control: max-age=100', options, '', 404).freshness).toMatchObject({
      freshUntil: 0,
      noStale: true,
    });
  });

  test.each([
    ['Cache-Control: max-age=9', 'max-age=60'],
    ['Cache-Control: max-age=900, must-revalidate', 'must-revalidate, max-age=900'],
    [`Date: ${dateAfter(0)}\nExpires: ${dateAfter(900)}`, 'max-age=900'],
    ['ETag: "a"', 'max-age=60'],
  ])('A3: a browser TTL lengthens and never shortens: %s', (response, sent) => {
    const policy = createPolicy({ originCacheControl: mode === 'on', browserTtl: 60, defaultTtl: { '200': 5 } });
    expect(fieldValue(downstreamFields(entryOf(response, policy), NOW, policy), 'cache-control')).toBe(sent);
  });
});

describe('A4: stale answers with origin cache control', () => {
  const windows = 'stale-while-revalidate=60, stale-if-error=60';
  const { on } = columns;
  /** What is answered ten seconds after expiry: to a request, and after an error status. */
  const answers = (response: string, policy = on) => {
    const { freshness } = entryOf(`Cache-Control: ${response}, ${windows}`, policy);
    const at = Math.max(freshness.freshUntil, NOW) + 10_000;
    return [decideServe(freshness, [], at, policy).action, decideFailure(freshness, 503, [], at, policy).action];
  };

  test.each([
    'no-cache',
    'max-age=9, no-cache',
    'max-age=9, must-revalidate',
    'max-age=9, proxy-revalidate',
    's-maxage=9',
    's-maxage=0',
    'max-age=7200, s-maxage=3600',
  ])('%s forbids both', (response) => {
    expect(answers(response)).toEqual(['revalidate', 'forward']);
  });

  test.each(['max-age=9', 'max-age=0'])('%s allows both', (response) => {
    expect(answers(response)).toEqual(['serve', 'serve']);
  });

  test('no-cache="x" forbids both only where the response has an x', () => {
    expect(answers('max-age=9, no-cache="x-absent"')).toEqual(['serve', 'serve']);
    const { freshness } = entryOf(`Cache-Control: max-age=9, no-cache="x-a", ${windows}\nX-A: 1`, on);
    expect(decideServe(freshness, [], after(1), on).action).toBe('revalidate');
    expect(decideFailure(freshness, 503, [], after(1), on).action).toBe('forward');
  });

  test('an edge TTL allows both', () => {
    expect(answers('s-maxage=9, must-revalidate', createPolicy({ edgeTtl: 9 }))).toEqual(['serve', 'serve']);
  });

  test('disable_stale_while_updating turns the first off and leaves the second', () => {
    expect(answers('max-age=9', createPolicy({ staleWhileRevalidate: false }))).toEqual(['revalidate', 'serve']);
  });

  test('s-maxage allows both where the operator says so', () => {
    expect(answers('s-maxage=9', createPolicy({ sMaxageAllowsStale: true }))).toEqual(['serve', 'serve']);
  });

  test('a soft purge of a fresh entry starts the windows, and does not extend an ended one', () => {
    const { freshness } = entryOf(`Cache-Control: max-age=1000, ${windows}`, on);
    const purged = invalidatedAt(freshness, after(100));
    expect(decideServe(purged, [], after(159), on).action).toBe('serve');
    expect(decideServe(purged, [], after(160), on).action).toBe('revalidate');
    expect(invalidatedAt(freshness, after(5000))).toBe(freshness);
  });

  test.each([500, 502, 503, 504, 'disconnected'] as const)('%s counts as an error', (failure) => {
    const { freshness } = entryOf(`Cache-Control: max-age=9, ${windows}`, on);
    expect(decideFailure(freshness, failure, [], after(10), on).action).toBe('serve');
  });

  test.each([200, 404, 429, 501])('%i does not', (status) => {
    const { freshness } = entryOf(`Cache-Control: max-age=9, ${windows}`, on);
    expect(decideFailure(freshness, status, [], after(10), on).action).toBe('forward');
  });
});

describe('A5: each word in Cache-Status', () => {
  test.each([
    ['HIT', { ttl: 9 }, 'Tintype;hit;ttl=9'],
    ['MISS', {}, 'Tintype;fwd=uri-miss;stored'],
    ['EXPIRED', {}, 'Tintype;fwd=stale;fwd-status=200;stored'],
    ['REVALIDATED', {}, 'Tintype;fwd=stale;fwd-status=304'],
    ['UPDATING', { ttl: -3 }, 'Tintype;hit;ttl=-3;detail=swr'],
    ['STALE', { ttl: -3 }, 'Tintype;hit;ttl=-3;detail=sie'],
    ['BYPASS', {}, 'Tintype;fwd=bypass'],
    ['DYNAMIC', {}, 'Tintype;fwd=bypass;detail=ineligible'],
  ] as const)('%s', (word, more, text) => {
    expect(cacheStatus({ cache: 'Tintype', ...CACHE_OUTCOMES[word], ...more })).toBe(text);
  });

  test('C2: no-cache is a stored miss, then a revalidation that says why', () => {
    expect(cacheStatus({ cache: 'Tintype', ...CACHE_OUTCOMES.REVALIDATED, detail: 'no-cache' })).toBe(
      'Tintype;fwd=stale;fwd-status=304;detail=no-cache',
    );
  });
});
