import { copyFile, lstat, readdir, utimes } from 'node:fs/promises';
import { join } from 'node:path';
import { Worker } from 'node:worker_threads';
import { describe, expect, onTestFinished, test, vi } from 'vitest';
import {
  context,
  failing,
  hit,
  k,
  keysOf,
  openStorage,
  put,
  putPatiently,
  read,
  temporaryFolder,
} from '../test/harness.ts';
import { Eviction } from './eviction.ts';
import { entryPath } from './key-path.ts';
import { type SweepOutcome, sweepFolder } from './sweep.ts';
import { Sweeper } from './sweeper.ts';
import { TempFolder } from './temp-folder.ts';

const { before } = vi.hoisted(() => ({ before: { unlink: () => {} } }));

// No other way leads to the moment between a sweep's two walks.
vi.mock('node:fs', async (importOriginal) => {
  const actual = await importOriginal<typeof import('node:fs')>();
  const unlinkSync = (path: string) => {
    before.unlink();
    actual.unlinkSync(path);
  };
  return { ...actual, unlinkSync };
});

const BLOCK = 4096;

/** One moment for all ages, or those set before a pause would be of another class than those set after it. */
const NOW = Date.now();

/** Marks `key` as last used so many seconds ago. */
async function age(root: string, key: string, seconds: number): Promise<void> {
  const at = NOW / 1000 - seconds;
  await utimes(join(root, entryPath(k(key))), at, at);
}

/** Ten entries of one block each, `k0` used longest ago. */
async function fill(storage: Awaited<ReturnType<typeof openStorage>>): Promise<void> {
  for (let n = 0; n < 10; n += 1) {
    await put(storage, `k${n}`, 'x');
    await age(storage.root, `k${n}`, 1_000 - n * 100);
  }
}

describe('a sweep', () => {
  test('counts whole blocks and goes down to nine tenths of the cap, longest unused first', async () => {
    const roomy = await openStorage();
    await fill(roomy);
    const storage = await openStorage({ root: roomy.root, maxBytes: 8 * BLOCK });
    await storage.sweep();
    // 10 blocks are more than 8; 7 are the most that 90 % of 8 hold.
    expect(await keysOf(storage)).toEqual(['k3', 'k4', 'k5', 'k6', 'k7', 'k8', 'k9']);
  });

  test('leaves everything alone up to the cap, and without one', async () => {
    const unbounded = await openStorage();
    await fill(unbounded);
    await unbounded.sweep();
    const storage = await openStorage({ root: unbounded.root, maxBytes: 10 * BLOCK });
    await storage.sweep();
    expect(await keysOf(storage)).toHaveLength(10);
  });

  test('spares what was read since, also by a storage that was closed before', async () => {
    const reader = await openStorage();
    await fill(reader);
    expect(await read(reader, 'k0')).toBe('x');
    await reader.close();
    const storage = await openStorage({ root: reader.root, maxBytes: 10 * BLOCK });
    await storage.sweep();
    expect(await read(storage, 'k1')).toBe('x');
    // One too many, of which it does not know before it is told to sweep.
    await copyFile(join(storage.root, 'k9@'), join(storage.root, 'k10@'));
    await storage.sweep();
    expect(await readdir(storage.root)).toEqual(expect.arrayContaining(['k0@', 'k1@', 'k4@', 'k9@', 'k10@']));
    expect(await readdir(storage.root)).not.toEqual(expect.arrayContaining([expect.stringMatching(/^k[23]@/)]));
  });

  test('takes of entries of one age only as many as needed', async () => {
    const roomy = await openStorage();
    for (let n = 0; n < 40; n += 1) {
      await put(roomy, `k${n}`, 'x');
      await age(roomy.root, `k${n}`, 500);
    }
    const storage = await openStorage({ root: roomy.root, maxBytes: 30 * BLOCK });
    await storage.sweep();
    expect(await keysOf(storage)).toHaveLength(27);
  });

  test('counts folders, and removes those that it emptied', async () => {
    const roomy = await openStorage();
    for (let n = 0; n < 10; n += 1) {
      await put(roomy, `v1/source-${n}/variant`, 'x'.repeat(30_000));
      await age(roomy.root, `v1/source-${n}/variant`, 1_000 - n * 100);
    }
    const storage = await openStorage({ root: roomy.root, maxBytes: 150_000 });
    await storage.sweep();
    const folders = await readdir(join(storage.root, 'v1'));
    expect(folders).toEqual((await keysOf(storage)).map((key) => key.split('/')[1]));
    expect(folders.length).toBeGreaterThanOrEqual(2);
    expect(folders.length).toBeLessThanOrEqual(4);
  });

  test('runs by itself when puts go beyond the cap', async () => {
    const storage = await openStorage({ maxBytes: 20 * BLOCK });
    await storage.sweep();
    for (let n = 0; n < 60; n += 1) await putPatiently(storage, `k${n}`, 'x');
    await expect.poll(async () => (await keysOf(storage)).length).toBeLessThanOrEqual(20);
    // So that the last is the youngest by far; some may be removed at this moment.
    for (const key of await keysOf(storage)) await age(storage.root, key, 1_000).catch(() => {});
    await putPatiently(storage, 'last', 'x');
    expect(await read(storage, 'last')).toBe('x');
  });

  test('runs at the start when a folder holds more than the cap', async () => {
    const roomy = await openStorage();
    await fill(roomy);
    const storage = await openStorage({ root: roomy.root, maxBytes: 5 * BLOCK });
    await expect.poll(() => keysOf(storage)).toEqual(['k6', 'k7', 'k8', 'k9']);
  });

  test('begins with no more when the storage is closed', async () => {
    const roomy = await openStorage();
    await fill(roomy);
    const storage = await openStorage({ root: roomy.root, maxBytes: BLOCK });
    await storage.close();
    const kept = (await keysOf(roomy)).length;
    await new Promise(setImmediate);
    expect(await keysOf(roomy)).toHaveLength(kept);
  });

  test('is given a moment when the storage is closed: it leaves no folder that it has emptied', async () => {
    const roomy = await openStorage();
    for (let n = 0; n < 60; n += 1) await put(roomy, `k${n}/of/a/folder`, 'x');
    const storage = await openStorage({ root: roomy.root, maxBytes: BLOCK });
    while ((await readdir(roomy.root)).filter((name) => name.startsWith('k')).length === 60)
      await new Promise(setImmediate);
    // However long it takes, that is the moment.
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
    onTestFinished(() => void vi.useRealTimers());
    await storage.close();
    const names = await readdir(roomy.root, { recursive: true, withFileTypes: true });
    const folders = names.filter((name) => name.isDirectory() && !`${name.parentPath}/${name.name}`.includes('@'));
    for (const { parentPath, name } of folders) {
      expect(await readdir(join(parentPath, name)), join(parentPath, name)).not.toEqual([]);
    }
    expect(await keysOf(roomy)).toEqual([]);
  });

  test('is broken off by a close if it takes longer than that', async () => {
    const begun = Promise.withResolvers<void>();
    const loop = "require('node:worker_threads').parentPort.on('message', () => { for (;;); })";
    const endless = new Sweeper({
      start() {
        begun.resolve();
        return new Worker(loop, { eval: true });
      },
    });
    const root = await temporaryFolder();
    const temp = new TempFolder(root);
    await temp.open();
    const eviction = new Eviction(root, BLOCK, temp, endless);
    const swept = eviction.sweep();
    await begun.promise;
    await Promise.all([expect(swept).rejects.toThrow('aborted'), eviction.close()]);
    await temp.close();
  });
});

