import { expect, test } from 'vitest';
import { Scratch } from './scratch.ts';
import { killDuringPutsOnFs } from './src/parts/kills.ts';
import { killServers } from './src/parts/serve-kills.ts';

test('30 writers that are killed leave nothing torn, lose nothing that had resolved, and are swept', async () => {
  await using scratch = await Scratch.make();
  const { kills, debris, problems } = await killDuringPutsOnFs(scratch.path, 30, 'test');
  expect(problems).toEqual([]);
  expect(kills).toBe(30);
  // Each had a folder of its own when it died.
  expect(debris).toBeGreaterThanOrEqual(30);
}, 300_000);

test('10 servers that are killed while they write leave no torn or wrong image', async () => {
  await using scratch = await Scratch.make();
  const { kills, images, entries, hits, problems } = await killServers(scratch.path, 10, 'test');
  expect(problems).toEqual([]);
  expect(kills).toBe(10);
  expect(entries).toBeGreaterThanOrEqual(images);
  // The second round at least comes from the cache, or the cache was not looked at.
  expect(hits).toBeGreaterThanOrEqual(images);
}, 300_000);
