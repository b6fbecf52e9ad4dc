import { AsyncLocalStorage } from 'node:async_hooks';

/** Counts what a test has looked at, so that one which looked at nothing cannot pass. */
interface Counter {
  count: number;
}

const counters = new AsyncLocalStorage<Counter>();

/** A test calls it, mostly through `expect`, each time it has compared what is with what should be. */
export function asserted(): void {
  const counter = counters.getStore();
  if (counter !== undefined) counter.count++;
}

/** Runs a test. @returns how often it has asserted something. */
export async function countingAssertions(test: () => Promise<void>): Promise<number> {
  const counter: Counter = { count: 0 };
  await counters.run(counter, test);
  return counter.count;
}

/** Runs a step that a test presupposes: what is compared in it is not what the test is about. */
export function withoutCounting<T>(step: () => Promise<T>): Promise<T> {
  return counters.run({ count: 0 }, step);
}
