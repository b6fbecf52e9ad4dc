import { expect, test } from 'vitest';
import { allowedSources } from './allowed-sources.ts';

test.each([
  ['https://example.com', 'https://example.com/a.png', true],
  ['https://example.com', 'https://EXAMPLE.com:443/a.png', true],
  ['https://example.com', 'http://example.com/a.png', false],
  ['https://example.com', 'https://example.com.evil.test/a.png', false],
  ['https://example.com', 'https://example.com@evil.test/a.png', false],
  ['https://example.com', 'https://example.com:8443/a.png', false],
  ['https://example.com:8443/', 'https://example.com:8443/a.png', true],
  ['https://*.example.com/', 'https://a.b.example.com/x', true],
  ['https://*.example.com/', 'https://example.com/x', false],
  ['https://*.example.com/', 'https://evilexample.com/x', false],
  ['https://example.com/photos/', 'https://example.com/photos/a.png', true],
  ['https://example.com/photos/', 'https://example.com/photos/../secret', false],
  ['https://example.com/photos/', 'https://example.com/photosecret', false],
  ['https://example.com/*/public/', 'https://example.com/a/public/x', true],
  ['https://example.com/*/public/', 'https://example.com/a/b/public/x', false],
  ['https://example.com/*/public/', 'https://example.com/secret?/public/', false],
  ['https://example.com/*/public/', 'https://example.com/secret#/public/', false],
  ['https://example.com/image?id=*&s=', 'https://example.com/image?id=a?b&s=1', true],
  ['https://example.com/image?id=*&s=', 'https://example.com/images', false],
  ['https://example.com/photos/', 'https://example.com/photos/..%2Fsecret', false],
  ['https://example.com/photos/', 'https://example.com/photos/a%2f%2e%2E%2fsecret', false],
  ['https://example.com/photos/', 'https://example.com/photos/..%5Csecret', false],
  ['https://example.com/photos/', 'https://example.com/photos/a%2F..', false],
  ['https://example.com/photos/', 'https://example.com/photos/a%2Fb..c/...png?x=/../', true],
  ['https://example.com/', 'https://example.com/photos/..%2Fsecret', true],
  ['local://', 'local:///a.png', true],
  ['local://', 'https://example.com/', false],
  ['s3://photos/', 's3://photos/a.png', true],
  ['s3://photos', 's3://photos-private/a.png', false],
  ['https://example.com', 'not a url', false],
])('%s lets %s through: %s', (pattern, source, expected) => {
  expect(allowedSources([pattern])(source)).toBe(expected);
});

test('none means all, several mean any', () => {
  expect(allowedSources([])('https://anything.test/')).toBe(true);
  const isAllowed = allowedSources(['local://', 's3://photos/']);
  expect(['local:///x', 's3://photos/x', 'https://x.test/'].map(isAllowed)).toEqual([true, true, false]);
});

test('a pattern that is none is named', () => {
  expect(() => allowedSources(['example.com', 'https://ok.test', 'https://user@host/'])).toThrow(
    /has "example.com".*\n.*has "https:\/\/user@host\/"/,
  );
});
