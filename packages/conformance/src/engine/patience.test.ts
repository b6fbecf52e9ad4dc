import { setTimeout as after } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { Patience, slowness } from './patience.ts';
import { TooLate, within } from './waiting.ts';

/** Milliseconds until a limit of ten seconds is over, on a machine of this slowness, looking at each step. */
function secondsUntilOver(factor: number): number {
  let now = 0;
  const patience = new Patience(10_000, { now: () => now, slowness: () => factor });
  while (!patience.isOver) now += patience.stepMs;
  return now / 1_000;
}

test('a limit holds as it is where nobody else wants the processor', () => {
  expect(secondsUntilOver(1)).toBe(10);
});

test('a limit is as many times longer as the machine is slower', () => {
  expect(secondsUntilOver(3)).toBe(30);
  expect(secondsUntilOver(20)).toBe(200);
});

test('a look that comes late by our own fault does not use up the limit', () => {
  let now = 0;
  const patience = new Patience(10_000, { now: () => now, slowness: () => 1 });
  now = 60_000;
  expect(patience.isOver).toBe(false);
});

test('no limit at all is over at once', () => {
  expect(new Patience(0).isOver).toBe(true);
});

test('what comes while the event loop was blocked is no silence', async () => {
  const answer = within(400, 'An answer', after(500, 'here it is'));
  const until = performance.now() + 1_500;
  while (performance.now() < until);
  await expect(answer).resolves.toBe('here it is');
});

test('what never comes is told as such', async () => {
  const never = within(20, 'An answer', new Promise(() => {}));
  await expect(never).rejects.toThrow(TooLate);
});

test('slowness is from 1 to 20', () => {
  expect(slowness()).toBeGreaterThanOrEqual(1);
  expect(slowness()).toBeLessThanOrEqual(20);
});
