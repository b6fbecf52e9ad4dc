import { expect, test } from 'vitest';
import { partOf, rangeField } from './range-fields.ts';

test.each([
  [{ first: 5, last: 9 }, 'bytes=5-9'],
  [{ first: 5 }, 'bytes=5-'],
  [{ suffix: 5 }, 'bytes=-5'],
] as const)('%o is asked for as %s', (range, field) => {
  expect(rangeField(range)).toBe(field);
});

test('what Content-Range says is the part', () => {
  expect(partOf('bytes 5-9/100', { first: 5, last: 9 }, 5)).toEqual({ first: 5, last: 9, size: 100 });
});

test.each(['bytes 100-99/100', 'bytes 0--1/0'])('%s is no part', (contentRange) => {
  expect(partOf(contentRange, { first: 100 }, 0)).toBe('none');
});

test('without Content-Range it is the whole, or nothing that was asked for', () => {
  expect(partOf(undefined, { first: 0 }, 7)).toEqual({ first: 0, last: 6, size: 7 });
  expect(partOf(undefined, { first: 0 }, 0)).toBe('none');
  expect(() => partOf(undefined, { first: 1 }, 7)).toThrow('ignores byte ranges');
});
