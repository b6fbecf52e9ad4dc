import { describe, expect, test } from 'vitest';
import { after, entryOf, fields, NOW, stored } from './exchange.fixture.ts';
import { isFresh, jittered, refreshEarly } from './freshness.ts';
import { createPolicy } from './policy.ts';
import { decideFailure, decideServe } from './serve.ts';

const policy = createPolicy();
const { freshness } = entryOf('Cache-Control: max-age=100\nAge: 40');

/** What a client's Cache-Control comes to, that many seconds after the response came (it was 40 s old then). */
const asked = (wish: string, seconds: number, of = freshness) => {
  const decision = decideServe(of, fields(`Cache-Control: ${wish}`), after(seconds), policy);
  return 'reason' in decision ? `${decision.action}: ${decision.reason}` : decision.action;
};

test('a fresh response is served, a stale one revalidated, and nothing fetched', () => {
  expect(decideServe(freshness, [], after(59), policy)).toEqual({ action: 'serve', reason: 'fresh', refresh: false });
  expect(decideServe(freshness, [], after(60), policy)).toEqual({ action: 'revalidate', reason: 'stale' });
  expect(decideServe(undefined, [], NOW, policy)).toEqual({ action: 'fetch' });
  expect([isFresh(freshness, after(59)), isFresh(freshness, after(60))]).toEqual([true, false]);
});

describe("a client's Cache-Control (RFC 9111 §5.2.1)", () => {
  test.each([
    ['no-cache', 1, 'revalidate: request'],
    ['max-age=0', 1, 'revalidate: request'],
    ['max-age=41', 1, 'serve: fresh'],
    ['max-age=40', 1, 'revalidate: request'],
    ['min-fresh=50', 1, 'serve: fresh'],
    ['min-fresh=60', 1, 'revalidate: request'],
    ['max-stale', 99, 'serve: max-stale'],
    ['max-stale=10', 69, 'serve: max-stale'],
    ['max-stale=10', 70, 'revalidate: stale'],
    ['max-stale=10, max-age=105', 69, 'revalidate: stale'],
    ['only-if-cached', 1, 'serve: fresh'],
    ['only-if-cached', 70, 'unavailable'],
    ['only-if-cached, max-stale', 70, 'serve: max-stale'],
    ['nothing-to-see-here', 1, 'serve: fresh'],
  ])('%s after %i s: %s', (wish, seconds, expected) => {
    expect(asked(wish, seconds)).toBe(expected);
  });

  test('only-if-cached without anything stored is unavailable', () => {
    expect(decideServe(undefined, fields('Cache-Control: only-if-cached'), NOW, policy)).toEqual({
      action: 'unavailable',
    });
  });

  test.each(['s-maxage=9', 'max-age=9, must-revalidate', 'max-age=9, proxy-revalidate', 'max-age=9, no-cache'])(
    'max-stale gets no stale response with %s',
    (response) => {
      expect(asked('max-stale', 10, entryOf(`Cache-Control: ${response}`).freshness)).toBe('revalidate: stale');
    },
  );

  test('who limits age gets no stale response while it is refreshed', () => {
    const swr = entryOf('Cache-Control: max-age=9, stale-while-revalidate=60').freshness;
    expect(asked('foo', 10, swr)).toBe('serve: stale-while-revalidate');
    expect(asked('max-age=99', 10, swr)).toBe('revalidate: stale');
  });

  test('a reload of what is immutable and fresh is no question (RFC 8246 §2), unless it says no-cache', () => {
    const immutable = entryOf('Cache-Control: max-age=9, immutable').freshness;
    expect(asked('max-age=0', 1, immutable)).toBe('serve: fresh');
    expect(asked('no-cache', 1, immutable)).toBe('revalidate: request');
    expect(asked('max-age=0', 10, immutable)).toBe('revalidate: stale');
  });

  test('no-store keeps the answer from being stored', () => {
    expect(stored('Cache-Control: max-age=9', {}, 'Cache-Control: no-store')).toEqual({
      store: false,
      reason: 'request-no-store',
    });
  });

  test('counts for nothing where the operator says so', () => {
    const deaf = createPolicy({ clientCacheControl: 'ignore' });
    expect(decideServe(freshness, fields('Cache-Control: no-cache'), after(1), deaf).action).toBe('serve');
    expect(stored('Cache-Control: max-age=9', deaf, 'Cache-Control: no-store').store).toBe(true);
  });
});

