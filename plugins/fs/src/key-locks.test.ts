import { mkdir, readdir, rm, rmdir, utimes } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { expect, onTestFinished, test, vi } from 'vitest';
import { context, k, temporaryFolder } from '../test/harness.ts';
import { KeyLocks } from './key-locks.ts';
import { TempFolder } from './temp-folder.ts';

async function setUp() {
  const root = await temporaryFolder();
  const temp = new TempFolder(root);
  await temp.open();
  return { root, temp, locks: new KeyLocks(temp), held: () => readdir(join(root, '@locks')) };
}

/** Holds a lock and cannot release it, because there is a folder in the way; gives it out of the way. */
async function stuck({ temp, locks }: Awaited<ReturnType<typeof setUp>>): Promise<() => Promise<void>> {
  const inTheWay = join(temp.path, String(Number(basename(temp.newPath())) + 1));
  const work = async () => {
    await mkdir(inTheWay);
    return 'done';
  };
  expect(await locks.run(k('a'), context, work)).toBe('done');
  return () => rmdir(inTheWay);
}

test('a lock that cannot be released changes nothing of what was done, and is released later', async () => {
  const rig = await setUp();
  const clear = await stuck(rig);
  expect(await rig.held()).toHaveLength(1);
  expect(await rig.locks.retryReleases()).toBe(false);
  await clear();
  expect(await rig.locks.retryReleases()).toBe(true);
  expect(await rig.held()).toEqual([]);
});

test('or at once, by the next that writes the key', async () => {
  const rig = await setUp();
  const clear = await stuck(rig);
  await clear();
  expect(await rig.locks.run(k('a'), context, async () => 'next')).toBe('next');
  expect(await rig.held()).toEqual([]);
});

test('a lock of the dead is found by the clock of the disk, however wrong that of the machine is', async () => {
  const dead = await setUp();
  const never = new Promise<never>(() => undefined);
  void dead.locks.run(k('a'), context, () => never);
  await expect.poll(dead.held).toHaveLength(1);
  const longAgo = Date.now() / 1000 - 31;
  await utimes(dead.temp.beatPath, longAgo, longAgo);
  const temp = new TempFolder(dead.root);
  await temp.open();
  onTestFinished(() => temp.close());
  // The sweep of `open` has taken it; another of the dead comes after it.
  const late = new TempFolder(dead.root);
  await late.open();
  void new KeyLocks(late).run(k('b'), context, () => never);
  await expect.poll(dead.held).toHaveLength(1);
  await utimes(late.beatPath, longAgo, longAgo);
  const wrong = Date.now() - 3_600_000;
  vi.spyOn(Date, 'now').mockReturnValue(wrong);
  onTestFinished(() => void vi.restoreAllMocks());
  expect(await new KeyLocks(temp).run(k('b'), context, async () => 'mine')).toBe('mine');
});

test('a lock whose owner has left no folder goes like any other of the dead', async () => {
  const dead = await setUp();
  void dead.locks.run(k('a'), context, () => new Promise<never>(() => undefined));
  await expect.poll(dead.held).toHaveLength(1);
  const longAgo = Date.now() / 1000 - 31;
  await utimes(dead.temp.beatPath, longAgo, longAgo);
  await rm(dead.temp.path, { recursive: true });
  const temp = new TempFolder(dead.root);
  await temp.open();
  onTestFinished(() => temp.close());
  const two = [new KeyLocks(temp), new KeyLocks(temp)];
  let writing = 0;
  const work = async () => {
    expect(++writing).toBe(1);
    await new Promise((resolve) => setImmediate(resolve));
    writing--;
    return 'mine';
  };
  expect(await Promise.all(two.map((locks) => locks.run(k('a'), context, work)))).toEqual(['mine', 'mine']);
  expect(await dead.held()).toEqual([]);
  expect(await readdir(join(dead.root, '@temp'))).toEqual([basename(temp.path)]);
});
