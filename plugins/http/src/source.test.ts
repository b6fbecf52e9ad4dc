import { expect, test } from 'vitest';
import { parseSource, resolveRedirect } from './source.ts';

test.each([
  ['http://h.test/a%2Fb/%7Ec?x=%41&y=a+b', '/a%2Fb/%7Ec?x=%41&y=a+b'],
  ['http://h.test/a//b/?', '/a//b/?'],
  [`http://h.test/{a}|"b"?'c'`, `/{a}|"b"?'c'`],
  ['http://h.test', '/'],
  ['http://h.test?a=/../b', '/?a=/../b'],
  ['http://h.test/a#fragment?no', '/a'],
  ['http://h.test/...', '/...'],
])('%s is asked for byte for byte', (text, target) => {
  expect(parseSource(text).target).toBe(target);
});

test.each([
  ['http://h.test/a b', '/a%20b'],
  ['http://h.test/ö😀?q=ü', '/%C3%B6%F0%9F%98%80?q=%C3%BC'],
  ['http://h.test/a/../b', '/b'],
  ['http://h.test/a/%2e%2E/b?c=ü', '/b?c=%C3%BC'],
  ['http://h.test/a/.%2e', '/'],
  ['http://h.test/./a/.', '/a/'],
])('%s is asked for as %s', (text, target) => {
  expect(parseSource(text).target).toBe(target);
});

test.each([
  'ftp://h.test/',
  'file:///etc/passwd',
  'http:h.test/a',
  'http:/h.test/a',
  'http:///h.test/a',
  'http://',
  '//h.test/a',
  'http://h.test\\@evil.test/',
  'http://h.test/\\..\\a',
  'http:\\\\h.test/',
  'ht\ntp://h.test/',
  'http://h.test/a\r\nHost: x',
  'http://h.test/\u0000',
  'http://h.test/\ud800',
  ' http://h.test/',
  'http://h.test:99999/',
  'http://a b/',
  'http://[::1/',
  'http://1.2.3.4.5/',
  'http://h%00.test/',
])('%j is no source', (text) => {
  expect(() => parseSource(text)).toThrow(expect.objectContaining({ code: 'invalid-source' }));
});

test('userinfo becomes credentials and appears nowhere else', () => {
  const source = parseSource('http://al%40ice:p%C3%A4ss%ZZ@h.test:8080/a#b');
  expect(source).toEqual({
    origin: 'http://h.test:8080',
    target: '/a',
    href: 'http://h.test:8080/a',
    authorization: `Basic ${Buffer.from('al@ice:p%C3%A4ss%ZZ').toString('base64')}`,
  });
});

test.each([
  ['b', 'http://h.test/a/b'],
  ['../b', 'http://h.test/b'],
  ['?c', 'http://h.test/a/x?c'],
  ['//other.test/b', 'http://other.test/b'],
  ['https://user:secret@other.test/b#f', 'https://other.test/b'],
  ['\\\\other.test\\b', 'http://other.test/b'],
  ['/%2Fa+b?X-Sig=%2b', 'http://h.test/%2Fa+b?X-Sig=%2b'],
])('a Location of %s leads to %s', (location, href) => {
  expect(resolveRedirect(location, parseSource('http://u:p@h.test/a/x?y'))).toMatchObject({
    href,
    authorization: undefined,
  });
});
