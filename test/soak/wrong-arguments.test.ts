import { expect, test } from 'vitest';
import { whatIsWrong } from './src/wrong-arguments.ts';

const RIGHT = { unknown: [], share: '1', jobs: '2' };

test.each([
  [{ unknown: ['nosuch'] }, 'There is no part "nosuch".'],
  [{ share: '7' }, '--share is "7"; expected a part of the whole: above 0 and at most 1, such as 0.1.'],
  [{ share: '0' }, '--share is "0"; expected a part of the whole: above 0 and at most 1, such as 0.1.'],
  [{ jobs: '1.5' }, '--jobs is "1.5"; expected a whole number from 1 on, such as 2.'],
])('%j is wrong, and the soak says why', (given, sentence) => {
  expect(whatIsWrong({ ...RIGHT, ...given })).toBe(sentence);
});

test('what can be run is not wrong', () => {
  expect(whatIsWrong(RIGHT)).toBeUndefined();
});
