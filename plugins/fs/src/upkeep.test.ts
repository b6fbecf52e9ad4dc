import { lstat, mkdir, readdir, readFile, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { debris, hit, k, openStorage, put, read } from '../test/harness.ts';

// What a storage does by itself, every ten seconds.
beforeEach(() => {
  vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval'] });
});

afterEach(() => {
  vi.useRealTimers();
});

const LONG_AGO = Date.now() / 1000 - 5_000;

/** The one storage's sign of life on `root`. */
async function beatOf(root: string): Promise<string> {
  const [id = ''] = await readdir(join(root, '@temp'));
  return join(root, '@temp', id, 'beat');
}

const silentFor = async (path: string) => Date.now() - (await lstat(path)).mtimeMs;

test('it gives a sign of life every 10 s, and none once it is closed', async () => {
  const storage = await openStorage();
  const beat = await beatOf(storage.root);
  await utimes(beat, LONG_AGO, LONG_AGO);
  vi.advanceTimersByTime(9_999);
  expect(await silentFor(beat)).toBeGreaterThan(1_000_000);
  vi.advanceTimersByTime(1);
  await expect.poll(() => silentFor(beat)).toBeLessThan(1_000_000);
  await storage.close();
  expect(vi.getTimerCount()).toBe(0);
});

test('it sweeps what died meanwhile, every 30 s', async () => {
  const storage = await openStorage();
  const dead = join(storage.root, '@temp', 'dead-process');
  await mkdir(dead);
  await writeFile(join(dead, '1'), 'half an entry');
  await utimes(dead, LONG_AGO, LONG_AGO);
  vi.advanceTimersByTime(30_000);
  await expect.poll(() => debris(storage.root)).toEqual([]);
});

test('a close waits for all that it has begun, also for what a later turn has overtaken', async () => {
  const storage = await openStorage();
  for (let n = 0; n < 100; n += 1) {
    const dead = join(storage.root, '@temp', `dead-process-${n}`);
    await mkdir(dead);
    await writeFile(join(dead, '1'), 'half an entry');
    await utimes(dead, LONG_AGO, LONG_AGO);
  }
  // The third turn buries the dead; the fourth has little to do.
  vi.advanceTimersByTime(40_000);
  await storage.close();
  expect(await readdir(join(storage.root, '@temp'))).toEqual([]);
});

test('it writes down what was used, every minute', async () => {
  const storage = await openStorage();
  await put(storage, 'a', 'x');
  const path = join(storage.root, 'a@');
  await utimes(path, LONG_AGO, LONG_AGO);
  hit(await storage.get(k('a'), undefined));
  vi.advanceTimersByTime(60_000);
  await expect.poll(() => silentFor(path)).toBeLessThan(1_000_000);
});

test('it hears what others have added, and sweeps when all together are above the cap', async () => {
  const one = await openStorage({ maxBytes: 20 * 4096 });
  await one.sweep();
  // The other has no cap of its own, so only the first can evict.
  const other = await openStorage({ root: one.root });
  for (let n = 0; n < 40; n += 1) await put(other, `k${n}`, 'x');
  const count = async () => (await readdir(one.root)).filter((name) => name.startsWith('k')).length;
  expect(await count()).toBe(40);
  vi.advanceTimersByTime(10_000);
  await expect.poll(() => lastAdded(one.root)).toBe(40 * 4096);
  vi.advanceTimersByTime(20_000);
  await expect.poll(count).toBeLessThanOrEqual(18);
  expect(await read(one, 'k-none')).toBeUndefined();
});

/** The most that any storage says to have added. */
async function lastAdded(root: string): Promise<number> {
  const ids = await readdir(join(root, '@temp'));
  const texts = await Promise.all(ids.map((id) => readFile(join(root, '@temp', id, 'beat'), 'utf8')));
  return Math.max(...texts.map((text) => Number(text.split(' ')[1])));
}
