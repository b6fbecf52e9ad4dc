import { link, lstat, mkdir, readdir, rm, unlink, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { failing, keysOf, openStorage, put, putPatiently, temporaryFolder } from '../test/harness.ts';
import { CountedSpace } from './counted-space.ts';
import { Eviction } from './eviction.ts';
import { KeyLocks } from './key-locks.ts';
import { TempFolder } from './temp-folder.ts';
import { Upkeep } from './upkeep.ts';

const BLOCK = 4096;

/** Disk space of all entries in the root. */
async function spaceOf(root: string): Promise<number> {
  let space = 0;
  for (const name of await readdir(root)) {
    const stats = name.endsWith('@') ? await lstat(join(root, name)).catch(() => undefined) : undefined;
    space += (stats?.blocks ?? 0) * 512;
  }
  return space;
}

/** Makes it the turn of `temp`, once that of a storage in the background is over. */
async function takeTurn({ beatPath, turnPath }: TempFolder): Promise<void> {
  const taken = () =>
    link(beatPath, turnPath).then(
      () => true,
      () => false,
    );
  await expect.poll(taken).toBe(true);
}

/** Another storage on `root`, of which only what others see is there. */
async function neighbour(root: string): Promise<TempFolder> {
  const temp = new TempFolder(root);
  await temp.open();
  return temp;
}

test('two that write without pause never have more than 110 % of the cap on the disk', async () => {
  const cap = 1_000 * BLOCK;
  const one = await openStorage({ maxBytes: cap });
  const storages = [one, await openStorage({ root: one.root, maxBytes: cap })];
  await Promise.all(storages.map((storage) => storage.sweep()));
  const body = 'x'.repeat(5 * BLOCK - 500);
  let largest = 0;
  const writers = storages.map(async (storage, at) => {
    for (let n = 0; n < 200; n += 1) {
      await putPatiently(storage, `k${at}-${n}`, body);
      largest = Math.max(largest, await spaceOf(one.root));
    }
  });
  await Promise.all(writers);
  expect(largest).toBeGreaterThan(cap * 0.9);
  expect(largest).toBeLessThanOrEqual(cap * 1.1);
}, 180_000);

test('while another storage sweeps it does not; beyond the cap writes are refused and reads go on', async () => {
  const roomy = await openStorage();
  const storage = await openStorage({ root: roomy.root, maxBytes: 10 * BLOCK });
  await storage.sweep();
  const other = await neighbour(storage.root);
  // It lives, however long this takes.
  const later = Date.now() / 1000 + 3_600;
  await utimes(other.beatPath, later, later);
  await takeTurn(other);
  for (let n = 0; n < 10; n += 1) await put(storage, `k${n}`, 'x');
  await put(storage, 'more', 'x');
  await expect(put(storage, 'too-much', 'x')).rejects.toMatchObject({
    ...failing('no-space'),
    retryable: false,
    message: expect.stringContaining('MAX_BYTES'),
  });
  expect(await keysOf(storage)).toHaveLength(11);
  // It sweeps as soon as nobody else does.
  await unlink(other.turnPath);
  await putPatiently(storage, 'now', 'x');
  expect((await keysOf(storage)).length).toBeLessThanOrEqual(10);
});

test('what another storage has counted needs no sweep of its own', async () => {
  const root = await temporaryFolder();
  const [mine, theirs] = [await neighbour(root), await neighbour(root)];
  const eviction = new Eviction(root, 10 * BLOCK, mine);
  await link(theirs.beatPath, theirs.turnPath);
  const kept = eviction.keepCap();
  expect(eviction.counted).toBe(false);
  theirs.note(3 * BLOCK);
  await new CountedSpace(root, theirs).publish(2 * BLOCK, new Map());
  await theirs.beat();
  await kept;
  // What it heard of the other may be older than the count.
  await eviction.exchange();
  expect([eviction.due, eviction.estimate, eviction.evicted]).toEqual([false, 5 * BLOCK, 0]);
  await eviction.close();
});

test('the turn of a storage that is silent is taken over', async () => {
  const storage = await openStorage({ maxBytes: 10 * BLOCK });
  await storage.sweep();
  const other = await neighbour(storage.root);
  await takeTurn(other);
  const longAgo = Date.now() / 1000 - 31;
  await utimes(other.beatPath, longAgo, longAgo);
  for (let n = 0; n < 12; n += 1) await putPatiently(storage, `k${n}`, 'x');
  await expect.poll(async () => (await keysOf(storage)).length).toBeLessThanOrEqual(10);
  await expect.poll(() => lstat(other.turnPath).catch(() => 'released')).toBe('released');
});

test('a storage begins with what was counted before, so that it holds back from its first write', async () => {
  const before = await openStorage({ maxBytes: 10 * BLOCK });
  for (let n = 0; n < 10; n += 1) await put(before, `k${n}`, 'x');
  await before.sweep();
  const { bytes } = before.usage();
  await before.close();
  const temp = await neighbour(before.root);
  const eviction = new Eviction(before.root, 8 * BLOCK, temp);
  await eviction.open();
  expect([eviction.estimate, eviction.overfull, eviction.due]).toEqual([bytes, true, true]);
});

test('additions of a storage that was taken for dead, and goes on, are counted once', async () => {
  const root = await temporaryFolder();
  const [sleeper, other] = [await neighbour(root), await neighbour(root)];
  sleeper.note(5 * BLOCK);
  await sleeper.beat();
  const longAgo = Date.now() / 1000 - 31;
  await utimes(sleeper.beatPath, longAgo, longAgo);
  await other.sweep();
  await sleeper.beat();
  sleeper.note(BLOCK);
  await sleeper.beat();
  await other.exchange();
  expect([sleeper.addedSince(new Map()), other.addedSince(new Map())]).toEqual([6 * BLOCK, 6 * BLOCK]);
});

test('a damaged count is no count', async () => {
  const root = await temporaryFolder();
  const temp = await neighbour(root);
  const space = new CountedSpace(root, temp);
  await space.publish(BLOCK, new Map());
  await writeFile(join(root, '@counted'), '{"bytes":');
  expect([await space.look(), space.estimate]).toEqual([false, BLOCK]);
});

test('a sweep that fails leaves what was counted, is not tried at once again, and shows in the check', async () => {
  const temp = await neighbour(await temporaryFolder());
  const root = join(await temporaryFolder(), 'cache');
  await mkdir(root);
  await new CountedSpace(root, temp).publish(9 * BLOCK, new Map());
  const eviction = new Eviction(root, 10 * BLOCK, temp);
  await eviction.open();
  await rm(root, { recursive: true });
  await writeFile(root, 'no folder');
  temp.note(2 * BLOCK);
  expect(eviction.due).toBe(true);
  await expect(eviction.keepCap()).rejects.toMatchObject({ code: 'ENOTDIR' });
  expect([eviction.estimate, eviction.overfull, eviction.due]).toEqual([11 * BLOCK, true, false]);
  const upkeep = new Upkeep(temp, new KeyLocks(temp), eviction);
  expect(await upkeep.capProblem()).toMatch(/^The cap does not hold: .*ENOTDIR/);
  await rm(root);
  await mkdir(root);
  await eviction.sweep();
  expect([eviction.estimate, eviction.overfull, await upkeep.capProblem()]).toEqual([0, false, undefined]);
});

describe('a sweep for a full disk that made no room is not tried again at once', () => {
  /** An entry, which the next such sweep would remove. */
  async function entryIn(root: string): Promise<string> {
    const path = join(root, 'a@');
    await writeFile(path, 'x');
    return path;
  }

  test('where there was nothing to remove', async () => {
    const root = await temporaryFolder();
    const eviction = new Eviction(root, 0, await neighbour(root));
    await eviction.makeRoom();
    const entry = await entryIn(root);
    await eviction.makeRoom();
    expect((await lstat(entry)).size).toBe(1);
    // What an operator or the cap asks for is done.
    await eviction.sweep(true);
    await expect(lstat(entry)).rejects.toMatchObject({ code: 'ENOENT' });
  });

  test('where it failed; but the cap is kept as soon as it can be', async () => {
    const temp = await neighbour(await temporaryFolder());
    const root = join(await temporaryFolder(), 'cache');
    await writeFile(root, 'no folder');
    const eviction = new Eviction(root, 10 * BLOCK, temp);
    await expect(eviction.makeRoom()).rejects.toMatchObject({ code: 'ENOTDIR' });
    await rm(root);
    await mkdir(root);
    const entry = await entryIn(root);
    await eviction.makeRoom();
    expect([(await lstat(entry)).size, eviction.due]).toEqual([1, true]);
    await eviction.keepCap();
    expect([eviction.due, eviction.failure]).toEqual([false, undefined]);
  });
});

test('if no sweep ever counted, what was added in this run holds the cap', async () => {
  const temp = await neighbour(await temporaryFolder());
  const root = join(await temporaryFolder(), 'file');
  await writeFile(root, 'no folder');
  const eviction = new Eviction(root, 10 * BLOCK, temp);
  temp.note(6 * BLOCK);
  await expect(eviction.sweep()).rejects.toMatchObject({ code: 'ENOTDIR' });
  temp.note(6 * BLOCK);
  await expect(eviction.sweep()).rejects.toMatchObject({ code: 'ENOTDIR' });
  expect([eviction.estimate, eviction.overfull]).toEqual([12 * BLOCK, true]);
});

test('what the dead added is not counted again by those that did not sweep', async () => {
  const root = await temporaryFolder();
  const [sweeper, other, dead] = [await neighbour(root), await neighbour(root), await neighbour(root)];
  const [counting, space] = [new CountedSpace(root, sweeper), new CountedSpace(root, other)];
  dead.note(5 * BLOCK);
  await dead.beat();
  for (const temp of [sweeper, other]) await temp.exchange();
  await dead.close();
  // The first count after the death tells up to where the dead one is in it; the second knows it no more.
  for (const name of ['first', 'second']) {
    await sweeper.exchange();
    await counting.publish(7 * BLOCK, sweeper.additions());
    await other.exchange();
    expect([await space.look(), space.estimate], name).toEqual([true, 7 * BLOCK]);
  }
});

test('a count that can not be read keeps no storage from opening, sweeping and closing', async () => {
  const root = await temporaryFolder();
  await mkdir(join(root, '@counted'));
  const storage = await openStorage({ root, maxBytes: 10 * BLOCK });
  await put(storage, 'a', 'x');
  await storage.sweep();
  expect([storage.usage().bytes, await keysOf(storage)]).toEqual([BLOCK, ['a']]);
  await storage.close();
});

test('a storage that was taken for dead while there is too much sweeps at once', async () => {
  const root = await temporaryFolder();
  const temp = await neighbour(root);
  const eviction = new Eviction(root, 10 * BLOCK, temp);
  await eviction.sweep();
  temp.note(12 * BLOCK);
  await rm(temp.path, { recursive: true });
  expect(eviction.overfull).toBe(true);
  await eviction.keepCap();
  expect([eviction.overfull, eviction.due]).toEqual([false, false]);
});

test('without a cap a storage tells no bytes: what was counted under an earlier one is never corrected', async () => {
  const capped = await openStorage({ maxBytes: 10 * BLOCK });
  await put(capped, 'a', 'x');
  await capped.sweep();
  expect(capped.usage().bytes).toBe(BLOCK);
  await capped.close();
  expect((await openStorage({ root: capped.root })).usage().bytes).toBeUndefined();
});
