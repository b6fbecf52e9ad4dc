import { describe, expect, test } from 'vitest';
import { after, dateAfter, entryOf, exchange, NOW, stored } from './exchange.fixture.ts';
import { parseHttpDate } from './http-date.ts';
import { createPolicy } from './policy.ts';
import { decideStore } from './store.ts';

const freshFor = (response: string, status = 200) =>
  (entryOf(response, {}, '', status).freshness.freshUntil - NOW) / 1000;

test.each([
  ['max-age=9, s-maxage=3', 3],
  ['s-maxage=3, max-age=1', 3],
])('s-maxage beats max-age: %s', (value, seconds) => {
  expect(freshFor(`Cache-Control: ${value}`)).toBe(seconds);
});

test('a private cache ignores s-maxage and keeps what is private', () => {
  const entry = entryOf(
    'Cache-Control: private, max-age=9, s-maxage=3',
    { shared: false },
    'Authorization: Basic YTpi',
  );
  expect(entry.freshness.freshUntil).toBe(after(9));
});

describe('Expires (RFC 9111 §5.3)', () => {
  test.each([
    ['counts from Date', `Date: ${dateAfter(-10)}\nExpires: ${dateAfter(10)}`, 10],
    ['counts from receipt without Date', `Expires: ${dateAfter(10)}`, 10],
    ['counts from receipt with an invalid Date', `Date: foo\nExpires: ${dateAfter(10)}`, 10],
    ['before Date is past', `Date: ${dateAfter(400)}\nExpires: ${dateAfter(300)}`, 0],
    ['0 is past', 'Expires: 0', 0],
    ['of two that differ is past', `Expires: ${dateAfter(9)}\nExpires: ${dateAfter(10)}`, 0],
    ['loses to an invalid max-age', `Cache-Control: max-age=x\nExpires: ${dateAfter(9)}`, 0],
  ])('%s', (_name, response, seconds) => {
    expect(freshFor(response)).toBe(seconds);
  });
});

describe('age (RFC 9111 §4.2.3)', () => {
  const age = (response: string, requestedAt = NOW) => {
    const decision = decideStore({ ...exchange(`Cache-Control: max-age=9\n${response}`), requestedAt }, createPolicy());
    return decision.store ? (NOW - decision.entry.freshness.bornAt) / 1000 : undefined;
  };

  test('is what Date or Age says, the greater, and the time that the response took', () => {
    expect(age(`Date: ${dateAfter(-5)}`)).toBe(5);
    expect(age('Age: 7')).toBe(7);
    expect(age(`Age: 7\nDate: ${dateAfter(-5)}`, after(-2))).toBe(9);
    expect(age(`Date: ${dateAfter(5)}`)).toBe(0);
    expect(age('', after(-3))).toBe(3);
  });

  test.each(['abc', '-7', '7.0', '7,0', '0, 0', '0\nAge: 7', '7;foo=1', ''])(
    'Age: %j makes a response stale',
    (value) => {
      expect(freshFor(`Cache-Control: max-age=3600\nAge: ${value}`)).toBeLessThan(0);
    },
  );

  test.each([
    ['abc', 60],
    ['5, 7', 55],
  ])('Age: %s is as RFC 9111 §5.1 has it where the operator says so', (value, seconds) => {
    const entry = entryOf(`Cache-Control: max-age=60\nAge: ${value}`, { invalidAge: 'ignore' });
    expect(entry.freshness.freshUntil).toBe(after(seconds));
  });
});

describe('without a lifetime (RFC 9111 §4.2.2)', () => {
  const old = `Last-Modified: ${dateAfter(-86_400)}\nDate: ${dateAfter(0)}`;

  test.each([200, 203, 204, 300, 301, 308, 404, 405, 410, 414, 501])(
    'a %i is fresh for a tenth of its age',
    (status) => {
      expect(freshFor(old, status)).toBe(8640);
    },
  );

  test.each([201, 202, 302, 403, 500, 502, 503, 504, 599])('a %i is not stored', (status) => {
    expect(stored(old, {}, '', status)).toEqual({ store: false, reason: 'no-lifetime' });
  });

  test('any status is, with public', () => {
    expect(freshFor(`${old}\nCache-Control: public`, 599)).toBe(8640);
  });

  test('the guess has a limit, and can be turned off', () => {
    const ancient = `Last-Modified: ${dateAfter(-86_400 * 365)}`;
    expect(freshFor(ancient)).toBe(86_400);
    expect(entryOf(ancient, { heuristic: false }).freshness).toMatchObject({ freshUntil: NOW, basis: 'none' });
  });

  test('nothing to ask by later is not worth storing', () => {
    expect(stored('Content-Type: image/png')).toEqual({ store: false, reason: 'no-lifetime' });
    expect(freshFor('ETag: "a"')).toBe(0);
  });
});

