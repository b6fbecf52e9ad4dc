import { describe, expect, test } from 'vitest';
import type { ImageRequest } from '../contracts/dialect.ts';
import { NO_OPERATIONS } from '../contracts/operations.ts';
import { clientCacheControl } from './client-cache-control.ts';
import { noneMatch } from './conditional.ts';
import { contentDisposition } from './disposition.ts';
import { imageResponse } from './respond.ts';
import { canonicalJson, sourcePrefix, variantKey } from './variant-key.ts';

const image: ImageRequest = {
  source: 'local:///photos/a%20cat.png',
  mode: 'transform',
  operations: NO_OPERATIONS,
  output: { format: null, quality: 0 },
  cachebuster: '',
  response: {},
};

describe('If-None-Match (RFC 9110 §13.1.2)', () => {
  test.each([
    ['"a"', '"a"', true],
    ['W/"a"', '"a"', true],
    ['"b", "a"', '"a"', true],
    ['"b",W/"a" ', '"a"', true],
    ['*', '"a"', true],
    ['"b"', '"a"', false],
    ['a', '"a"', false],
    ['"x,"a""', '"a"', false],
    ['', '"a"', false],
    [undefined, '"a"', false],
    ['*', '', false],
  ])('%s against %s: %s', (field, etag, expected) => {
    expect(noneMatch(field, etag)).toBe(expected);
  });
});

describe('Content-Disposition', () => {
  const name = (response: ImageRequest['response'], source = image.source, type = 'image/webp') =>
    contentDisposition({ ...image, source, response }, type);
  test("is the source's own name with the extension of what is sent", () => {
    expect(name({})).toBe('inline; filename="a cat.webp"');
    expect(name({}, 'https://example.com/')).toBe('inline; filename=image.webp');
    expect(name({}, 'https://example.com/a/b.tar.gz?x=/y.png', 'text/html')).toBe('inline; filename=b.tar');
  });
  test('is the name that was asked for, in any script, and cannot break out of the field', () => {
    expect(name({ filename: 'Katze' })).toBe('inline; filename=Katze.webp');
    expect(name({ filename: 'cat.jpg', attachment: true })).toBe('attachment; filename=cat.jpg');
    expect(name({ filename: '猫' })).toContain("filename*=UTF-8''%E7%8C%AB.webp");
    expect(name({ filename: 'a"\r\nSet-Cookie: x' })).not.toMatch(/[\r\n]|%0[AaDd]/);
  });
});

describe('Cache-Control of an image', () => {
  const respond = (response: ImageRequest['response'], age: number, cacheControl?: string) =>
    imageResponse(
      { method: 'GET', target: '/', headers: {}, signal: new AbortController().signal },
      { ...image, response },
      {
        status: 200,
        contentType: 'image/png',
        etag: '"e"',
        storedAt: 0,
        freshUntil: 100_000,
        source: '',
        cacheControl,
      },
      { body: new Uint8Array(3), size: 3 },
      { kind: 'hit', ttl: 1 },
      'accept',
      age * 1_000,
    ).headers;
  test('is the lifetime, counted from Age', () => {
    expect(respond({}, 30)).toMatchObject({ 'cache-control': 'public, max-age=100', age: '30', vary: 'accept' });
  });
  test('ends with the URL at the latest', () => {
    expect(respond({ expiresAt: 50_000 }, 30)).toMatchObject({ 'cache-control': 'public, max-age=50', age: '30' });
    expect(respond({ expiresAt: 500_000 }, 30)).toMatchObject({ 'cache-control': 'public, max-age=100' });
  });
});

describe('Cache-Control that the entry has itself', () => {
  const field = (stored: string, expiresAt?: number) =>
    clientCacheControl(
      { ...image, response: expiresAt === undefined ? {} : { expiresAt } },
      { status: 200, contentType: '', etag: '', storedAt: 0, freshUntil: 1, source: '', cacheControl: stored },
      30_000,
    );
  test('is repeated as it is while the URL does not expire', () => {
    expect(field('public, max-age=99, immutable')).toBe('public, max-age=99, immutable');
  });
  test.each([
    ['max-age=999, stale-if-error=60', 'max-age=50'],
    ['max-age=20', 'max-age=20'],
    ['public, immutable, S-MaxAge = "999", stale-while-revalidate=9', 'public, s-maxage=50, max-age=50'],
    ['s-maxage=0, max-age=9', 's-maxage=0, max-age=9'],
    ['max-age=x', 'max-age=0'],
    ['no-store', 'no-store, max-age=50'],
    ['no-cache="set-cookie, max-age=5", private', 'no-cache="set-cookie, max-age=5", private, max-age=50'],
    ['', 'max-age=50'],
  ])('%s ends with the URL at the latest: %s', (stored, expected) => {
    expect(field(stored, 50_000)).toBe(expected);
  });
});

describe('keys', () => {
  const context = { revision: 'r1', keyHeaders: ['x-tenant'], keyCookies: ['ab'] };
  const key = (request: Partial<ImageRequest>, headers = {}, revision = 'r1') =>
    variantKey({ ...image, ...request }, headers, { ...context, revision });
  test('have all variants of a source below one prefix', () => {
    expect(key({})).toMatch(/^v1\/[0-9a-f]{2}\/[0-9a-f]{38}\/[0-9a-f]{40}$/);
    expect(key({}).startsWith(sourcePrefix(image.source))).toBe(true);
    expect(key({ cachebuster: '2' }).startsWith(sourcePrefix(image.source))).toBe(true);
  });
  test('differ by all that makes other bytes, and by nothing else', () => {
    const other = [
      key({ source: 'local:///b.png' }),
      key({ operations: { ...NO_OPERATIONS, blur: 1 } }),
      key({ output: { format: 'webp', quality: 0 } }),
      key({ cachebuster: 'x' }),
      key({ mode: 'raw' }),
      key({}, {}, 'r2'),
      key({}, { 'x-tenant': 'a' }),
      key({}, { cookie: 'zz=1; ab=2' }),
      key({}, { cookie: 'ab=' }),
    ];
    expect(new Set([key({}), ...other]).size).toBe(other.length + 1);
    expect(key({ response: { expiresAt: 5, filename: 'f' } })).toBe(key({}));
    expect(key({}, { accept: '*/*', cookie: 'b=2; aab=3' })).toBe(key({}));
  });
  test('do not depend on the order of members', () => {
    expect(canonicalJson({ b: { y: 1, x: [2, { d: 1, c: 2 }] }, a: null })).toBe(
      '{"a":null,"b":{"x":[2,{"c":2,"d":1}],"y":1}}',
    );
  });
});
