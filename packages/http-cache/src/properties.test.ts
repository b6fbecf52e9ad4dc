import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { currentAge, parseAge } from './age.ts';
import { answerFromEntry } from './answer.ts';
import { parseCacheControl } from './cache-control.ts';
import { cacheStatus } from './cache-status.ts';
import { readEntry, readFreshness } from './entry.ts';
import { after, dateAfter, NOW } from './exchange.fixture.ts';
import type { FieldPair } from './fields.ts';
import { freshen } from './freshen.ts';
import { invalidatedAt, jittered, leastFreshness } from './freshness.ts';
import { parseHttpDate } from './http-date.ts';
import { createPolicy, type PolicyOptions } from './policy.ts';
import { answerRange, parseContentRange } from './range.ts';
import { decideFailure, decideServe } from './serve.ts';
import { decideStore } from './store.ts';
import { parseTargetedField } from './targeted.ts';
import { normalisePreferences, varyKey, varyMatches } from './vary.ts';

const seconds = fc.integer({ min: 0, max: 100_000 });
const directive = fc.oneof(
  fc.constantFrom(
    'no-store',
    'no-cache',
    'private',
    'public',
    'must-revalidate',
    'proxy-revalidate',
    'immutable',
    'no-cache="x-a"',
  ),
  fc
    .tuple(fc.constantFrom('max-age', 's-maxage', 'stale-while-revalidate', 'stale-if-error'), seconds)
    .map(([n, s]) => `${n}=${s}`),
);
const cacheControl = fc.array(directive, { maxLength: 5 }).map((all) => all.join(', '));
const date = fc.integer({ min: -100_000, max: 100_000 }).map(dateAfter);

const optional = (name: string, value: fc.Arbitrary<string>): fc.Arbitrary<readonly FieldPair[]> =>
  fc.option(value, { nil: undefined }).map((text) => (text === undefined ? [] : [[name, text] as const]));

/** Responses of all kinds, most of them sensible. */
const response = fc
  .tuple(
    optional('Cache-Control', cacheControl),
    optional('CDN-Cache-Control', cacheControl),
    optional('Date', date),
    optional('Age', fc.oneof(seconds.map(String), fc.string())),
    optional('Expires', fc.oneof(date, fc.string())),
    optional('Last-Modified', date),
    optional('ETag', fc.constantFrom('"a"', '"b"', 'W/"a"')),
    optional('Vary', fc.constantFrom('Accept', '*', 'x, y')),
  )
  .map((all) => all.flat());

const policies: fc.Arbitrary<PolicyOptions> = fc.record(
  {
    originCacheControl: fc.boolean(),
    shared: fc.boolean(),
    maxTtl: seconds,
    minTtl: seconds,
    edgeTtl: seconds,
    defaultTtl: fc.constant({ '200': 60 }),
    staleIfError: seconds,
    staleIfDisconnected: seconds,
  },
  { requiredKeys: [] },
);

/** A response under a policy, as an entry where it is stored. */
const entries = fc.tuple(response, policies, fc.constantFrom(200, 404, 301)).map(([fields, options, status]) => {
  const policy = createPolicy(options);
  const exchange = {
    request: { method: 'GET', fields: [] },
    response: { status, fields },
    requestedAt: NOW - 500,
    receivedAt: NOW,
  };
  const decision = decideStore(exchange, policy);
  return { fields, options, policy, entry: decision.store ? decision.entry : undefined };
});

