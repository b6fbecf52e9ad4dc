import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { firstOf } from './first-of.ts';

beforeEach(() => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
});

afterEach(() => {
  vi.useRealTimers();
});

const { signal } = new AbortController();
const options = { signal, afterMs: 100, isWorthIt: () => true, release: () => undefined };

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
