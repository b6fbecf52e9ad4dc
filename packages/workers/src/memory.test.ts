import { MemoryGate, TransformError, type TransformRequest } from '@tintype/core';
import { describe, expect, onTestFinished, test } from 'vitest';
import { asking } from './requests.fixture.ts';
import { stubbornPool } from './stubborn-pool.fixture.ts';

const MIB = 1024 * 1024;

/** Children, and requests that take their memory from one budget. */
async function poolWithin(budget: number, processes = 1) {
  const memory = new MemoryGate(budget);
  const crashed = Promise.withResolvers<string>();
  const pool = stubbornPool({ processes, onCrash: crashed.resolve });
  onTestFinished(() => pool.close());
  await pool.open();
  const ask = async (
    words: string,
    signal = new AbortController().signal,
    overrides: Partial<TransformRequest> = {},
  ) => {
    const reserve = (bytes: number, stop?: AbortSignal) =>
      memory.reserve(bytes, stop ? AbortSignal.any([signal, stop]) : signal);
    const spare = (bytes: number) => memory.spare(bytes);
    const { body } = await pool.transform(asking(words, { signal, reserve, spare, ...overrides }));
    return Buffer.from(body).toString();
  };
  return { pool, memory, ask, crashed: crashed.promise };
}

test.each([1, 3])('the transforms of %i children share one budget: what does not fit waits', async (processes) => {
  const { ask, memory } = await poolWithin(1_000, processes);
  const order: string[] = [];
  const client = new AbortController();
  const first = ask('reserve 800 wait', client.signal).catch(() => undefined);
  await expect.poll(() => memory.used).toBe(800);
  const second = ask('reserve 800 echo').then(() => order.push('second'));
  await ask('echo').then(() => order.push('free'));
  order.push('given back');
  client.abort();
  await Promise.all([first, second]);
  expect(order).toEqual(['free', 'given back', 'second']);
});

test('what a child had reserved is free again when it dies', async () => {
  const { ask, memory, crashed } = await poolWithin(1_000);
  await expect(ask('reserve 900 die')).rejects.toMatchObject({ code: 'crashed' });
  await crashed;
  expect(memory.used).toBe(0);
  expect(await ask('reserve 900 echo')).toBe('echo');
});

test('who waited for memory and died holds up nobody behind', async () => {
  const { pool, ask, memory } = await poolWithin(1_000);
  // Taken by another child, as it were.
  const giveBack = await memory.reserve(500, new AbortController().signal);
  const asked = Promise.withResolvers<void>();
  const large = ask('reserve 900 echo', undefined, {
    reserve: (bytes, stop = new AbortController().signal) => {
      const waiting = memory.reserve(bytes, stop);
      asked.resolve();
      return waiting;
    },
  });
  await asked.promise;
  process.kill(pool.pids[0] ?? 0, 'SIGKILL');
  await expect(large).rejects.toMatchObject({ code: 'crashed' });
  expect(await ask('reserve 400 echo')).toBe('echo');
  giveBack();
  expect(memory.used).toBe(0);
});

test('a transform that is refused its memory fails with the very error, and the child works on', async () => {
  const { pool, ask, memory } = await poolWithin(1_000);
  const [pid] = pool.pids;
  const refusal = new TransformError('overloaded', 'Nothing may wait.');
  const reserve = () => Promise.reject(refusal);
  await expect(ask('reserve 900 echo', undefined, { reserve })).rejects.toBe(refusal);
  expect(await ask('reserve 900 echo')).toBe('echo');
  expect(memory.used).toBe(0);
  expect(pool.pids).toEqual([pid]);
});

test('an amount that is none fails at once, instead of waiting for ever', async () => {
  const { ask } = await poolWithin(1_000);
  await expect(ask('reserve -1 echo')).rejects.toMatchObject({ code: 'internal' });
});

test('where nobody counts there is no limit, and nobody is asked', async () => {
  const { ask } = await poolWithin(1_000);
  expect(await ask(`reserve ${10_000 * MIB} echo`, undefined, { reserve: undefined, spare: undefined })).toBe('echo');
});

describe('memory that is handed out with the work', () => {
  test('is counted until the work is done, and takes the place of what is asked for within it', async () => {
    const { ask, memory } = await poolWithin(100 * MIB);
    const client = new AbortController();
    const waiting = ask(`reserve ${MIB} wait`, client.signal);
    expect(memory.used).toBe(16 * MIB);
    expect(await ask(`reserve ${MIB} echo`)).toBe('echo');
    expect(memory.used).toBe(16 * MIB);
    client.abort(new Error('too slow'));
    await expect(waiting).rejects.toMatchObject({ code: 'timeout' });
    expect(memory.used).toBe(0);
  });

  test('is given back by who needs more, so that all come to their turn', async () => {
    const { ask, memory } = await poolWithin(40 * MIB);
    const words = `reserve ${40 * MIB} echo`;
    expect(await Promise.all([ask(words), ask(words), ask(words)])).toEqual(['echo', 'echo', 'echo']);
    expect(memory.used).toBe(0);
  });

  test('is free again when the child dies', async () => {
    const { ask, memory, crashed } = await poolWithin(100 * MIB);
    await expect(ask('die')).rejects.toMatchObject({ code: 'crashed' });
    await crashed;
    expect(memory.used).toBe(0);
  });
});
