import { link, lstat, mkdir, rmdir, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { temporaryFolder } from '../test/harness.ts';
import { SweepTurn } from './sweep-turn.ts';
import { TempFolder } from './temp-folder.ts';

async function opened(root: string): Promise<TempFolder> {
  const temp = new TempFolder(root);
  await temp.open();
  return temp;
}

const LONG_AGO = Date.now() / 1000 - 31;

test('a turn that could not be released is released later, and is still the own one until then', async () => {
  const temp = await opened(await temporaryFolder());
  const turn = new SweepTurn(temp);
  const release = await turn.take();
  // A folder stands where the turn is to be moved.
  const obstacle = join(temp.path, '1');
  await mkdir(obstacle);
  await release?.();
  expect(await turn.retryRelease()).toBe(false);
  await (await turn.take())?.();
  expect((await lstat(temp.turnPath)).isFile()).toBe(true);
  await rmdir(obstacle);
  expect(await turn.retryRelease()).toBe(true);
  await expect(lstat(temp.turnPath)).rejects.toMatchObject({ code: 'ENOENT' });
  expect(await turn.take()).toBeTypeOf('function');
});

test.each(['is gone', 'named nobody', 'is zeros'])(
  'the turn of an owner that %s is taken away once it is silent',
  async (owner) => {
    const root = await temporaryFolder();
    const [mine, theirs] = [await opened(root), await opened(root)];
    if (owner === 'named nobody') await writeFile(theirs.beatPath, '');
    if (owner === 'is zeros') await writeFile(theirs.beatPath, '\0'.repeat(40));
    await link(theirs.beatPath, mine.turnPath);
    await theirs.close();
    const turn = new SweepTurn(mine);
    expect([await turn.take(), (await lstat(mine.turnPath)).isFile()]).toEqual([undefined, true]);
    await utimes(mine.turnPath, LONG_AGO, LONG_AGO);
    expect(await turn.take()).toBeUndefined();
    expect(await turn.take()).toBeTypeOf('function');
  },
);

test('the turn of a living storage stays', async () => {
  const root = await temporaryFolder();
  const [mine, theirs] = [await opened(root), await opened(root)];
  await link(theirs.beatPath, mine.turnPath);
  expect(await new SweepTurn(mine).take()).toBeUndefined();
  await mine.sweepLock(mine.turnPath);
  expect((await lstat(mine.turnPath)).isFile()).toBe(true);
});
