import { expect, test } from 'vitest';
import { medianOf, quantile, type Sample, windowsOf } from './src/steady-load.ts';

const at = (moment: number, ms = 1): Sample => ({ kind: 'any', at: moment, ms });

test('samples are sorted into whole windows, and what lies outside of them is left out', () => {
  const samples = [at(9), at(10), at(19), at(20), at(39), at(40), at(45)];
  const windows = windowsOf(samples, 10, 45, 10);
  expect(windows.map((window) => window.map((sample) => sample.at))).toEqual([[10, 19], [20], [39]]);
});

test('one bad moment moves a median over windows little, and what is always there all of it', () => {
  const p99 = (window: readonly Sample[]) =>
    quantile(
      window.map(({ ms }) => ms),
      0.99,
    );
  const steady = Array.from({ length: 500 }, (_, nth) => at(nth, 10));
  const disturbed = steady.map((sample) => (sample.at < 100 ? { ...sample, ms: 900 } : sample));
  const slower = steady.map((sample) => ({ ...sample, ms: sample.ms + 7 }));
  const medians = [steady, disturbed, slower].map((samples) => medianOf(windowsOf(samples, 0, 500, 100), p99));
  expect(medians).toEqual([10, 10, 17]);
});
