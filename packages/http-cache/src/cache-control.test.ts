import { expect, test } from 'vitest';
import { type CacheControl, NO_DIRECTIVES, parseCacheControl } from './cache-control.ts';

const cases: [lines: string[], expected: Partial<CacheControl>][] = [
  [[], {}],
  [['MaX-aGe=60, No-StOrE'], { maxAge: 60, noStore: true }],
  [['max-age="60"'], { maxAge: 60 }],
  [['max-age = 60'], { maxAge: 60 }],
  [['max-age=0060'], { maxAge: 60 }],
  [['foobar, max-age=60,,'], { maxAge: 60 }],
  // Invalid lifetimes are none (RFC 9111 §4.2.1).
  [["max-age='60'"], { maxAge: 0 }],
  [['max-age=-60'], { maxAge: 0 }],
  [['max-age=60.5'], { maxAge: 0 }],
  [['max-age=60a'], { maxAge: 0 }],
  [['max-age'], { maxAge: 0 }],
  [['max-age=99999999999999999999'], { maxAge: 2 ** 31 }],
  // The most restrictive of duplicates.
  [['max-age=60, max-age=30'], { maxAge: 30 }],
  [['max-age=30', 'max-age=60'], { maxAge: 30 }],
  [['min-fresh=3, min-fresh=5'], { minFresh: 5 }],
  [['no-cache="a", no-cache'], { noCache: true }],
  [['no-cache, no-cache="a"'], { noCache: true }],
  [['private="a, B", private=c'], { private: ['a', 'b', 'c'] }],
  // A flag with an argument is a flag.
  [['no-store=1'], { noStore: true }],
  [['no-store=0'], { noStore: true }],
  [['private=1'], { private: true }],
  [['private=true'], { private: true }],
  [['private=""'], { private: true }],
  [['no-cache="set-cookie"'], { noCache: ['set-cookie'] }],
  // What is quoted is no directive; what only seems quoted is.
  [['ext="max-age=60, no-store", max-age=1'], { maxAge: 1 }],
  [['ext="a\\", no-store", max-age=1'], { maxAge: 1 }],
  [['ext="open, no-store'], { noStore: true }],
  [['ext="open', 'no-store'], { noStore: true }],
  // Requests.
  [['max-stale'], { maxStale: Number.POSITIVE_INFINITY }],
  [['max-stale=x'], { maxStale: 0 }],
  [['min-fresh=x, only-if-cached'], { onlyIfCached: true }],
];

test.each(cases)('%j', (lines, expected) => {
  expect(parseCacheControl(lines)).toEqual({ ...NO_DIRECTIVES, ...expected });
});
