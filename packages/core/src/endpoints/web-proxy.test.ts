import { expect, test } from 'vitest';
import { proxiedUrl } from './web-proxy.ts';

test.each([
  ['/https://a.test/x.jpg', 'https://a.test', '/x.jpg'],
  ['/https:/a.test/x.jpg', 'https://a.test', '/x.jpg'],
  ['/http://a.test:8080/x%20y?b=%41&c', 'http://a.test:8080', '/x%20y?b=%41&c'],
  ['/https://A.test:443/X', 'https://a.test', '/X'],
  ['/https://a.test', 'https://a.test', '/'],
  ['/https://a.test?b', 'https://a.test', '/?b'],
  ['/https://a.test//b//c', 'https://a.test', '//b//c'],
  ['/https%3A%2F%2Fa.test%2Fx.jpg%3Fb%3D1', 'https://a.test', '/x.jpg?b=1'],
  ['/https%3a//a.test/x.jpg?b=1', 'https://a.test', '/x.jpg?b=1'],
  ['/https%3A%2F%2Fa.test%2Fx%2520y', 'https://a.test', '/x%20y'],
  ['/https%3A%2F%2Fa.test%2F%C3%A4%20b', 'https://a.test', '/%C3%A4%20b'],
  ['/https://a.test/..?..', 'https://a.test', undefined],
  ['/https://a.test/b?c=../d', 'https://a.test', '/b?c=../d'],
])('%s is %s and %s', (rest, origin, target) => {
  if (target === undefined) expect(() => proxiedUrl(rest)).toThrow('segment');
  else expect(proxiedUrl(rest)).toEqual({ origin, target });
});

test.each([
  '/',
  '/a.jpg',
  '/ftp://a.test/x',
  '/file:///etc/passwd',
  '/https://',
  '/https:///x',
  '/https://u:p@a.test/x',
  '/https://a.test%40evil.test/x',
  '/https://a.test\\@evil.test/x',
  '/https%3A%2F%2Fu@a.test%2Fx',
  '/https://[::1/x',
  '/https%3A%2F%2Fa.test%2Fx%3Fb?c',
  '/https%3A%2F%2Fa.test%2F%ff',
  '/https%3A%2F%2Fa.test%2F%2e%2e%2Fx',
  '/https%3A%2F%2Fa.test%2F%252e%252e%2Fx',
  '/https%3A%2F%2Fa.test%2F%0D%0AX%3A1',
  '/https%3A%2F%2Fa.test%5Cx',
])('%s is refused', (rest) => {
  expect(() => proxiedUrl(rest)).toThrow(expect.objectContaining({ status: 400, code: 'invalid-source' }));
});