test.each([200, 203, 204, 299, 301, 302, 307, 400, 404, 499, 500, 503, 599])(
  'a %i with a lifetime is stored',
  (status) => {
    expect(freshFor('Cache-Control: max-age=9', status)).toBe(9);
  },
);

test.each([100, 103, 206, 304])('a %i is not', (status) => {
  expect(stored('Cache-Control: max-age=9\nContent-Range: bytes 0-1/9', {}, '', status)).toEqual({
    store: false,
    reason: 'status',
  });
});

test.each([
  ['If-Match: "a"', 412],
  ['If-Unmodified-Since: Sun, 06 Nov 1994 08:49:37 GMT', 412],
  ['Range: bytes=900-', 416],
])('an answer to %s with %i is for that request alone (RFC 9110 §15.5.13, §15.5.17)', (request, status) => {
  expect(stored('Cache-Control: max-age=9', {}, request, status)).toEqual({ store: false, reason: 'status' });
  expect(freshFor('Cache-Control: max-age=9', status)).toBe(9);
});

test('a status that this cache does not know is not stored with must-understand (RFC 9111 §5.2.2.3)', () => {
  expect(stored('Cache-Control: max-age=9, must-understand', {}, '', 599)).toEqual({
    store: false,
    reason: 'must-understand',
  });
});

test('the least lifetime lifts a shorter one, but not what must be asked about at each use', () => {
  const options = { minTtl: 30 };
  expect(entryOf('Cache-Control: max-age=9\nAge: 8', options).freshness.freshUntil).toBe(after(30));
  expect(entryOf('Cache-Control: max-age=90', options).freshness.freshUntil).toBe(after(90));
  expect(entryOf('Cache-Control: no-cache\nETag: "a"', options).freshness.freshUntil).toBe(0);
});

test('lifetimes that the operator gave count from receipt, however old the response is', () => {
  const old = 'Age: 100\nCache-Control: public';
  for (const options of [{ defaultTtl: { '200': 9 } }, { statusTtl: { '200': 9 } }, { edgeTtl: 9 }]) {
    expect(entryOf(old, options).freshness.freshUntil).toBe(after(9));
  }
});

test('the narrowest range of statuses wins, and a bad one is told', () => {
  const options = { defaultTtl: { '200-499': 9, '400-499': 5, '404': 3 } };
  const of = (status: number) => entryOf('', options, '', status).freshness.freshUntil;
  expect([of(200), of(403), of(404)]).toEqual([after(9), after(5), after(3)]);
  expect(() => createPolicy({ statusTtl: { '4xx': 1 } })).toThrow(/"4xx"/);
  expect(() => createPolicy({ minTtl: -1 })).toThrow(/minTtl/);
  expect(() => createPolicy({ edgeTtl: Number.NaN })).toThrow(/edgeTtl/);
});

describe('HTTP dates (RFC 9110 §5.6.7)', () => {
  const date = Date.UTC(1994, 10, 6, 8, 49, 37);
  const now = Date.UTC(2026, 0, 1);

  test.each([
    'Sun, 06 Nov 1994 08:49:37 GMT',
    'Sunday, 06-Nov-94 08:49:37 GMT',
    'Sun Nov  6 08:49:37 1994',
    'SUN, 06 NOV 1994 08:49:37 gmt',
  ])('%s is read', (text) => {
    expect(parseHttpDate(text, now)).toBe(date);
  });

  test('a short year lies at most fifty years ahead', () => {
    expect(parseHttpDate('Thursday, 18-Aug-50 02:01:18 GMT', now)).toBe(Date.UTC(2050, 7, 18, 2, 1, 18));
    expect(parseHttpDate('Thursday, 18-Aug-77 02:01:18 GMT', now)).toBe(Date.UTC(1977, 7, 18, 2, 1, 18));
  });

  test.each([
    '0',
    '',
    'foo',
    'Sun, 06 Nov 1994 08:49:37 UTC',
    'Sun, 31 Feb 1994 08:49:37 GMT',
    'Sun, 06 Nov 1994 24:00:00 GMT',
  ])('"%s" is no date', (text) => {
    expect(parseHttpDate(text, now)).toBeUndefined();
  });
});
