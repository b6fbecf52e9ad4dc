import { expect, test } from 'vitest';
import { ShedError } from './background.ts';
import { MemoryGate } from './memory-gate.ts';

const { signal } = new AbortController();

test('memory is handed out in order, and nobody overtakes a larger one', async () => {
  const gate = new MemoryGate(100);
  const order: string[] = [];
  const release = await gate.reserve(60, signal);
  const large = gate.reserve(70, signal).then((done) => {
    order.push('large');
    return done;
  });
  const small = gate.reserve(30, signal).then((done) => {
    order.push('small');
    return done;
  });
  expect(gate.used).toBe(60);
  release();
  release();
  const both = await Promise.all([large, small]);
  expect(order).toEqual(['large', 'small']);
  expect(gate.used).toBe(100);
  for (const done of both) done();
  expect(gate.used).toBe(0);
});

test('what exceeds the budget alone is let in alone', async () => {
  const gate = new MemoryGate(100);
  const release = await gate.reserve(10, signal);
  const huge = gate.reserve(1_000, signal);
  release();
  (await huge)();
  expect(gate.used).toBe(0);
});

test('whoever gives up leaves the queue to the others', async () => {
  const gate = new MemoryGate(100);
  const release = await gate.reserve(90, signal);
  const client = new AbortController();
  const large = gate.reserve(80, client.signal);
  const small = gate.reserve(10, signal);
  client.abort(new Error('left'));
  await expect(large).rejects.toThrow('left');
  (await small)();
  release();
  expect(gate.used).toBe(0);
});

test('who may not wait is let in where there is room at once, and else told so without a place in the queue', async () => {
  const gate = new MemoryGate(100);
  const release = await gate.reserve(60, signal, () => false);
  await expect(gate.reserve(50, signal, () => false)).rejects.toBeInstanceOf(ShedError);
  expect(gate.used).toBe(60);
  const waiting = gate.reserve(70, signal);
  // There would be room, but somebody is waiting for it.
  await expect(gate.reserve(10, signal, () => false)).rejects.toBeInstanceOf(ShedError);
  release();
  (await waiting)();
  expect(gate.used).toBe(0);
});

test('what may be needed is handed out at once, but never the half that others may know that they need', async () => {
  const gate = new MemoryGate(100);
  const first = gate.spare(30);
  expect([gate.used, gate.spare(30)]).toEqual([30, undefined]);
  const large = gate.reserve(80, signal);
  first?.();
  first?.();
  const release = await large;
  expect(gate.used).toBe(80);
  const waiting = gate.reserve(30, signal);
  release();
  (await waiting)();
  expect(gate.used).toBe(0);
  expect(new MemoryGate(Number.POSITIVE_INFINITY).spare(30)).toBeTypeOf('function');
});

test('who waits is not overtaken by what may be needed', async () => {
  const gate = new MemoryGate(100);
  const release = await gate.reserve(10, signal);
  const large = gate.reserve(95, signal);
  expect(gate.spare(1)).toBeUndefined();
  release();
  (await large)();
  expect(gate.spare(1)).toBeTypeOf('function');
});
