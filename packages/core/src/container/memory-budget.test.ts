import { expect, test } from 'vitest';
import { memoryBudget } from './memory-budget.ts';

const GIB = 2 ** 30;

test('the budget is what the setting says, 0 is no limit, blank is half of what there is', () => {
  expect(memoryBudget(100, GIB, 4 * GIB)).toBe(100);
  expect(memoryBudget(0, GIB, 4 * GIB)).toBe(Number.POSITIVE_INFINITY);
  expect(memoryBudget(undefined, GIB, 4 * GIB)).toBe(GIB / 2);
  expect(memoryBudget(undefined, 0, 4 * GIB)).toBe(2 * GIB);
  expect(memoryBudget(undefined, 2 ** 64, 4 * GIB)).toBe(2 * GIB);
});
