import { readFile, truncate } from 'node:fs/promises';
import { join } from 'node:path';
import { createStorage, storageKey } from '@tintype/core';
import { FsStorage } from '@tintype/fs';
import { expect, test } from 'vitest';
import { entryPath } from '../../plugins/fs/src/key-path.ts';
import { Scratch } from './scratch.ts';
import { killDuringPutsOnFs } from './src/parts/kills.ts';
import { killServers, lookAt, sha256 } from './src/parts/serve-kills.ts';

test('12 writers that are killed leave nothing torn, lose nothing that had resolved, and are swept', async () => {
  await using scratch = await Scratch.make();
  const { kills, debris, problems } = await killDuringPutsOnFs(scratch.path, 12, 'test');
  expect(problems).toEqual([]);
  expect(kills).toBe(12);
  // Each had a folder of its own when it died.
  expect(debris).toBeGreaterThanOrEqual(12);
}, 300_000);

test('4 servers that are killed while they write leave no torn or wrong image', async () => {
  await using scratch = await Scratch.make();
  const { kills, images, entries, hits, problems } = await killServers(scratch.path, 4, 'test');
  expect(problems).toEqual([]);
  expect(kills).toBe(4);
  expect(entries).toBeGreaterThanOrEqual(images);
  // The second round at least comes from the cache, or the cache was not looked at.
  expect(hits).toBeGreaterThanOrEqual(images);
}, 300_000);

test('a look at the cache of killed servers sees an entry that is torn, another’s, or of another kind', async () => {
  await using scratch = await Scratch.make();
  const storage = createStorage(new FsStorage({ root: scratch.path, maxBytes: 0, durability: 'process' }), {
    name: 'fs',
  });
  await storage.open();
  const image = await readFile(new URL('../../examples/demo/images/rocket.jpg', import.meta.url));
  const metadata = {
    status: 200,
    contentType: 'image/jpeg',
    etag: '"a"',
    storedAt: 0,
    freshUntil: 0,
    source: 'local:///rocket.jpg',
  };
  for (const key of ['whole', 'torn', 'kind']) {
    await storage.put(key, image, key === 'kind' ? { ...metadata, contentType: 'image/png' } : metadata);
  }
  await storage.put('other', Buffer.from([0xff, 0xd8, 1, 2, 3]), metadata);
  await storage.close();
  await truncate(join(scratch.path, entryPath(storageKey('torn'))), image.length >> 1);
  const problems: string[] = [];
  expect(await lookAt(scratch.path, new Set([sha256(image)]), (problem) => void problems.push(problem))).toBe(4);
  expect(problems).toEqual([
    expect.stringMatching(/^entry kind says image\/png and is jpeg/),
    expect.stringMatching(/^entry other has 5 bytes that are no image of these/),
    expect.stringMatching(/^entry torn cannot be read: corrupt/),
  ]);
});