const text = fc.oneof(fc.string(), fc.string({ unit: 'binary' }), fc.stringMatching(/^[a-z=",\\ \d;*/-]*$/));

describe('parsing never throws', () => {
  test('whatever a field says', () => {
    fc.assert(
      fc.property(text, fc.array(text), (value, lines) => {
        parseCacheControl(lines);
        parseTargetedField(value);
        parseHttpDate(value, NOW);
        parseContentRange(value);
        parseAge([['Age', value]], 'stale');
        normalisePreferences(value);
        answerRange(`bytes=${value}`, 10);
        cacheStatus({ cache: value, key: value, detail: value, hit: true });
        readEntry(value);
      }),
    );
  });

  test('and durations are whole seconds that a cache can add', () => {
    fc.assert(
      fc.property(text, (value) => {
        const { maxAge = 0 } = parseCacheControl([`max-age=${value}`, `max-age="${value}"`]);
        expect(Number.isInteger(maxAge) && maxAge >= 0 && maxAge <= 2 ** 31).toBe(true);
      }),
    );
  });

  test('nor does a decision', () => {
    fc.assert(
      fc.property(
        fc.array(fc.tuple(fc.constantFrom('Cache-Control', 'Age', 'Vary', 'Range', 'Expires', 'Date', 'ETag'), text)),
        (fields) => {
          const request = { method: 'GET', fields };
          const policy = createPolicy({ storePartial: true });
          const decision = decideStore(
            { request, response: { status: 200, fields }, requestedAt: NOW, receivedAt: NOW },
            policy,
          );
          if (decision.store) answerFromEntry(decision.entry, request, 10, after(1), policy);
        },
      ),
    );
  });

  test('adding a directive never makes a response last longer', () => {
    const until = (value: string) => {
      const fields: FieldPair[] = [['Cache-Control', value]];
      const exchange = {
        request: { method: 'GET', fields: [] },
        response: { status: 200, fields },
        requestedAt: NOW,
        receivedAt: NOW,
      };
      const decision = decideStore(exchange, createPolicy());
      return decision.store ? decision.entry.freshness.freshUntil : 0;
    };
    const restriction = directive.filter((one) => !/^(public|s-maxage|stale|immutable)/.test(one));
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 9999 }), restriction, fc.boolean(), (age, more, before) => {
        const alone = `max-age=${age}`;
        expect(until(before ? `${more}, ${alone}` : `${alone}, ${more}`)).toBeLessThanOrEqual(until(alone));
      }),
    );
  });
});

describe('freshness', () => {
  test('an age never falls as time goes on, and is never negative', () => {
    fc.assert(
      fc.property(entries, seconds, seconds, ({ entry }, a, b) => {
        if (entry === undefined) return;
        const { bornAt } = entry.freshness;
        const [early, late] = [after(Math.min(a, b)), after(Math.max(a, b))];
        expect(currentAge(bornAt, early)).toBeGreaterThanOrEqual(0);
        expect(currentAge(bornAt, late)).toBeGreaterThanOrEqual(currentAge(bornAt, early));
      }),
    );
  });

  test('nothing stale is served against must-revalidate, proxy-revalidate, s-maxage or no-cache', () => {
    const wishes = fc.constantFrom('', 'max-stale', 'max-stale=9999', 'stale-if-error=9999', 'max-age=9999');
    const bans = fc.constantFrom('must-revalidate', 'proxy-revalidate', 's-maxage=5', 'no-cache');
    fc.assert(
      fc.property(cacheControl, bans, wishes, seconds, (others, ban, wish, later) => {
        const policy = createPolicy({ staleIfError: 9999, minTtl: 0 });
        const fields: FieldPair[] = [['Cache-Control', `${others}, ${ban}, max-age=5`]];
        const request: FieldPair[] = wish === '' ? [] : [['Cache-Control', wish]];
        const exchange = {
          request: { method: 'GET', fields: [] },
          response: { status: 200, fields },
          requestedAt: NOW,
          receivedAt: NOW,
        };
        const decision = decideStore(exchange, policy);
        if (!decision.store) return;
        const { freshness } = decision.entry;
        const now = Math.max(NOW, freshness.freshUntil) + later * 1000;
        expect(decideServe(freshness, request, now, policy).action).toBe('revalidate');
        expect(decideFailure(freshness, 503, request, now, policy).action).toBe('forward');
        expect(decideFailure(freshness, 'disconnected', request, now, policy)).toEqual({ action: 'fail', status: 504 });
      }),
    );
  });

  test('nothing is fresh for longer than the cap, and no window ends before freshness does', () => {
    fc.assert(
      fc.property(entries, ({ entry, policy }) => {
        if (entry === undefined) return;
        const { freshUntil, staleIfDisconnectedUntil, staleIfErrorUntil, staleWhileRevalidateUntil } = entry.freshness;
        expect(freshUntil).toBeLessThanOrEqual(NOW + policy.maxTtl * 1000);
        expect(Math.min(staleIfDisconnectedUntil, staleIfErrorUntil, staleWhileRevalidateUntil)).toBeGreaterThanOrEqual(
          freshUntil,
        );
      }),
    );
  });

  test('a freshened entry lives no longer than the same response would, had it come whole', () => {
    fc.assert(
      fc.property(entries, response, seconds, ({ entry, policy }, update, later) => {
        if (entry === undefined) return;
        const at = after(later);
        const request = { method: 'GET', fields: [] };
        const decision = freshen(entry, { request, fields: update, requestedAt: at, receivedAt: at }, policy);
        if (decision.action !== 'update') return;
        const whole = decideStore(
          {
            request,
            response: { status: entry.status, fields: decision.entry.fields },
            requestedAt: at,
            receivedAt: at,
          },
          policy,
        );
        expect(decision.entry.freshness.freshUntil).toBeLessThanOrEqual(at + policy.maxTtl * 1000);
        expect(whole.store && whole.entry.freshness.freshUntil).toBe(decision.entry.freshness.freshUntil);
      }),
    );
  });

  test('of several sources it is that of none that lives longer, in any order', () => {
    fc.assert(
      fc.property(entries, entries, entries, (...all) => {
        const freshnesses = all.map(({ entry }) => entry?.freshness).filter((one) => one !== undefined);
        if (freshnesses.length === 0) return;
        const least = leastFreshness(freshnesses);
        for (const one of freshnesses) expect(least.freshUntil).toBeLessThanOrEqual(one.freshUntil);
        expect({ ...leastFreshness(freshnesses.toReversed()), basis: '' }).toEqual({ ...least, basis: '' });
        expect(least.noStale === true).toBe(freshnesses.some(({ noStale }) => noStale === true));
      }),
    );
  });

  test('a purge or a jitter only ever shortens it', () => {
    fc.assert(
      fc.property(entries, seconds, fc.double({ min: 0, max: 0.999, noNaN: true }), ({ entry }, later, random) => {
        if (entry === undefined) return;
        for (const other of [invalidatedAt(entry.freshness, after(later)), jittered(entry.freshness, 0.2, random)]) {
          for (const name of [
            'freshUntil',
            'staleWhileRevalidateUntil',
            'staleIfErrorUntil',
            'staleIfDisconnectedUntil',
          ] as const) {
            expect(other[name]).toBeLessThanOrEqual(entry.freshness[name]);
          }
        }
      }),
    );
  });
});

