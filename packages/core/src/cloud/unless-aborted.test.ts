import { expect, test } from 'vitest';
import { unlessAborted } from './unless-aborted.ts';

/** Whether a rejection without a listener is told of until all that is due has happened. */
async function unheard(work: () => Promise<unknown>): Promise<readonly unknown[]> {
  const told: unknown[] = [];
  const listeners = process.listeners('unhandledRejection');
  process.removeAllListeners('unhandledRejection').on('unhandledRejection', (reason) => told.push(reason));
  try {
    await work();
    for (let turn = 0; turn < 3; turn++) await new Promise((resolve) => setImmediate(resolve));
    return told;
  } finally {
    process.removeAllListeners('unhandledRejection');
    for (const listener of listeners) process.on('unhandledRejection', listener);
  }
}

test('what is given up before it is waited for may fail unheard', async () => {
  const told = await unheard(async () => {
    const work = Promise.withResolvers<never>();
    const reason = new Error('gone');
    await expect(unlessAborted(work.promise, AbortSignal.abort(reason))).rejects.toBe(reason);
    work.reject(new Error('no login'));
  });
  expect(told).toEqual([]);
});

test('waiting ends when it is given up, and the work goes on', async () => {
  const told = await unheard(async () => {
    const work = Promise.withResolvers<string>();
    const controller = new AbortController();
    const [given, kept] = [
      unlessAborted(work.promise, controller.signal),
      unlessAborted(work.promise, new AbortController().signal),
    ];
    const reason = new Error('gone');
    controller.abort(reason);
    await expect(given).rejects.toBe(reason);
    work.resolve('done');
    expect(await kept).toBe('done');
  });
  expect(told).toEqual([]);
});
