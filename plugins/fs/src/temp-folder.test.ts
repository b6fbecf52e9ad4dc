import { link, mkdir, readdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
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

let folders = 0;
async function temporaryFolderIn(root: string): Promise<string> {
  const folder = join(root, `folder-${folders++}`);
  await mkdir(folder);
  return folder;
}
