import { expect, test } from 'vitest';
import { LeftOvers } from './left-overs.ts';

test('what is removed at once is not tried again', async () => {
  const tried: string[] = [];
  const leftOvers = new LeftOvers<string>(async (item) => void tried.push(item));
  await leftOvers.remove('a');
  await leftOvers.tidy();
  expect(tried).toEqual(['a']);
});

test('what could not be removed is tried again until it can, and never rejects', async () => {
  const tried: string[] = [];
  let works = false;
  const leftOvers = new LeftOvers<string>(async (item) => {
    tried.push(item);
    if (!works) throw new Error('Not now.');
  });
  await leftOvers.remove('a');
  await leftOvers.tidy();
  works = true;
  await leftOvers.tidy();
  await leftOvers.tidy();
  expect(tried).toEqual(['a', 'a', 'a']);
});

test('of many that cannot be removed the latest hundred are remembered', async () => {
  let tried: number[] = [];
  const leftOvers = new LeftOvers<number>(async (item) => {
    tried.push(item);
    throw new Error('Never.');
  });
  for (let item = 0; item < 250; item++) await leftOvers.remove(item);
  tried = [];
  await leftOvers.tidy();
  expect(tried).toEqual(Array.from({ length: 100 }, (_, index) => 150 + index));
});

test('two that tidy at a time do it once', async () => {
  let tried = 0;
  const leftOvers = new LeftOvers<string>(async () => {
    tried++;
    throw new Error('Not now.');
  });
  await leftOvers.remove('a');
  await Promise.all([leftOvers.tidy(), leftOvers.tidy()]);
  expect(tried).toBe(2);
});
