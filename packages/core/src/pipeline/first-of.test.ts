import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { firstOf } from './first-of.ts';

beforeEach(() => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
});

afterEach(() => {
  vi.useRealTimers();
});

const { signal } = new AbortController();
const several = { waiters: 2, onJoin: () => undefined };
const options = { signal, afterMs: 100, waiting: several, release: () => undefined };

/** One who waits, until others join. */
function alone() {
  let joined: (() => void) | undefined;
  const waiting = {
    waiters: 1,
    onJoin(callback: (() => void) | undefined) {
      joined = callback;
    },
  };
  const join = () => {
    waiting.waiters++;
    joined?.();
  };
  return { waiting, join };
}

test('a second attempt is made once the first takes too long', async () => {
  const attempts: ((answer: string) => void)[] = [];
  const first = firstOf(() => new Promise<string>((resolve) => attempts.push(resolve)), options);
  await vi.advanceTimersByTimeAsync(99);
  expect(attempts).toHaveLength(1);
  await vi.advanceTimersByTimeAsync(1);
  expect(attempts).toHaveLength(2);
  attempts[1]?.('second');
  expect(await first).toBe('second');
});

test('time before the first has begun in earnest does not count', async () => {
  const { promise: begun, resolve: begin } = Promise.withResolvers<void>();
  const attempts: ((answer: string) => void)[] = [];
  const attempt = () => new Promise<string>((resolve) => attempts.push(resolve));
  const first = firstOf(attempt, { ...options, begun });
  await vi.advanceTimersByTimeAsync(1_000);
  expect(attempts).toHaveLength(1);
  begin();
  await vi.advanceTimersByTimeAsync(100);
  expect(attempts).toHaveLength(2);
  attempts[0]?.('first');
  expect(await first).toBe('first');
});

test('no clock runs for what has failed before it began', async () => {
  const { promise: begun, resolve: begin } = Promise.withResolvers<void>();
  const attempt = vi.fn(() => Promise.reject(new Error('There is no place.')));
  await expect(firstOf(attempt, { ...options, begun })).rejects.toThrow('There is no place.');
  begin();
  await begun;
  expect(vi.getTimerCount()).toBe(0);
  expect(attempt).toHaveBeenCalledTimes(1);
});

test('for one alone there is no second attempt, until another one joins however late', async () => {
  const { waiting, join } = alone();
  const attempts: ((answer: string) => void)[] = [];
  const first = firstOf(() => new Promise<string>((resolve) => attempts.push(resolve)), { ...options, waiting });
  await vi.advanceTimersByTimeAsync(1_000);
  expect(attempts).toHaveLength(1);
  join();
  expect(attempts).toHaveLength(2);
  join();
  await vi.advanceTimersByTimeAsync(1_000);
  join();
  expect(attempts).toHaveLength(2);
  attempts[1]?.('second');
  expect(await first).toBe('second');
});

test('who joins early waits for the time to come', async () => {
  const { waiting, join } = alone();
  const attempts: ((answer: string) => void)[] = [];
  void firstOf(() => new Promise<string>((resolve) => attempts.push(resolve)), { ...options, waiting });
  await vi.advanceTimersByTimeAsync(99);
  join();
  expect(attempts).toHaveLength(1);
  await vi.advanceTimersByTimeAsync(1);
  expect(attempts).toHaveLength(2);
  join();
  expect(attempts).toHaveLength(2);
});

test.each(['answered', 'failed', 'given up'])('who joins when it is %s begins nothing', async (end) => {
  const { waiting, join } = alone();
  const { promise, resolve, reject } = Promise.withResolvers<string>();
  const client = new AbortController();
  const attempt = vi.fn(() => promise);
  const first = firstOf(attempt, { ...options, waiting, signal: client.signal });
  await vi.advanceTimersByTimeAsync(1_000);
  if (end === 'answered') resolve('first');
  else if (end === 'failed') reject(new Error('It is gone.'));
  else client.abort();
  if (end !== 'given up') await first.catch(() => undefined);
  join();
  expect(attempt).toHaveBeenCalledTimes(1);
});
