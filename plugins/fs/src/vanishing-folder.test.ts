import type * as fs from 'node:fs/promises';
import { rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { expect, test, vi } from 'vitest';
import { openStorage, put, read } from '../test/harness.ts';

/** Runs once, in the moment in which folders for an entry are made. */
let meanwhile: ((folder: string) => Promise<void>) | undefined;

// Between two looks of one `mkdir` no other process can be made to act on demand.
vi.mock('node:fs/promises', async (original) => {
  const real = await original<typeof fs>();
  const mkdir = async (path: string, options: { recursive: true }) => {
    const act = meanwhile;
    if (act === undefined || options?.recursive !== true) return real.mkdir(path, options);
    meanwhile = undefined;
    return act(path);
  };
  return { ...real, mkdir };
});

// Each was seen of Node 26 while others remove the folders that it makes.
test.each(['ENOENT', 'ENOTDIR', 'EEXIST'])(
  'a folder that is removed while it is made is made again: %s',
  async (code) => {
    const storage = await openStorage();
    meanwhile = async (folder) => {
      expect(dirname(folder)).toBe(join(storage.root, 'k'));
      await rm(dirname(folder), { recursive: true, force: true });
      throw Object.assign(new Error(`${code}: mkdir`), { code, errno: -1, syscall: 'mkdir', path: folder });
    };
    await put(storage, 'k/x/y', 'new');
    expect(meanwhile).toBeUndefined();
    expect(await read(storage, 'k/x/y')).toBe('new');
  },
);
