import { expect, test } from 'vitest';
import { Semaphore } from './semaphore.ts';

const { signal } = new AbortController();

test('so many run, so many wait in order, and the next one is told at once', async () => {
  const semaphore = new Semaphore(1, 2);
  const gates = [1, 2, 3].map(() => Promise.withResolvers<void>());
  const order: number[] = [];
  const runs = gates.map((gate, index) =>
    semaphore.run(async () => {
      order.push(index);
      await gate.promise;
    }, signal),
  );
  await expect(semaphore.run(async () => undefined, signal)).rejects.toMatchObject({ code: 'overloaded' });
  expect([semaphore.running, semaphore.waiting]).toEqual([1, 2]);
  for (const gate of gates) gate.resolve();
  await Promise.all(runs);
  expect(order).toEqual([0, 1, 2]);
  expect([semaphore.running, semaphore.waiting]).toEqual([0, 0]);
});

test('whoever gives up waiting leaves the queue, and a failed task frees its place', async () => {
  const semaphore = new Semaphore(1, 5);
  const gate = Promise.withResolvers<void>();
  const running = semaphore.run(() => gate.promise, signal);
  const client = new AbortController();
  const waiting = semaphore.run(async () => 'never', client.signal);
  client.abort(new Error('left'));
  await expect(waiting).rejects.toThrow('left');
  expect(semaphore.waiting).toBe(0);
  gate.reject(new Error('task'));
  await expect(running).rejects.toThrow('task');
  expect(await semaphore.run(async () => 'next', signal)).toBe('next');
});
