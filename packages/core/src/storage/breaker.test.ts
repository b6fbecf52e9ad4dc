import { expect, test } from 'vitest';
import { Breaker } from './breaker.ts';

function setUp() {
  let now = 0;
  const changes: string[] = [];
  const breaker = new Breaker({
    now: () => now,
    onChange: (state, code) => changes.push(code === undefined ? state : `${state}: ${code}`),
  });
  const fail = (times: number) => {
    for (let index = 0; index < times; index++) breaker.failed(breaker.enter(), 'timeout');
  };
  return {
    breaker,
    changes,
    fail,
    later: (ms: number) => {
      now += ms;
    },
  };
}

test('five failures in a row open it, four and a success do not', () => {
  const { breaker, changes, fail } = setUp();
  fail(4);
  breaker.succeeded('pass');
  fail(4);
  expect([breaker.enter(), changes]).toEqual(['pass', []]);
  fail(1);
  expect([breaker.enter(), changes]).toEqual(['skip', ['paused: timeout']]);
});

test('ten failures among the last twenty open it, though never two in a row', () => {
  const { breaker } = setUp();
  for (let index = 0; index < 9; index++) {
    breaker.failed('pass', 'timeout');
    breaker.succeeded('pass');
  }
  expect(breaker.working).toBe(true);
  breaker.failed('pass', 'timeout');
  expect(breaker.working).toBe(false);
});

test('failures that are long ago, in outcomes, are forgotten', () => {
  const { breaker } = setUp();
  for (let index = 0; index < 100; index++) {
    breaker.failed('pass', 'timeout');
    breaker.succeeded('pass');
    breaker.succeeded('pass');
  }
  expect(breaker.working).toBe(true);
});

test('after a pause one call at a time is let through; its success closes it', () => {
  const { breaker, changes, fail, later } = setUp();
  fail(5);
  later(999);
  expect(breaker.enter()).toBe('skip');
  later(1);
  expect([breaker.enter(), breaker.enter()]).toEqual(['probe', 'skip']);
  breaker.succeeded('probe');
  expect([breaker.enter(), changes]).toEqual(['pass', ['paused: timeout', 'working']]);
});

test('each failed probe doubles the pause, up to half a minute, and is no change of state', () => {
  const { breaker, changes, fail, later } = setUp();
  fail(5);
  later(1_000);
  const pauses: number[] = [];
  for (let round = 0; round < 7; round++) {
    expect(breaker.enter()).toBe('probe');
    breaker.failed('probe', 'timeout');
    let waited = 0;
    while (breaker.enter() !== 'probe') {
      later(1_000);
      waited += 1_000;
    }
    breaker.gaveUp('probe');
    pauses.push(waited);
  }
  expect(pauses).toEqual([2_000, 4_000, 8_000, 16_000, 30_000, 30_000, 30_000]);
  expect(changes).toEqual(['paused: timeout']);
});

test('what ends after the circuit opened, and is not the probe, changes nothing', () => {
  const { breaker, fail } = setUp();
  fail(5);
  breaker.succeeded('pass');
  breaker.failed('pass', 'timeout');
  expect(breaker.enter()).toBe('skip');
});

test('a probe that says nothing leaves the place to the next one', () => {
  const { breaker, fail, later } = setUp();
  fail(5);
  later(1_000);
  expect(breaker.enter()).toBe('probe');
  breaker.gaveUp('probe');
  expect(breaker.enter()).toBe('probe');
});

test('what fails again soon after it came back is left alone for longer; after a minute it starts over', () => {
  const { breaker, fail, later } = setUp();
  const pauseOf = () => {
    fail(5);
    let waited = 0;
    while (breaker.enter() !== 'probe') {
      later(500);
      waited += 500;
    }
    breaker.succeeded('probe');
    return waited;
  };
  expect([pauseOf(), pauseOf(), pauseOf()]).toEqual([1_000, 2_000, 4_000]);
  later(60_000);
  expect(pauseOf()).toBe(1_000);
});

test('it can be opened at once, for a time or until it is told otherwise', () => {
  const { breaker, changes, later } = setUp();
  breaker.pause('no-space', 30_000);
  later(29_999);
  expect(breaker.enter()).toBe('skip');
  later(1);
  expect(breaker.enter()).toBe('probe');
  breaker.succeeded('probe');
  breaker.pause('closed', Number.POSITIVE_INFINITY);
  later(10 ** 9);
  expect(breaker.enter()).toBe('skip');
  breaker.resume();
  expect([breaker.enter(), changes]).toEqual(['pass', ['paused: no-space', 'working', 'paused: closed', 'working']]);
});
