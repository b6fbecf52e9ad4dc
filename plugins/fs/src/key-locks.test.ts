import { link, mkdir, readdir, rm, rmdir, utimes, writeFile } from 'node:fs/promises';
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

test.each([
  ['that names its owner', undefined],
  ['that a power failure has emptied', ''],
  ['that a power failure has filled with zeros', '\0'.repeat(40)],
  ['that says anything', 'a line of something else\n'],
])('a lock %s, who has left no folder, goes like any other of the dead', async (_what, content) => {
  const dead = await setUp();
  const never = new Promise<never>(() => undefined);
  for (const key of ['a', 'b']) void dead.locks.run(k(key), context, () => never);
  await expect.poll(dead.held).toHaveLength(2);
  const longAgo = Date.now() / 1000 - 31;
  if (content !== undefined) await writeFile(dead.temp.beatPath, content);
  await utimes(dead.temp.beatPath, longAgo, longAgo);
  await rm(dead.temp.path, { recursive: true });
  const living = [new TempFolder(dead.root), new TempFolder(dead.root)];
  for (const temp of living) await temp.open();
  onTestFinished(async () => void (await Promise.all(living.map((temp) => temp.close()))));
  let writing = 0;
  const work = async () => {
    expect(++writing).toBe(1);
    await new Promise((resolve) => setImmediate(resolve));
    writing--;
    return 'mine';
  };
  // Two waiters of each storage, so that some of them find the lock dead at the same time.
  const waiters = [...living, ...living].map((temp) => new KeyLocks(temp).run(k('a'), context, work));
  expect(await Promise.all(waiters)).toEqual(['mine', 'mine', 'mine', 'mine']);
  expect(await dead.held()).toEqual([]);
  const left = await Promise.all(living.map(({ path }) => readdir(path)));
  expect(left).toEqual([['beat'], ['beat']]);
});

test('many locks of the dead, who has left no folder, hold up nobody, however many wait for them', async () => {
  const dead = await setUp();
  const never = new Promise<never>(() => undefined);
  const keys = Array.from({ length: 50 }, (_, number) => k(`key-${number}`));
  for (const key of keys) void dead.locks.run(key, context, () => never);
  await expect.poll(dead.held).toHaveLength(50);
  const longAgo = Date.now() / 1000 - 31;
  await utimes(dead.temp.beatPath, longAgo, longAgo);
  await rm(dead.temp.path, { recursive: true });
  const living = Array.from({ length: 8 }, () => new TempFolder(dead.root));
  for (const temp of living) await temp.open();
  onTestFinished(async () => void (await Promise.all(living.map((temp) => temp.close()))));
  const done = await Promise.all(
    living.flatMap((temp) => {
      const locks = new KeyLocks(temp);
      return keys.map((key) => locks.run(key, context, async () => 'mine'));
    }),
  );
  expect(done).toHaveLength(8 * 50);
  expect(await dead.held()).toEqual([]);
});

test('a lock of the dead that another storage is about to take away is left to that one', async () => {
  const rig = await setUp();
  const other = new TempFolder(rig.root);
  await other.open();
  onTestFinished(() => other.close());
  const lock = join(rig.root, '@locks', 'of-the-dead');
  await writeFile(lock, '');
  const longAgo = Date.now() / 1000 - 31;
  await utimes(lock, longAgo, longAgo);
  // However deep: that one may have died meanwhile, and be buried by a third.
  const claim = join(other.path, 'dead-one', 'claim');
  await mkdir(join(other.path, 'dead-one'));
  await link(lock, claim);
  await rig.temp.sweepLock(lock);
  expect(await rig.held()).toEqual(['of-the-dead']);
  await rm(claim);
  const heldAfterSweep = async () => {
    await rig.temp.sweepLock(lock);
    return rig.held();
  };
  await expect.poll(heldAfterSweep).toEqual([]);
});

test('the lock of a living storage stays, whatever became of its folder', async () => {
  const rig = await setUp();
  const lock = join(rig.root, '@locks', 'of-the-living');
  await writeFile(lock, '');
  await rig.temp.sweepLock(lock);
  expect(await rig.held()).toEqual(['of-the-living']);
});
