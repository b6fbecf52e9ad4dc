import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { checkedPrefix, targetBelow, whyRefused } from './target.ts';

describe('a request target', () => {
  it.each([
    '/',
    '/unsafe/rs:fill:300:200/plain/local:///photos/a.jpg@webp',
    '/sig/plain/http://host/a.b/c..d/...e/x.jpg',
    '/sig/plain/https%3A%2F%2Fhost%2Fa..b%2F.well-known%2Fx.jpg',
    '/sig/aHR0cHM6Ly9leGFtcGxlLmNvbS9hLmpwZw.png',
    '/livez?a=../..&b=%5c%00',
    '//double//slashes',
    '/%252e%252e/x',
  ])('is served: %s', (target) => {
    expect(whyRefused(target)).toBeUndefined();
  });

  it.each([
    '/..',
    '/../etc/passwd',
    '/a/../b',
    '/a/..?x',
    '/a/.',
    '/./a',
    '/sig/plain/http://host/a/../b',
    '/%2e%2e/x',
    '/%2E%2e/x',
    '/.%2E/x',
    '/%2e./x',
    '/a/%2e',
    '/sig/plain/local:%2F%2F%2F..%2fetc',
    '/a%2F%2e%2E%2Fb',
  ])('with a dot segment is refused: %s', (target) => {
    expect(whyRefused(target)).toMatch('segments');
  });

  it.each(['/a\\..\\b', '/a%5cb', '/a%5Cb', '/a%00', '/a\0b'])('with a backslash or NUL is refused: %j', (target) => {
    expect(whyRefused(target)).toMatch('backslash or a NUL');
  });

  it.each(['http://host/a', 'https://host', 'host:443', '*', '', '?x', 'a/b'])(
    'that is no path is refused: %j',
    (t) => {
      expect(whyRefused(t)).toMatch('begins with a slash');
    },
  );

  it('is refused however a dot segment is written and wherever it stands', () => {
    const dot = fc.constantFrom('.', '%2e', '%2E');
    const dots = fc.array(dot, { minLength: 1, maxLength: 2 }).map((parts) => parts.join(''));
    const segment = fc.stringMatching(/^[a-z0-9:@~-]{0,6}$/);
    const slash = fc.constantFrom('/', '%2f', '%2F');
    fc.assert(
      fc.property(fc.array(segment), slash, dots, slash, fc.array(segment), (before, s1, dot, s2, after) => {
        expect(whyRefused(`/${before.join('/')}${s1}${dot}${s2}${after.join('/')}`)).toBeDefined();
      }),
    );
  });
});

describe('the prefix', () => {
  it.each([
    ['', '/a?b', '/a?b'],
    ['/images', '/images/sig/a?b', '/sig/a?b'],
    ['/images', '/images', '/'],
    ['/images', '/images?x', '/?x'],
    ['/images', '/imagesque/a', undefined],
    ['/images', '/other', undefined],
    ['/images', '/%69mages/a', undefined],
  ])('%j cuts %j to %j', (prefix, target, below) => {
    expect(targetBelow(prefix, target)).toBe(below);
  });

  it.each(['images', '/images/', '/', '/a?b'])('cannot be %j', (prefix) => {
    expect(() => checkedPrefix(prefix)).toThrow('must begin with a slash');
  });
});
