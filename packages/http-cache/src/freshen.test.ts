import { describe, expect, test } from 'vitest';
import { after, dateAfter, entryOf, fields, NOW } from './exchange.fixture.ts';
import { fieldValue } from './fields.ts';
import { freshen, freshenByHead } from './freshen.ts';
import { createPolicy, type PolicyOptions } from './policy.ts';

const policy = createPolicy();
const stored = entryOf(
  'Cache-Control: max-age=9\nETag: "a"\nContent-Length: 5\nContent-Encoding: br\nX-A: 1\nX-B: 1\nAge: 3\nContent-Type: image/png',
);

const validate = (text: string, entry = stored, options: PolicyOptions = {}, request = '') =>
  freshen(
    entry,
    {
      request: { method: 'GET', fields: fields(request) },
      fields: fields(text),
      requestedAt: after(20),
      receivedAt: after(20),
    },
    createPolicy(options),
  );

const updated = (text: string, entry = stored, options: PolicyOptions = {}) => {
  const decision = validate(text, entry, options);
  if (decision.action !== 'update') throw new Error(decision.action);
  return decision.entry;
};

test('a 304 begins a new lifetime, by its own fields or else the stored ones', () => {
  expect(updated('').freshness).toMatchObject({ bornAt: after(20), freshUntil: after(29) });
  expect(updated('Cache-Control: max-age=60\nAge: 10').freshness).toMatchObject({
    bornAt: after(10),
    freshUntil: after(70),
  });
});

test('a 304 replaces and adds fields, all lines of each', () => {
  const { fields: merged } = updated('X-A: 2\nX-A: 3\nX-C: 4\nContent-Type: image/avif');
  expect(['x-a', 'x-b', 'x-c', 'content-type'].map((name) => fieldValue(merged, name))).toEqual([
    '2, 3',
    '1',
    '4',
    'image/avif',
  ]);
});

test("a 304 doesn't change what belongs to the stored body (RFC 9111 §3.2), nor what ends at this hop", () => {
  const { fields: merged } = updated(
    'Content-Length: 0\nContent-Encoding: gzip\nContent-Range: x\nConnection: X-A\nX-A: 2\nKeep-Alive: 1',
  );
  expect(
    ['content-length', 'content-encoding', 'content-range', 'x-a', 'keep-alive'].map((name) =>
      fieldValue(merged, name),
    ),
  ).toEqual(['5', 'br', undefined, '1', undefined]);
});

test('a 304 without Date is dated when it came, and the stored Age is gone', () => {
  const { fields: merged } = updated('');
  expect([fieldValue(merged, 'date'), fieldValue(merged, 'age')]).toEqual([dateAfter(20), undefined]);
});

describe('a 304 speaks of the stored response (RFC 9111 §4.3.4)', () => {
  const weak = entryOf('Cache-Control: max-age=9\nETag: W/"a"');
  const dated = entryOf(`Cache-Control: max-age=9\nLast-Modified: ${dateAfter(-9)}`);
  test.each([
    ['its strong tag', 'ETag: "a"', stored],
    ['its tag, weakly', 'ETag: W/"a"', stored],
    ['its weak tag', 'ETag: W/"a"', weak],
    ['its date', `Last-Modified: ${dateAfter(-9)}`, dated],
    ['no validator: what was asked about', '', stored],
  ])('with %s', (_name, text, entry) => {
    expect(validate(text, entry).action).toBe('update');
  });

  test.each([
    ['another strong tag', 'ETag: "b"', stored],
    ['another weak tag', 'ETag: W/"b"', weak],
    ['a strong tag for a weak one', 'ETag: "a"', weak],
    ['another date', `Last-Modified: ${dateAfter(-8)}`, dated],
    ['a strong tag where none is stored', 'ETag: "a"', dated],
  ])('and not with %s', (_name, text, entry) => {
    expect(validate(text, entry)).toEqual({ action: 'mismatch' });
  });
});

test('a 304 that forbids storing lets the entry be used once more, and then removed', () => {
  expect(validate('Cache-Control: no-store')).toMatchObject({ action: 'serve-once', reason: 'no-store', evict: true });
  expect(validate('Vary: *')).toMatchObject({ action: 'serve-once', reason: 'vary-star', evict: true });
});

test("a client that forbids storing doesn't remove what others may use", () => {
  expect(validate('', stored, {}, 'Cache-Control: no-store')).toMatchObject({ action: 'serve-once', evict: false });
  expect(validate('', stored, {}, 'Authorization: Basic YTpi')).toMatchObject({ action: 'serve-once', evict: false });
});

test("A3: a 304 gets its own status TTL if it has one, else the stored status'", () => {
  expect(updated('', stored, { statusTtl: { '200': 50 } }).freshness.freshUntil).toBe(after(70));
  expect(updated('', stored, { statusTtl: { '200': 50, '304': 7 } }).freshness.freshUntil).toBe(after(27));
});

test('D7: a 304 with s-maxage forbids stale answers from then on', () => {
  expect(updated('Cache-Control: s-maxage=9').freshness.noStale).toBe(true);
});

test('HEAD freshens what it agrees with, and nothing else (RFC 9111 §4.3.5)', () => {
  const head = (text: string, status = 200) =>
    freshenByHead(
      stored,
      {
        status,
        request: { method: 'HEAD', fields: [] },
        fields: fields(text),
        requestedAt: after(20),
        receivedAt: after(20),
      },
      policy,
    );
  expect(head('ETag: "a"\nContent-Length: 5\nCache-Control: max-age=99')).toMatchObject({
    action: 'update',
    entry: { freshness: { freshUntil: after(119) } },
  });
  expect(head('ETag: "b"')).toBeUndefined();
  expect(head('Content-Length: 6')).toBeUndefined();
  expect(head('', 410)).toBeUndefined();
});

test('times are those of the validation', () => {
  expect(updated('').freshness).toMatchObject({ requestedAt: after(20), receivedAt: after(20) });
  expect(stored.freshness.requestedAt).toBe(NOW);
});
