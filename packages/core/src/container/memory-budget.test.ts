import { expect, test } from 'vitest';
import { memoryBudget, memoryLimit } from './memory-budget.ts';

const GIB = 2 ** 30;

test('the budget is what the setting says, 0 is no limit, blank is half of what there is', () => {
  expect(memoryBudget(100, GIB)).toBe(100);
  expect(memoryBudget(0, GIB)).toBe(Number.POSITIVE_INFINITY);
  expect(memoryBudget(undefined, GIB)).toBe(GIB / 2);
});

test('what there is is the limit of the container, or what the machine has', () => {
  expect(memoryLimit(GIB, 4 * GIB)).toBe(GIB);
  expect(memoryLimit(0, 4 * GIB)).toBe(4 * GIB);
  expect(memoryLimit(2 ** 64, 4 * GIB)).toBe(4 * GIB);
});
