import { expect, onTestFinished, test, vi } from 'vitest';
import { capturedLog } from './loopback.fixture.ts';
import { RefusedConnections } from './refused-connections.ts';

const MINUTE_MS = 60_000;

function refusals() {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
  onTestFinished(() => void vi.useRealTimers());
  const { logger, lines } = capturedLog();
  const refused = new RefusedConnections(logger, 3);
  const told = () => lines.map(({ dropped, total, maxConnections }) => [dropped, total, maxConnections]);
  return { refused, told, lines };
}

test('the first is told at once, with the setting, and all further ones a minute later', () => {
  const { refused, told, lines } = refusals();
  for (let nth = 0; nth < 567; nth++) refused.add();
  expect(told()).toEqual([[1, 1, 3]]);
  expect(lines[0]?.msg).toContain('TINTYPE_MAX_CLIENTS');
  vi.advanceTimersByTime(MINUTE_MS);
  expect(told()).toEqual([
    [1, 1, 3],
    [566, 567, 3],
  ]);
});

test('after a minute without any the next one is told at once again, and nothing in between', () => {
  const { refused, told } = refusals();
  refused.add();
  vi.advanceTimersByTime(3 * MINUTE_MS);
  expect(told()).toEqual([[1, 1, 3]]);
  refused.add();
  expect(told()).toEqual([
    [1, 1, 3],
    [1, 2, 3],
  ]);
});

test('a stop tells what was not told yet, and nothing comes after it', () => {
  const { refused, told } = refusals();
  for (let nth = 0; nth < 5; nth++) refused.add();
  refused.close();
  expect(told()).toEqual([
    [1, 1, 3],
    [4, 5, 3],
  ]);
  expect(vi.getTimerCount()).toBe(0);
});