describe('an origin that fails', () => {
  test('and is not reached leaves a stale response for a day, unless the response or the operator says otherwise', () => {
    const down = (response: string, seconds: number, options = {}) =>
      decideFailure(
        entryOf(`Cache-Control: ${response}`, options).freshness,
        'disconnected',
        [],
        after(seconds),
        createPolicy(options),
      );
    expect(down('max-age=9', 86_000)).toEqual({ action: 'serve', reason: 'stale-if-error' });
    expect(down('max-age=9', 87_000)).toEqual({ action: 'fail', status: 502 });
    expect(down('max-age=9, stale-if-error=0', 10)).toEqual({ action: 'fail', status: 502 });
    expect(down('max-age=9', 10, { staleIfDisconnected: 0 })).toEqual({ action: 'fail', status: 502 });
  });

  test.each(['max-age=9, must-revalidate', 'max-age=9, proxy-revalidate', 's-maxage=9', 'max-age=9, no-cache'])(
    'is a 504 where the response says %s (RFC 9111 §5.2.2.2)',
    (response) => {
      const of = entryOf(`Cache-Control: ${response}, stale-if-error=60`).freshness;
      expect(decideFailure(of, 'disconnected', [], after(10), policy)).toEqual({ action: 'fail', status: 504 });
    },
  );

  test('is a 502 where nothing is stored, and its own error status is passed on', () => {
    expect(decideFailure(undefined, 'disconnected', [], NOW, policy)).toEqual({ action: 'fail', status: 502 });
    expect(decideFailure(undefined, 503, [], NOW, policy)).toEqual({ action: 'forward' });
    expect(decideFailure(entryOf('Cache-Control: max-age=9').freshness, 503, [], after(10), policy)).toEqual({
      action: 'forward',
    });
  });

  test("is covered by a client's stale-if-error (RFC 5861 §4), where the response allows it", () => {
    const wish = fields('Cache-Control: stale-if-error=60');
    const lenient = entryOf('Cache-Control: max-age=9').freshness;
    const strict = entryOf('Cache-Control: s-maxage=9').freshness;
    expect(decideFailure(lenient, 503, wish, after(68), policy).action).toBe('serve');
    expect(decideFailure(strict, 503, wish, after(10), policy).action).toBe('forward');
  });
});

test('an early refresh is certain at expiry, unlikely long before, and likelier the dearer it is', () => {
  expect(refreshEarly(freshness, after(60), 400, 1)).toBe(true);
  expect(refreshEarly(freshness, after(1), 400, 0.5)).toBe(false);
  expect(refreshEarly(freshness, after(59), 400, 0.05)).toBe(true);
  expect(refreshEarly(freshness, after(59), 100, 0.05)).toBe(false);
});

test.each([
  [400, 1],
  [400, 2],
  [3_000, 0.5],
])('one user in e refreshes when it has as long left as the refresh takes: %i ms, times %d', (costMs, beta) => {
  const refreshes = (leftMs: number, random: number) =>
    refreshEarly(freshness, freshness.freshUntil - leftMs, costMs, random, beta);
  // VLDB 2015, §3: -cost * beta * ln(random) is how much earlier than the expiry it is for a user.
  for (const random of [1, 0.9, 0.5, 1 / Math.E, 0.1, 1e-6]) {
    const earlier = -costMs * beta * Math.log(random);
    expect(refreshes(earlier - 1, random)).toBe(true);
    expect(refreshes(earlier + 1, random)).toBe(false);
  }
  const users = 10_000;
  const eager = Array.from({ length: users }, (_, at) => (at + 0.5) / users).filter((random) =>
    refreshes(costMs * beta, random),
  );
  expect(eager.length / users).toBeCloseTo(1 / Math.E, 3);
});

test('jitter only ever shortens, by no more than its share', () => {
  expect(jittered(freshness, 0.1, 0).freshUntil).toBe(after(60));
  expect(jittered(freshness, 0.1, 0.999_999).freshUntil).toBeGreaterThanOrEqual(after(54));
  expect(jittered(freshness, 0.1, 0.5).freshUntil).toBe(after(57));
});