describe('entries', () => {
  test('are the same after a trip through JSON', () => {
    fc.assert(
      fc.property(entries, ({ entry }) => {
        if (entry === undefined) return;
        expect(readEntry(JSON.parse(JSON.stringify(entry)))).toEqual(entry);
        expect(readFreshness(JSON.parse(JSON.stringify(entry.freshness)))).toEqual(entry.freshness);
      }),
    );
  });

  test('of another version or form are misses', () => {
    fc.assert(
      fc.property(
        fc.anything(),
        entries,
        fc.constantFrom('v', 'status', 'fields', 'freshness', 'vary'),
        (junk, { entry }, name) => {
          expect(readEntry({ v: 2 })).toBeUndefined();
          readEntry(junk);
          if (entry === undefined) return;
          const { [name]: _, ...rest } = entry;
          expect(readEntry(rest)).toBeUndefined();
          expect(readEntry({ ...entry, v: 2 })).toBeUndefined();
        },
      ),
    );
  });
});

test('a request always matches the key that it was stored under', () => {
  const names = ['accept', 'accept-language', 'x-a'];
  fc.assert(
    fc.property(fc.array(fc.tuple(fc.constantFrom(...names), text)), (request) => {
      expect(varyMatches(varyKey(names, request), request)).toBe(true);
    }),
  );
});

test('every range that is answered lies in the body', () => {
  const range = fc.array(fc.tuple(fc.option(fc.nat(20)), fc.option(fc.nat(20))), { minLength: 1, maxLength: 4 });
  fc.assert(
    fc.property(range, fc.nat(20), (specs, size) => {
      const answer = answerRange(
        `bytes=${specs.map(([a, b]) => `${a ?? ''}-${b ?? ''}`).join(',')}`,
        size,
        'multipart',
      );
      const spans = answer.kind === 'part' ? [answer.span] : answer.kind === 'parts' ? answer.spans : [];
      for (const { first, last } of spans) expect(0 <= first && first <= last && last < size).toBe(true);
      for (const [at, span] of spans.entries())
        if (at > 0) expect(span.first).toBeGreaterThan((spans[at - 1]?.last ?? 0) + 1);
    }),
  );
});
