import { expect, test } from 'vitest';
import { Capacity } from './capacity.ts';

const NEVER = new AbortController().signal;

test('a larger limit lets in who waits, in order', async () => {
  const capacity = new Capacity({ workers: 1, queue: 5, downloadsPerHost: 1, memory: 100 });
  const admitted: number[] = [];
  const enter = (nth: number) =>
    capacity.transforms.enter(NEVER).then((leave) => {
      admitted.push(nth);
      return leave;
    });
  const all = [enter(1), enter(2), enter(3), enter(4)];
  await all[0];
  capacity.resize({ workers: 3, queue: 5, downloadsPerHost: 1, memory: 100 });
  await Promise.all(all.slice(0, 3));
  expect(admitted).toEqual([1, 2, 3]);
  expect(capacity.transforms.waiting).toBe(1);
  (await all[0])?.();
  (await all[3])?.();
  expect(capacity.limits.workers).toBe(3);
});

test('a smaller limit stops nobody, and nobody takes the places that are too many', async () => {
  const capacity = new Capacity({ workers: 2, queue: 5, downloadsPerHost: 1, memory: 100 });
  const [first, second] = await Promise.all([capacity.transforms.enter(NEVER), capacity.transforms.enter(NEVER)]);
  capacity.resize({ workers: 1, queue: 5, downloadsPerHost: 1, memory: 100 });
  const third = capacity.transforms.enter(NEVER);
  first();
  expect(capacity.transforms).toMatchObject({ running: 1, waiting: 1 });
  second();
  (await third)();
  expect(capacity.transforms).toMatchObject({ running: 0, waiting: 0 });
});

test('memory, hosts and images in the making follow', async () => {
  const capacity = new Capacity({ workers: 1, queue: 0, downloadsPerHost: 1, memory: 100 });
  await capacity.memory.reserve(100, NEVER);
  const more = capacity.memory.reserve(50, NEVER);
  const place = await capacity.intake.enter('http://a/1', 'transform', NEVER);
  await expect(capacity.intake.enter('http://b/1', 'transform', NEVER)).rejects.toMatchObject({ code: 'overloaded' });
  capacity.resize({ workers: 1, queue: 1, downloadsPerHost: 2, memory: 150 });
  await more;
  expect(capacity.memory.used).toBe(150);
  await capacity.intake.enter('http://a/2', 'transform', NEVER);
  expect(capacity.intake).toMatchObject({ making: 2, waiting: 0 });
  place.done();
});
