import { expect, test } from 'vitest';
import { canHold } from './if-range.ts';

test.each([
  [undefined, true],
  ['"a"', true],
  ['Sun, 22 Nov 2026 06:00:00 GMT', true],
  ['Sunday, 22-Nov-26 06:00:00 GMT', true],
  ['Sun Nov 22 06:00:00 2026', true],
  ['W/"a"', false],
  ['a', false],
  ['"a', false],
  ['', false],
  ['7', false],
  ['2026-11-22', false],
])('a range counts beside If-Range %s: %s', (ifRange, counts) => {
  expect(canHold(ifRange)).toBe(counts);
});
