import { expect, test } from 'vitest';
import { Semaphore } from './semaphore.ts';

const { signal } = new AbortController();

test('so many are let in, so many wait in order, and the next one is told at once', async () => {
  const semaphore = new Semaphore(1, 2);
  const leaveFirst = await semaphore.enter(signal);
  const order: number[] = [];
  const waiting = [2, 3].map(async (number) => {
    const leave = await semaphore.enter(signal);
    order.push(number);
    leave();
  });
  await expect(semaphore.enter(signal)).rejects.toMatchObject({ code: 'overloaded' });
  expect([semaphore.running, semaphore.waiting, order]).toEqual([1, 2, []]);
  leaveFirst();
  await Promise.all(waiting);
  expect(order).toEqual([2, 3]);
  expect([semaphore.running, semaphore.waiting]).toEqual([0, 0]);
});

test('whoever gives up waiting leaves the queue; leaving twice frees one place', async () => {
  const semaphore = new Semaphore(1, 5);
  const leave = await semaphore.enter(signal);
  const client = new AbortController();
  const waiting = semaphore.enter(client.signal);
  client.abort(new Error('left'));
  await expect(waiting).rejects.toThrow('left');
  expect(semaphore.waiting).toBe(0);
  leave();
  await semaphore.enter(signal);
  leave();
  expect(semaphore.running).toBe(1);
});
