import { parseList } from 'structured-headers';
import { expect, test } from 'vitest';
import { cacheStatus, remainingTtl } from './cache-status.ts';

test('all parameters are those of RFC 9211 §2', () => {
  const value = cacheStatus({
    cache: 'cdn.example',
    fwd: 'vary-miss',
    fwdStatus: 200,
    ttl: 9.7,
    stored: false,
    collapsed: true,
    key: 'GET "/ü"',
    detail: 'two words',
  });
  expect(value).toBe(
    'cdn.example;fwd=vary-miss;fwd-status=200;ttl=9;stored=?0;collapsed;key="GET \\"/?\\"";detail="two words"',
  );
  expect(parseList(value)).toHaveLength(1);
});

test('hit excludes fwd (§2.1)', () => {
  expect(cacheStatus({ cache: 'Tintype', hit: true, fwd: 'stale' })).toBe('Tintype;hit');
});

test('a cache appends itself to those nearer to the origin (§2)', () => {
  expect(cacheStatus({ cache: 'Tintype', hit: true }, 'Origin;hit')).toBe('Origin;hit, Tintype;hit');
  expect(cacheStatus({ cache: '10.0.0.1', hit: true }, ' ')).toBe('"10.0.0.1";hit');
});

test('what is left of a lifetime is negative once it is over (§2.4)', () => {
  expect([remainingTtl(9000, 0), remainingTtl(9000, 8500), remainingTtl(9000, 9001), remainingTtl(0, 9)]).toEqual([
    9, 0, -1, 0,
  ]);
});
