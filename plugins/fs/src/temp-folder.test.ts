import { link, lstat, mkdir, readdir, readFile, rename, rm, utimes, writeFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { expect, test } from 'vitest';
import { temporaryFolder } from '../test/harness.ts';
import { TempFolder } from './temp-folder.ts';

async function opened(): Promise<{ readonly root: string; readonly temp: TempFolder }> {
  const root = await temporaryFolder();
  const temp = new TempFolder(root);
  await temp.open();
  return { root, temp };
}

test('of many that find the folder gone at once, one makes a new one', async () => {
  const { root, temp } = await opened();
  await rm(temp.path, { recursive: true });
  await Promise.all(Array.from({ length: 10 }, () => temp.beat()));
  expect(await readdir(join(root, '@temp'))).toHaveLength(1);
  await writeFile(temp.newPath(), 'x');
});

test('a storage that was never opened closes without a trace, beside one that lives', async () => {
  const { root, temp } = await opened();
  await writeFile(temp.newPath(), 'half an entry');
  await new TempFolder(root).close();
  expect((await readdir(temp.path)).sort()).toEqual(['1', 'beat']);
});

test('once it is closed, nothing late makes a folder that nobody would remove', async () => {
  const { root, temp } = await opened();
  await rm(temp.path, { recursive: true });
  // One is at it already, the others come too late.
  const before = temp.beat();
  await temp.close();
  await before.catch(() => undefined);
  for (const late of [() => temp.beat(), () => temp.exchange(), () => temp.sweep()]) {
    await expect(late()).rejects.toThrow(expect.objectContaining({ code: 'closed' }));
  }
  expect(await readdir(join(root, '@temp'))).toEqual([]);
  await temp.open();
  expect(await readdir(join(root, '@temp'))).toEqual([basename(temp.path)]);
});

test('a burial that broke off is finished by the next sweep, with the locks of all that lie in it', async () => {
  const { root, temp } = await opened();
  // One was burying another, which was burying a third, when it died; and we broke off as well.
  const grave = join(temp.path, 'dead-one', 'dead-two', 'dead-three');
  await mkdir(grave, { recursive: true });
  await writeFile(join(grave, '1'), 'half an entry');
  for (const id of ['one', 'two', 'three', 'alive']) {
    const beat = join(await temporaryFolderIn(root), 'beat');
    await writeFile(beat, `${id} 0\n`);
    await link(beat, join(root, '@locks', `lock-of-${id}`));
  }
  await temp.sweep();
  expect(await readdir(temp.path)).toEqual(['beat']);
  expect(await readdir(join(root, '@locks'))).toEqual(['lock-of-alive']);
});

test('names of locks that could not be removed when they were taken away go with the next sweep', async () => {
  const { temp } = await opened();
  for (const name of ['claim-one', 'lock-one']) await writeFile(join(temp.path, name), '');
  await writeFile(temp.newPath(), 'half an entry');
  await temp.sweep();
  expect((await readdir(temp.path)).sort()).toEqual(['1', 'beat']);
});

test('a lock of the dead is left to the one that buries its owner: it may be the lock of another by then', async () => {
  const { root, temp } = await opened();
  const [dead, burying] = [new TempFolder(root), new TempFolder(root)];
  await dead.open();
  await burying.open();
  const lock = join(root, '@locks', 'lock');
  await link(dead.beatPath, lock);
  const longAgo = Date.now() / 1_000 - 60;
  await utimes(lock, longAgo, longAgo);
  // As far as another has come that is burying it now; its sign of life is lost.
  await rm(dead.beatPath);
  await rename(dead.path, join(burying.path, `dead-${basename(dead.path)}`));
  await temp.sweepLock(lock);
  expect(await readdir(join(root, '@locks'))).toEqual(['lock']);
  expect((await readdir(join(root, '@temp'))).sort()).toEqual([basename(temp.path), basename(burying.path)].sort());
  await burying.sweep();
  expect(await readdir(join(root, '@locks'))).toEqual([]);
});

test.each([
  ['empty', '', 'alone'],
  ['empty', '', 'buried by another that died as well'],
  ['zeros', '\0'.repeat(40), 'alone'],
])('the locks of a dead storage whose sign of life is %s (%j) go with it: %s', async (_what, content, how) => {
  const { root, temp } = await opened();
  const dead = new TempFolder(root);
  await dead.open();
  await link(dead.beatPath, join(root, '@locks', 'lock'));
  await link(dead.beatPath, temp.turnPath);
  // That one as well has been emptied, and lives.
  const living = new TempFolder(root);
  await living.open();
  await link(living.beatPath, join(root, '@locks', 'of-the-living'));
  await writeFile(living.beatPath, content);
  // A power failure takes the bytes that were not on the disk, and the time is of the last of them.
  await writeFile(dead.beatPath, content);
  const longAgo = Date.now() / 1_000 - 60;
  await utimes(dead.beatPath, longAgo, longAgo);
  if (how !== 'alone') {
    const other = join(root, '@temp', 'other');
    await mkdir(other);
    await rename(dead.path, join(other, `dead-${basename(dead.path)}`));
    await utimes(other, longAgo, longAgo);
  }
  await temp.sweep();
  expect(await readdir(join(root, '@locks'))).toEqual(['of-the-living']);
  expect((await readdir(join(root, '@temp'))).sort()).toEqual([basename(temp.path), basename(living.path)].sort());
  await expect(lstat(temp.turnPath)).rejects.toMatchObject({ code: 'ENOENT' });
});

test('of signs of life at the same time the last one tells most', async () => {
  const { temp } = await opened();
  const told = async () => Number((await readFile(temp.beatPath, 'utf8')).split(' ')[1]);
  let sum = 0;
  for (let round = 0; round < 100; round++) {
    const beats = Array.from({ length: 4 }, () => {
      temp.note(1);
      sum += 1;
      return temp.beat();
    });
    // One more once the first of them is under way.
    await beats[0];
    temp.note(1);
    sum += 1;
    await Promise.all([...beats, temp.beat(), temp.beat()]);
    expect([await told(), temp.untold]).toEqual([sum, 0]);
  }
});

let folders = 0;
async function temporaryFolderIn(root: string): Promise<string> {
  const folder = join(root, `folder-${folders++}`);
  await mkdir(folder);
  return folder;
}
