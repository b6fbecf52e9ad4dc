import { expect, test } from 'vitest';
import { downstreamFields } from './answer.ts';
import { after, dateAfter, entryOf, NOW } from './exchange.fixture.ts';
import { fieldValue } from './fields.ts';
import { leastFreshness } from './freshness.ts';
import { createPolicy } from './policy.ts';

// The ids are those of the statements about ImageKit's caches.

test('IK2: nothing is fresh for longer than 180 days, unless the operator sets another cap', () => {
  const year = 'Cache-Control: max-age=31536000';
  expect(entryOf(year).freshness.freshUntil).toBe(after(15_552_000));
  expect(entryOf(year, { maxTtl: 365 * 86_400 }).freshness.freshUntil).toBe(after(31_536_000));
});

test('IK3: one endpoint obeys the origin, another one uses its own lifetime', () => {
  const obedient = createPolicy({});
  const own = createPolicy({ originCacheControl: false, edgeTtl: 86_400 });
  expect(entryOf('Cache-Control: max-age=60', obedient).freshness.freshUntil).toBe(after(60));
  expect(entryOf('Cache-Control: max-age=60', own).freshness.freshUntil).toBe(after(86_400));
});

test("IK4: a variant expires with its source, and clients get to see the source's Cache-Control", () => {
  const source = entryOf('Cache-Control: max-age=60\nAge: 10');
  expect(leastFreshness([source.freshness])).toEqual(source.freshness);
  expect(fieldValue(downstreamFields(source, after(5), createPolicy()), 'cache-control')).toBe('max-age=60');
  expect(fieldValue(downstreamFields(source, after(5), createPolicy()), 'age')).toBe('15');
});

test('IK5: what says nothing gets the default lifetime', () => {
  expect(entryOf('', { defaultTtl: { '200': 31_536_000 }, maxTtl: 31_536_000 }).freshness).toMatchObject({
    freshUntil: after(31_536_000),
    basis: 'default-ttl',
  });
});

test.each(['IK6: of a web origin', 'IK7: of an object in a storage'])('%s, Cache-Control is obeyed', () => {
  const { freshness } = entryOf(
    'Cache-Control: max-age=60',
    { credentials: 'service' },
    'Authorization: AWS4-HMAC-SHA256 x',
  );
  expect(freshness.freshUntil).toBe(after(60));
});

test('IK8: Age counts, unless the operator wants lifetimes from receipt', () => {
  const response = `Cache-Control: max-age=60\nAge: 20\nDate: ${dateAfter(-20)}`;
  expect(entryOf(response).freshness.freshUntil).toBe(after(40));
  expect(entryOf(response, { ignoreAge: true }).freshness.freshUntil).toBe(after(60));
});

test('IK9: Expires counts, unless the operator wants it ignored', () => {
  const response = `Date: ${dateAfter(0)}\nExpires: ${dateAfter(60)}\nETag: "a"`;
  expect(entryOf(response).freshness.freshUntil).toBe(after(60));
  expect(entryOf(response, { ignoreExpires: true }).freshness.freshUntil).toBe(NOW);
});

test('IK12: a variant of several sources lives no longer than any of them, and is never stale where one must not be', () => {
  const photo = entryOf('Cache-Control: max-age=600, stale-while-revalidate=60').freshness;
  const mark = entryOf('Cache-Control: s-maxage=60').freshness;
  const variant = leastFreshness([photo, mark]);
  expect(variant).toMatchObject({
    freshUntil: after(60),
    staleWhileRevalidateUntil: after(60),
    noStale: true,
    basis: 's-maxage',
  });
  expect(leastFreshness([mark, photo])).toEqual(variant);
});
