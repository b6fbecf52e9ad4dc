import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { SLOWEST_BYTES_PER_SECOND, watchPace } from './pace.ts';

beforeEach(() => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'performance'] });
});
afterEach(() => {
  vi.useRealTimers();
});

test('what stops coming has the grace, and the time that its bytes may take', () => {
  const body = { size: 0 };
  let slow = 0;
  watchPace(body, 1_000, () => slow++);
  vi.advanceTimersByTime(900);
  body.size = 3 * SLOWEST_BYTES_PER_SECOND;
  vi.advanceTimersByTime(3_050);
  expect(slow).toBe(0);
  vi.advanceTimersByTime(100);
  expect(slow).toBe(1);
  vi.advanceTimersByTime(100_000);
  expect(slow).toBe(1);
});

test('a byte now and then is too slow, whatever comes in the end', () => {
  const body = { size: 0 };
  let slow = false;
  watchPace(body, 10_000, () => {
    slow = true;
  });
  let seconds = 0;
  for (; !slow; seconds += 4) {
    body.size++;
    vi.advanceTimersByTime(4_000);
  }
  expect(seconds).toBe(12);
});

test('what comes faster than the slowest pace may take as long as it likes', () => {
  const body = { size: 0 };
  let slow = false;
  const stop = watchPace(body, 1_000, () => {
    slow = true;
  });
  for (let second = 0; second < 10_000; second++) {
    body.size += SLOWEST_BYTES_PER_SECOND;
    vi.advanceTimersByTime(1_000);
  }
  expect(slow).toBe(false);
  stop();
  expect(vi.getTimerCount()).toBe(0);
});

test('a grace longer than timers take is waited for', () => {
  let slow = false;
  const stop = watchPace({ size: 0 }, 2 ** 40, () => {
    slow = true;
  });
  vi.advanceTimersByTime(2 ** 32);
  expect(slow).toBe(false);
  stop();
});

test('the time that readers took is not the origin’s', () => {
  const body = { size: 0, heldMs: 0 };
  let slow = false;
  watchPace(body, 1_000, () => {
    slow = true;
  });
  body.heldMs = 60_000;
  vi.advanceTimersByTime(60_900);
  expect(slow).toBe(false);
  vi.advanceTimersByTime(200);
  expect(slow).toBe(true);
});
