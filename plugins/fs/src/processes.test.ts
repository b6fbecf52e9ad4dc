import { lstat, readdir, utimes } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { expect, test } from 'vitest';
import {
  context,
  debris,
  failing,
  hit,
  k,
  keysOf,
  meta,
  openStorage,
  put,
  read,
  startWriter,
  streamed,
  temporaryFolder,
  withoutUpkeep,
} from '../test/harness.ts';
import { KeyLocks } from './key-locks.ts';
import { TempFolder } from './temp-folder.ts';

/** Makes every storage on `root` look silent for so many seconds; 31 are more than is allowed. */
async function silence(root: string, seconds = 31): Promise<void> {
  for (const id of await readdir(join(root, '@temp'))) {
    const at = Date.now() / 1000 - seconds;
    await utimes(join(root, '@temp', id, 'beat'), at, at);
  }
}

test('30 kills in the midst of puts: every entry is whole, and the debris is swept', { timeout: 180_000 }, async () => {
  const root = await temporaryFolder();
  const keys = Array.from({ length: 5 }, (_, n) => `v1/key-${n}`);
  let killed = 0;
  for (let round = 0; round < 6; round += 1) {
    const writers = [0, 1, 2, 3, 4].map((n) => startWriter('overwrite', root, 0, round * 7 + n));
    await Promise.all(writers.map((writer) => writer.hears('ready')));
    await sleep(20 + round * 15);
    await Promise.all(writers.map((writer) => writer.kill()));
    killed += writers.length;
    await silence(root);
    const storage = await openStorage({ root });
    for (const key of keys) {
      const outcome = await storage.get(k(key), undefined);
      if (outcome === undefined) continue;
      const { body, metadata } = hit(outcome);
      const text = Buffer.from(await body.bytes()).toString();
      expect(metadata.encoded).toBe(`${text[0]}${text.length}`);
    }
    for (const key of await keysOf(storage)) expect(keys).toContain(key);
    expect(await debris(root)).toEqual([]);
    expect(await readdir(join(root, '@locks'))).toEqual([]);
    // The locks of the dead hold up nobody.
    for (const key of keys) await put(storage, key, 'a'.repeat(100), 'a100');
    await storage.close();
  }
  expect(killed).toBe(30);
});

test('three processes count to 75 by compare-and-swap', { timeout: 180_000 }, async () => {
  const storage = await openStorage();
  await put(storage, 'counter', '0');
  const codes = await Promise.all([1, 2, 3].map((n) => startWriter('count', storage.root, 0, n).exited));
  expect(codes).toEqual([0, 0, 0]);
  expect(await read(storage, 'counter')).toBe('75');
});

test('two processes that fill one folder keep the cap', { timeout: 180_000 }, async () => {
  const root = await temporaryFolder();
  const cap = 1_500_000;
  const codes = await Promise.all([1, 2].map((n) => startWriter('fill', root, cap, n).exited));
  expect(codes).toEqual([0, 0]);
  const storage = await openStorage({ root });
  let space = 0;
  for (const entry of await readdir(join(root, 'fill'), { withFileTypes: true })) {
    space += (await lstat(join(root, 'fill', entry.name))).blocks * 512;
  }
  expect(space).toBeLessThanOrEqual(cap * 1.1);
  expect(space).toBeGreaterThan(cap * 0.6);
  expect((await keysOf(storage)).length).toBeGreaterThan(40);
});

test('the files of a living process are left alone, those of a dead one go', async () => {
  const storage = await openStorage();
  const writer = startWriter('hang', storage.root);
  await writer.hears('begun');
  await (await openStorage({ root: storage.root })).close();
  expect(await debris(storage.root)).toHaveLength(1);
  await writer.kill();
  await silence(storage.root, 0);
  await (await openStorage({ root: storage.root })).close();
  expect(await debris(storage.root), 'dead, but not silent for 30 s').toHaveLength(1);
  await silence(storage.root);
  await openStorage({ root: storage.root });
  expect(await debris(storage.root)).toEqual([]);
});

test('a storage that was taken for dead cannot finish its write, and goes on with the next', async () => {
  // A sign of life in the midst of it would wake it.
  withoutUpkeep();
  const sleeper = await openStorage();
  await put(sleeper, 'a', 'old');
  const gate = Promise.withResolvers<void>();
  const begun = Promise.withResolvers<void>();
  const body = streamed(async function* () {
    yield Buffer.from('late');
    begun.resolve();
    await gate.promise;
  });
  const writing = sleeper.put(k('a'), body, meta(), undefined, context);
  await begun.promise;
  await silence(sleeper.root);
  const other = await openStorage({ root: sleeper.root });
  await put(other, 'a', 'other');
  gate.resolve();
  await expect(writing).rejects.toMatchObject({ ...failing('conflict'), retryable: true });
  expect(await read(sleeper, 'a')).toBe('other');
  await put(sleeper, 'a', 'again');
  await sleeper.delete(k('a'), undefined, context);
  expect(await read(other, 'a')).toBeUndefined();
});

test('a lock of the dead is broken by whoever waits for it', async () => {
  const dead = await openStorage();
  const waiting = await openStorage({ root: dead.root });
  await put(dead, 'a', 'old');
  // A lock as `dead` would leave it: caught by the test in the midst of a commit.
  const temp = new TempFolder(dead.root);
  await temp.open();
  const held = Promise.withResolvers<void>();
  const holding = new KeyLocks(temp).run(k('a'), context, () => held.promise);
  await expect.poll(() => readdir(join(dead.root, '@locks'))).toHaveLength(1);
  const longAgo = Date.now() / 1000 - 3_600;
  const abort = new AbortController();
  const impatient = waiting.delete(k('a'), undefined, { signal: abort.signal });
  const reason = new Error('enough');
  abort.abort(reason);
  await expect(impatient).rejects.toBe(reason);
  await utimes(temp.beatPath, longAgo, longAgo);
  await put(waiting, 'a', 'new');
  const another = put(waiting, 'a', 'newer');
  held.resolve();
  await holding;
  await another;
  expect(await read(waiting, 'a')).toBe('newer');
  expect(await readdir(join(dead.root, '@locks'))).toEqual([]);
});

test('an opened storage alone keeps no process alive', async () => {
  expect(await startWriter('idle', await temporaryFolder(), 1_000_000).exited).toBe(0);
});
