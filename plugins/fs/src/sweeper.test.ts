import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdir, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Worker } from 'node:worker_threads';
import { expect, onTestFinished, test, vi } from 'vitest';
import { temporaryFolder } from '../test/harness.ts';
import type { SweepTask } from './sweep.ts';
import { Sweeper } from './sweeper.ts';

const THREAD = new URL('./sweep-thread.ts', import.meta.url);
const { signal: never } = new AbortController();

/** What a thread does with each task, in words that an evaluated thread understands. */
const threadThat = (does: string) => () =>
  new Worker(`require('node:worker_threads').parentPort.on('message', (task) => { ${does} })`, { eval: true });

/** A sweeper whose threads rest longer than any test takes, unless told otherwise, and the threads that it has started. */
function watched(
  start = () => new Worker(THREAD),
  rest: { readonly restMs?: number } = { restMs: 3_600_000 },
): { readonly sweeper: Sweeper; readonly threads: readonly Worker[] } {
  const threads: Worker[] = [];
  const sweeper = new Sweeper({
    ...rest,
    start: () => {
      const thread = start();
      threads.push(thread);
      return thread;
    },
  });
  onTestFinished(() => sweeper.close());
  return { sweeper, threads };
}

/** Counts what lies in `root`. */
const counting = (root: string): SweepTask => ({ root, maxBytes: 0, full: false, now: Date.now() });

/** Has no thread any more. */
const ENDED = -1;

test('sweeps one after another are run by one thread, each with its own outcome', async () => {
  const root = await temporaryFolder();
  const { sweeper, threads } = watched();
  for (const name of ['a@', 'b@', 'c@']) {
    await writeFile(join(root, name), 'x');
    const { bytes } = await sweeper.sweep(counting(root), never);
    expect(bytes).toBe((name.charCodeAt(0) - 96) * 4096);
  }
  expect(threads).toHaveLength(1);
  const [thread] = threads;
  expect(['message', 'error', 'exit'].map((event) => thread?.listenerCount(event))).toEqual([1, 1, 1]);
});

test('entries are as old as they are when the sweep begins, not when it was asked for', async () => {
  const root = await temporaryFolder();
  const { sweeper } = watched();
  for (const [name, seconds] of [
    ['old@', 1_000],
    ['new@', 0],
    ['older@', 2_000],
  ] as const) {
    await writeFile(join(root, name), 'x');
    await utimes(join(root, name), Date.now() / 1_000 - seconds, Date.now() / 1_000 - seconds);
  }
  // By this clock all of them would be of one age.
  const longAgo = { ...counting(root), maxBytes: 2 * 4096, now: 0 };
  await sweeper.sweep(longAgo, never);
  expect(await readdir(root)).toEqual(['new@']);
});

test('a sweep that fails tells the code, and the next one is run by the same thread', async () => {
  const root = await temporaryFolder();
  const { sweeper, threads } = watched();
  await writeFile(join(root, 'file'), 'no folder');
  await expect(sweeper.sweep(counting(join(root, 'file')), never)).rejects.toMatchObject({ code: 'ENOTDIR' });
  expect(await sweeper.sweep(counting(root), never)).toMatchObject({ evicted: 0 });
  expect(threads).toHaveLength(1);
});

test('sweeps at the same time have a thread each, of which one rests', async () => {
  const root = await temporaryFolder();
  const { sweeper, threads } = watched();
  await Promise.all([1, 2].map(() => sweeper.sweep(counting(root), never)));
  expect(threads).toHaveLength(2);
  await expect.poll(() => threads.filter(({ threadId }) => threadId === ENDED)).toHaveLength(1);
  await sweeper.sweep(counting(root), never);
  expect(threads).toHaveLength(2);
});

