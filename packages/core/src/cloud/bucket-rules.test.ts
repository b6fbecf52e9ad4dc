import { expect, test } from 'vitest';
import { bucketRules } from './bucket-rules.ts';

test('without rules every bucket may be read', () => {
  expect(bucketRules([], [])('any')).toBe(true);
});

test('with allowed buckets only these may be read, by their exact names', () => {
  const isAllowed = bucketRules(['photos', 'logos'], []);
  expect(['photos', 'logos', 'photos2', 'PHOTOS', ''].map(isAllowed)).toEqual([true, true, false, false, false]);
});

test('a denied bucket may not be read, even if it is allowed too', () => {
  const isAllowed = bucketRules(['photos', 'secret'], ['secret']);
  expect(['photos', 'secret'].map(isAllowed)).toEqual([true, false]);
  expect(bucketRules([], ['secret'])('other')).toBe(true);
});
