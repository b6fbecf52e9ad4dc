import { expect, test } from 'vitest';
import { originError, problemOf } from './problem.ts';

const NOW = Date.parse('2026-11-23T00:00:00Z');

const waitOf = (status: number, field?: string) =>
  problemOf(originError({ status, headers: field === undefined ? {} : { 'retry-after': field } }, NOW)).retryAfter;

test.each([
  ['in seconds', '7', 7],
  ['as a date', 'Mon, 23 Nov 2026 00:01:30 GMT', 90],
  ['as a date that is over', 'Sun, 22 Nov 2026 00:00:00 GMT', 1],
  ['of no time', '0', 1],
  ['of years', '999999999', 86_400],
  ['that nobody understands', 'soon', 5],
  ['that is missing', undefined, 5],
])('a busy source: Retry-After %s', (_, field, seconds) => {
  expect(waitOf(429, field)).toBe(seconds);
});

test('only an answer that says "later" says when', () => {
  expect([waitOf(404, '7'), waitOf(500, '7')]).toEqual([undefined, undefined]);
});
