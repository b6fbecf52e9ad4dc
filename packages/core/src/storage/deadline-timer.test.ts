import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { createStorage } from './create-storage.ts';
import { DeadlineTimer } from './deadline-timer.ts';
import { ScriptedAdapter } from './scripted-adapter.fixture.ts';

let stoodStill = 0;

beforeEach(() => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'performance'] });
  stoodStill = 0;
  const { now } = performance;
  vi.spyOn(performance, 'now').mockImplementation(() => now.call(performance) + stoodStill);
});

afterEach(() => {
  vi.restoreAllMocks();
  vi.useRealTimers();
});

function started(ms: number) {
  let due = 0;
  const timer = new DeadlineTimer(ms, () => {
    due += 1;
  });
  return { timer, due: () => due };
}

test('comes when it is due, or hardly later', () => {
  const { due } = started(250);
  vi.advanceTimersByTime(249);
  expect(due()).toBe(0);
  stoodStill += 19;
  vi.advanceTimersByTime(1);
  expect(due()).toBe(1);
});

test('gives back the time in which the process stood still', () => {
  const { due } = started(250);
  stoodStill += 100;
  vi.advanceTimersByTime(349);
  expect(due()).toBe(0);
  vi.advanceTimersByTime(1);
  expect(due()).toBe(1);
});

test('comes in a process that stands still again and again, too: it gives back its own time once', () => {
  const { due } = started(250);
  let steps = 0;
  while (due() === 0 && steps < 100) {
    stoodStill += 100;
    vi.advanceTimersToNextTimer();
    steps += 1;
  }
  expect([due(), steps]).toEqual([1, 4]);
});

test('begins anew when it is told that something happened, with all that it may give back', () => {
  const { timer, due } = started(250);
  stoodStill += 1_000;
  vi.advanceTimersByTime(400);
  expect(due()).toBe(0);
  timer.refresh();
  vi.advanceTimersByTime(249);
  expect(due()).toBe(0);
  stoodStill += 250;
  vi.advanceTimersByTime(250);
  expect(due()).toBe(0);
  vi.advanceTimersByTime(1);
  expect(due()).toBe(1);
});

test('does not come once it was cleared, nor after it has given time back', () => {
  const { timer, due } = started(250);
  stoodStill += 200;
  vi.advanceTimersByTime(300);
  timer.clear();
  vi.advanceTimersByTime(1_000);
  expect(due()).toBe(0);
});

test('a process that stood still takes an answer which came meanwhile', async () => {
  vi.useRealTimers();
  vi.restoreAllMocks();
  const adapter = new ScriptedAdapter();
  const storage = createStorage(adapter, { name: 'scripted' });
  await storage.open();
  // What takes a millisecond and then another turn is over long before the deadline, if the process lets it.
  adapter.next('get', async (proceed) => {
    await sleep(1);
    await new Promise(setImmediate);
    return proceed();
  });
  const found = storage.get('k', { deadlineMs: 200 });
  const until = performance.now() + 300;
  while (performance.now() < until);
  expect(await found).toBeUndefined();
  expect(storage.counters.errors).toEqual({});
});
