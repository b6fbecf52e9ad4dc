import { lstat, readdir, utimes } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, test, vi } from 'vitest';
import { context, k, keysOf, meta, openStorage, put, read, temporaryFolder } from '../test/harness.ts';
import { Sweeper } from './sweeper.ts';

// A cache of years has millions of entries: to read its folders takes minutes of a disk. Who has read one is told by
// the system, whatever thread or library did it.

/** An hour ago, in seconds: where the times are kept "relatime", what was read before its last change is noted again. */
const LONG_AGO = Math.floor(Date.now() / 1_000) - 3_600;

/** The folders that hold entries, as if none had been read for an hour. */
async function unreadFolders(root: string): Promise<readonly string[]> {
  const all = await readdir(root, { recursive: true, withFileTypes: true });
  const folders = all.filter((entry) => entry.isDirectory()).map(({ parentPath, name }) => join(parentPath, name));
  // What begins with @ is for what processes have to say to each other.
  const holding = [root, ...folders.filter((folder) => !folder.startsWith(join(root, '@')))];
  for (const folder of holding) await utimes(folder, LONG_AGO, Date.now() / 1_000);
  return holding;
}

async function readSince(folders: readonly string[]): Promise<string[]> {
  const read: string[] = [];
  for (const folder of folders) if ((await lstat(folder)).atimeMs !== LONG_AGO * 1_000) read.push(folder);
  return read;
}

/** Whether the system notes who reads a folder. */
async function isNoted(): Promise<boolean> {
  const folder = await temporaryFolder();
  await utimes(folder, LONG_AGO, Date.now() / 1_000);
  await readdir(folder);
  return (await readSince([folder])).length === 1;
}

/** Each operation but a listing, on entries that are there, that are not, and that are new. */
async function use(storage: Awaited<ReturnType<typeof openStorage>>, run: string): Promise<void> {
  for (let n = 0; n < 10; n += 1) {
    await put(storage, `f${n}/${run}`, 'new');
    await put(storage, `f${n}/k${n}`, 'over');
    expect(await read(storage, `f${n}/k${n + 10}`)).toBe('old');
    expect(await read(storage, `f${n}/nothing`)).toBeUndefined();
    await storage.stat(k(`f${n}/k${n}`));
    await storage.setMetadata(k(`f${n}/k${n}`), meta('other'), undefined, context);
    await storage.delete(k(`f${n}/${run}`), undefined, context);
  }
}

describe('no folder of entries is read', () => {
  test.for([
    ['without a cap', 0],
    ['below a cap, once all is counted', 64 * 1024 * 1024],
  ] as const)('%s, by a start or by what comes after it', async ([, maxBytes], { skip }) => {
    if (!(await isNoted())) return skip('does not apply: this file system does not note who reads a folder');
    const root = await temporaryFolder();
    const first = await openStorage({ root, maxBytes });
    for (let n = 0; n < 200; n += 1) await put(first, `f${n % 10}/k${n}`, 'old');
    // With a cap, each start counts once, in the background: this one has.
    if (maxBytes > 0) await first.sweep();
    else await first.close();
    const storage = maxBytes > 0 ? first : undefined;

    const folders = await unreadFolders(root);
    expect(folders).toHaveLength(11);
    await use(storage ?? (await openStorage({ root, maxBytes })), 'again');
    expect(await readSince(folders)).toEqual([]);
    // So that it is known to be seen.
    expect(await keysOf(first, 'f3/')).toHaveLength(20);
    expect(await readSince(folders)).toContain(join(root, 'f3'));
  });
});

describe('while a count goes on for ever', () => {
  test('a start is over, all is served, and it can be closed', async () => {
    const root = await temporaryFolder();
    const before = await openStorage({ root });
    for (let n = 0; n < 20; n += 1) await put(before, `f${n % 10}/k${n}`, 'old');
    await before.close();

    const begun = Promise.withResolvers<void>();
    const sweep = vi.spyOn(Sweeper.prototype, 'sweep').mockImplementation((_task, signal) => {
      begun.resolve();
      return new Promise((_resolve, reject) => {
        signal.addEventListener('abort', () => reject(signal.reason), { once: true });
      });
    });
    try {
      const storage = await openStorage({ root, maxBytes: 64 * 1024 * 1024 });
      await begun.promise;
      await use(storage, 'meanwhile');
      expect(storage.usage()).toMatchObject({ bytes: undefined });
      await storage.close();
      expect(sweep).toHaveBeenCalledOnce();
    } finally {
      sweep.mockRestore();
    }
  });
});