test('a thread that has rested long enough ends, and the next sweep starts another', async () => {
  const root = await temporaryFolder();
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
  onTestFinished(() => void vi.useRealTimers());
  const { sweeper, threads } = watched(undefined, {});
  await sweeper.sweep(counting(root), never);
  vi.advanceTimersByTime(9_000);
  await sweeper.sweep(counting(root), never);
  vi.advanceTimersByTime(9_000);
  const [thread] = threads;
  expect([threads.length, thread?.threadId]).not.toContain(ENDED);
  const ended = thread && once(thread, 'exit');
  vi.advanceTimersByTime(1_000);
  await ended;
  await sweeper.sweep(counting(root), never);
  expect(threads).toHaveLength(2);
});

test.each(['and has said so', 'and could not say so yet'])(
  'a thread that dies between two sweeps, %s, is replaced',
  async (when) => {
    const root = await temporaryFolder();
    const { sweeper, threads } = watched();
    await sweeper.sweep(counting(root), never);
    const death = threads[0]?.terminate();
    if (when === 'and has said so') await death;
    expect(await sweeper.sweep(counting(root), never)).toMatchObject({ bytes: 0 });
    expect(threads).toHaveLength(2);
  },
);

test('an error of a thread that rests ends nothing but the thread', async () => {
  const { sweeper, threads } = watched(
    threadThat(`
      if (task === 'fail') throw new Error('out of order');
      require('node:worker_threads').parentPort.postMessage({ outcome: task.maxBytes })`),
  );
  expect(await sweeper.sweep({ ...counting('/'), maxBytes: 1 }, never)).toBe(1);
  const ended = Promise.withResolvers<number>();
  threads[0]?.once('exit', ended.resolve);
  threads[0]?.postMessage('fail');
  expect(await ended.promise).toBe(1);
  expect(await sweeper.sweep({ ...counting('/'), maxBytes: 2 }, never)).toBe(2);
  expect(threads).toHaveLength(2);
});

test('a thread that dies while it sweeps is told, and the next sweep starts another', async () => {
  const { sweeper, threads } = watched(threadThat('process.exit(1)'));
  await expect(sweeper.sweep(counting('/'), never)).rejects.toThrow('ended early');
  const failing = watched(threadThat(`throw new Error('out of order')`));
  await expect(failing.sweeper.sweep(counting('/'), never)).rejects.toThrow('out of order');
  await expect(sweeper.sweep(counting('/'), never)).rejects.toThrow('ended early');
  expect(threads).toHaveLength(2);
});

test('an abort ends a thread that sweeps, whatever it does, and nothing is left to close', async () => {
  const { sweeper, threads } = watched(threadThat('for (;;);'));
  const abort = new AbortController();
  const swept = sweeper.sweep(counting('/'), abort.signal);
  await once(threads[0] ?? new Worker(''), 'online');
  abort.abort(new Error('no longer wanted'));
  await expect(swept).rejects.toThrow('no longer wanted');
  expect(threads.map(({ threadId }) => threadId)).toEqual([ENDED]);
  await sweeper.close();
  await expect(sweeper.sweep(counting('/'), abort.signal)).rejects.toThrow('no longer wanted');
  expect(threads).toHaveLength(1);
});

test('an abort that comes after the sweep leaves the thread alone, and a close ends it', async () => {
  const root = await temporaryFolder();
  const { sweeper, threads } = watched();
  const abort = new AbortController();
  await sweeper.sweep(counting(root), abort.signal);
  abort.abort();
  await sweeper.sweep(counting(root), never);
  expect(threads).toHaveLength(1);
  await sweeper.close();
  expect(threads.map(({ threadId }) => threadId)).toEqual([ENDED]);
});

test('a thread that rests keeps no process alive, however long it would rest', async () => {
  const root = await temporaryFolder();
  const script = `
    import { Sweeper } from ${JSON.stringify(new URL('./sweeper.ts', import.meta.url).href)};
    const task = ${JSON.stringify(counting(root))};
    const { bytes } = await new Sweeper({ restMs: 1e9 }).sweep(task, new AbortController().signal);
    console.log(bytes);`;
  const child = spawn(process.execPath, ['--input-type=module', '--eval', script], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  onTestFinished(() => void child.kill('SIGKILL'));
  const [said, [code]] = await Promise.all([child.stdout.toArray(), once(child, 'exit')]);
  expect([String(said), code]).toEqual(['0\n', 0]);
});