test.each([
  ['of different ages', 10, 8, 7, (n: number) => 1_000 - n * 100],
  ['of one age', 40, 30, 27, () => 500],
])(
  'entries %s that another process removes during a sweep count as gone, and no more are removed for them',
  async (_ages, count, cap, left, seconds) => {
    const storage = await openStorage();
    for (let n = 0; n < count; n += 1) {
      await put(storage, `k${n}`, 'x');
      await age(storage.root, `k${n}`, seconds(n));
    }
    const sweep = () => sweepFolder({ root: storage.root, maxBytes: cap * BLOCK, full: false, now: NOW });
    let theirs: SweepOutcome | undefined;
    before.unlink = () => {
      before.unlink = () => {};
      theirs = sweep();
    };
    const mine = sweep();
    expect([theirs?.evicted, mine.evicted]).toEqual([count - left, 0]);
    expect(await keysOf(storage)).toHaveLength(left);
    expect([theirs?.bytes, mine.bytes]).toEqual([left * BLOCK, left * BLOCK]);
  },
);

test('a sweep for a full disk goes no less far than the cap asks for', async () => {
  const storage = await openStorage();
  await fill(storage);
  const outcome = sweepFolder({ root: storage.root, maxBytes: 5 * BLOCK, full: true, now: NOW });
  expect(outcome).toMatchObject({ bytes: 4 * BLOCK, evicted: 6 });
});

test('hits do not write at once, and a flush marks the file as used', async () => {
  const storage = await openStorage();
  await put(storage, 'a', 'x');
  await age(storage.root, 'a', 5_000);
  const path = join(storage.root, 'a@');
  const before = (await lstat(path)).mtimeMs;
  hit(await storage.get(k('a'), undefined));
  await storage.stat(k('a'));
  expect((await lstat(path)).mtimeMs).toBe(before);
  await storage.delete(k('never-there'), undefined, context);
  await storage.sweep();
  expect((await lstat(path)).mtimeMs).toBeGreaterThan(before + 4_000_000);
});

test('an entry larger than the cap never comes in', async () => {
  const storage = await openStorage({ maxBytes: BLOCK });
  await expect(put(storage, 'a', 'x'.repeat(BLOCK + 1))).rejects.toMatchObject(failing('too-large'));
});

test.each(['EUCLEAN', 'ESTALE', 'EMFILE'])(
  'a file on which the system says %s is passed over, and told of',
  async (code) => {
    const storage = await openStorage();
    await fill(storage);
    before.unlink = () => {
      before.unlink = () => {};
      throw Object.assign(new Error(code), { code });
    };
    const outcome = sweepFolder({ root: storage.root, maxBytes: 8 * BLOCK, full: false, now: NOW });
    expect(outcome).toEqual({ bytes: 8 * BLOCK, evicted: 2, passedOver: [{ folder: storage.root, code }] });
  },
);
