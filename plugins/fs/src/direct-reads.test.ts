import { mkdir, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { temporaryFolder } from '../test/harness.ts';
import { DirectReads } from './direct-reads.ts';

const onLinux = test.skipIf(process.platform !== 'linux');

/** A file of twelve bytes, and reads that take as long, and have the disks read as much, as is said. */
async function given() {
  const root = await temporaryFolder();
  const path = join(root, 'file');
  await writeFile(path, 'twelve bytes');
  const said = { now: 1_000, took: 0, blocks: 7 };
  let asked = 0;
  const clock = () => {
    // Asked before and after each read.
    asked += 1;
    return said.now + (asked % 2 === 0 ? said.took : 0);
  };
  const direct = new DirectReads(clock, () => said.blocks);
  const read = () => {
    asked = 0;
    return direct.read(path, 12)?.toString();
  };
  return { root, path, direct, read, said };
}

onLinux('a file of the size that is known comes back at once, once its folder is known to be local', async () => {
  const { root, direct, read } = await given();
  expect(read()).toBeUndefined();
  await direct.open(root);
  expect(read()).toBe('twelve bytes');
});

test('what lies on no local disk is left to the pool', async () => {
  const { direct, read } = await given();
  // As good a stranger as a network's: Linux tells of it by another number, other systems by none.
  await direct.open(process.platform === 'linux' ? '/proc' : '/');
  expect(read()).toBeUndefined();
});

onLinux('a file that became larger or smaller is left to the pool', async () => {
  const { root, path, direct, read } = await given();
  await direct.open(root);
  for (const other of ['thirteen byte', 'eleven byte']) {
    await writeFile(join(root, 'new'), other);
    await rename(join(root, 'new'), path);
    expect(read()).toBeUndefined();
  }
});

onLinux('a file that is gone is said to be', async () => {
  const { root, path, direct, read } = await given();
  await direct.open(root);
  await rm(path);
  expect(read).toThrow(expect.objectContaining({ code: 'ENOENT' }));
});

onLinux('after a read that waited for a disk there are none for a hundred times as long', async () => {
  const { root, direct, read, said } = await given();
  await direct.open(root);
  said.took = 8;
  said.blocks += 1;
  // What was read is good, however long it took.
  expect(read()).toBe('twelve bytes');
  said.took = 0;
  said.now += 799;
  expect(read()).toBeUndefined();
  said.now += 1;
  expect(read()).toBe('twelve bytes');
  expect(read()).toBe('twelve bytes');
});

onLinux('a read that waited for the processor only changes nothing', async () => {
  const { root, direct, read, said } = await given();
  await direct.open(root);
  said.took = 8;
  expect([read(), read()]).toEqual(['twelve bytes', 'twelve bytes']);
});

onLinux('what fails is left to the pool, and so is all else for a second', async () => {
  const { root, path, direct, read, said } = await given();
  await direct.open(root);
  await rm(path);
  await mkdir(path);
  expect(read()).toBeUndefined();
  await rm(path, { recursive: true });
  await writeFile(path, 'twelve bytes');
  said.now += 999;
  expect(read()).toBeUndefined();
  said.now += 1;
  expect(read()).toBe('twelve bytes');
});
