import { coreSection } from '@tintype/core';
import { expect, test } from 'vitest';
import { shareOf, sharesOf } from './shares.ts';

test.each([
  [10, 3, [4, 3, 3]],
  [1, 2, [1, 1]],
  [0, 2, [0, 0]],
])('a total of %i among %i processes is %j', (total, of, shares) => {
  expect(shares.map((_, index) => shareOf(total, { index, of }))).toEqual(shares);
});

test('totals are divided, wherever they were set, and nothing else is', () => {
  const input = {
    env: { TINTYPE_WORKERS: '6' },
    file: { name: 'tintype.config.ts', settings: { requestsQueueSize: 10, ttl: 60, memoryBudget: '1GiB' } },
  };
  expect(sharesOf([coreSection], input, { index: 0, of: 2 })).toMatchObject({
    WORKERS: '3',
    REQUESTS_QUEUE_SIZE: '5',
    MEMORY_BUDGET: String(2 ** 29),
    MAX_CLIENTS: '1024',
    TRANSFORM_PROCESSES: '1',
  });
  expect(sharesOf([coreSection], input, { index: 0, of: 2 })).not.toHaveProperty('TTL');
  expect(sharesOf([coreSection], input, { index: 0, of: 1 })).toEqual({});
});

test('what is blank is divided too: the machine does not grow with the processes', () => {
  const first = Number(sharesOf([coreSection], {}, { index: 0, of: 2 }).MEMORY_BUDGET);
  const half = Number(sharesOf([coreSection], {}, { index: 0, of: 4 }).MEMORY_BUDGET);
  expect(Math.abs(first - 2 * half)).toBeLessThan(4);
  const children = Array.from({ length: 4 }, (_, index) =>
    Number(sharesOf([coreSection], {}, { index, of: 4 }).TRANSFORM_PROCESSES),
  );
  expect(children).toEqual([1, 1, 1, 1]);
});

test('a part of the memory cap holds at least one entry; a total that is too small stays as it was written', () => {
  const table = { MAX_BYTES: { kind: 'bytes', description: '' } } as const;
  const section = { title: 'Cache memory', prefix: 'CACHE_MEMORY_', table };
  const shareOfCap = (cap: string) =>
    sharesOf([section], { env: { TINTYPE_CACHE_MEMORY_MAX_BYTES: cap } }, { index: 0, of: 4 });
  expect(shareOfCap('10000')).toEqual({ CACHE_MEMORY_MAX_BYTES: '5600' });
  expect(shareOfCap('40000')).toEqual({ CACHE_MEMORY_MAX_BYTES: '10000' });
  expect(shareOfCap('5000')).toEqual({ CACHE_MEMORY_MAX_BYTES: '5000' });
  expect(shareOfCap('0')).toEqual({ CACHE_MEMORY_MAX_BYTES: '0' });
});
