import { expect, test } from 'vitest';
import { fields } from './exchange.fixture.ts';
import { invalidationTargets, isSafeMethod } from './invalidate.ts';

const url = 'https://a.example/dir/x?q=1#top';
const targets = (method: string, status = 200, text = '') =>
  invalidationTargets({ method, url, status, fields: fields(text) });

test.each(['POST', 'PUT', 'DELETE', 'PATCH', 'M-SEARCH', 'get'])(
  '%s invalidates its target (RFC 9111 §4.4)',
  (method) => {
    expect(targets(method)).toEqual(['https://a.example/dir/x?q=1']);
  },
);

test.each(['GET', 'HEAD', 'OPTIONS', 'TRACE', 'QUERY'])('%s invalidates nothing', (method) => {
  expect(targets(method)).toEqual([]);
  expect(isSafeMethod(method)).toBe(true);
});

test.each([400, 404, 500, 503])('a %i invalidates nothing', (status) => {
  expect(targets('POST', status)).toEqual([]);
});

test('Location and Content-Location go with it, on the same origin only', () => {
  expect(targets('POST', 201, 'Location: y\nContent-Location: /z#a')).toEqual([
    'https://a.example/dir/x?q=1',
    'https://a.example/dir/y',
    'https://a.example/z',
  ]);
  expect(targets('POST', 302, 'Location: https://b.example/y\nContent-Location: http://a.example/z')).toHaveLength(1);
  expect(targets('POST', 200, 'Location: http://[\nContent-Location: data:text/plain,x')).toHaveLength(1);
});
