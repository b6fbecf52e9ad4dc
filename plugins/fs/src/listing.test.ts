import { mkdir, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { storageKey } from '@tintype/core';
import { expect, test } from 'vitest';
import { temporaryFolder } from '../test/harness.ts';
import { entryPath } from './key-path.ts';
import { walkInOrder } from './listing.ts';

async function plant(keys: readonly string[]): Promise<string> {
  const root = await temporaryFolder();
  for (const key of keys) {
    const path = join(root, entryPath(storageKey(key)));
    await mkdir(dirname(path), { recursive: true });
    await writeFile(path, '');
  }
  return root;
}

async function walk(root: string, prefix = '', after = '', page?: number): Promise<string[]> {
  const found = await Array.fromAsync(walkInOrder(root, prefix, after, '', page));
  for (const { key, path } of found) expect(path).toBe(join(root, entryPath(key)));
  return found.map(({ key }) => key);
}

const piece = 'p'.repeat(128);
const KEYS = [
  'a', 'a-b', 'a-b/c', 'a.b', 'a/-', 'a/x', 'a/x/y', 'a0', 'ab', 'b/c/d',
  piece.slice(1), `${piece.slice(1)}/x`, piece, `${piece}-`, `${piece}.x`, `${piece}/x`, `${piece}/x/y`, `${piece}0`,
  `${piece}${piece}`, `${piece}${piece}/x`, `${piece}${piece}p`, 'z',
].sort(); // biome-ignore format: a list to read across

test('the walk is in byte order of the whole key, also past long segments', async () => {
  expect(await walk(await plant(KEYS))).toEqual(KEYS);
});

test('every prefix and every start give exactly the keys that they should', async () => {
  const root = await plant(KEYS);
  const texts = new Set(['', 'q', 'a/', 'a/x/', `${piece}/`, ...KEYS, ...KEYS.map((key) => key.slice(0, -1))]);
  for (const text of texts) {
    expect(await walk(root, text), `prefix ${text}`).toEqual(KEYS.filter((key) => key.startsWith(text)));
    expect(await walk(root, '', text), `after ${text}`).toEqual(KEYS.filter((key) => key > text));
    expect(await walk(root, 'a', text), `a after ${text}`).toEqual(KEYS.filter((key) => key[0] === 'a' && key > text));
  }
});

test.each([1, 2, 3, 7, 20, 21, 40, 41])('a folder is read in pages of %i names without loss', async (page) => {
  const keys = Array.from({ length: 41 }, (_, index) => `k${(index * 17) % 41}`).sort();
  expect(await walk(await plant(keys), '', '', page)).toEqual(keys);
});
