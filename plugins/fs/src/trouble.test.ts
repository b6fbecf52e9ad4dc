import { execFile, execFileSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { chmod, mkdir, readdir, rm, symlink, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { describe, expect, onTestFinished, test } from 'vitest';
import {
  context,
  debris,
  failing,
  k,
  keysOf,
  meta,
  openStorage,
  put,
  putPatiently,
  read,
  streamed,
  temporaryFolder,
  withoutUpkeep,
} from '../test/harness.ts';
import { toStorageError } from './errors.ts';
import { FsStorage } from './storage.ts';

const isRoot = process.getuid?.() === 0;

async function asNobody(root: string, work: 'open' | 'read' | 'evict'): Promise<Record<string, unknown>> {
  const script = join(import.meta.dirname, '../test/as-nobody.ts');
  const run = promisify(execFile)(process.execPath, ['--conditions=@tintype/source', script, root, work]);
  return JSON.parse((await run).stdout);
}

const unopened = (root: string) => new FsStorage({ root, maxBytes: 0, durability: 'process' });

describe('without permission', () => {
  test.skipIf(!isRoot)('(needs root to give rights up) opening says who may not do what', async () => {
    const root = await temporaryFolder();
    const { open } = await asNobody(join(root, 'cache'), 'open');
    expect(open).toMatchObject(failing('access-denied'));
    expect(open).toMatchObject({ retryable: false, message: expect.stringContaining(join(root, 'cache')) });
  });

  test.skipIf(!isRoot)('(needs root to give rights up) a failure to read is an error and never a miss', async () => {
    const storage = await openStorage();
    await chmod(storage.root, 0o755);
    await put(storage, 'secret/a', 'x');
    await put(storage, 'open/a', 'x');
    await chmod(join(storage.root, 'secret'), 0o700);
    const said = await asNobody(storage.root, 'read');
    const denied = failing('access-denied');
    expect(said).toMatchObject({ get: denied, stat: denied, put: denied, list: denied });
    expect(said.check).toMatchObject({ ok: false, problem: expect.stringContaining('may not read or write') });
  });
});

test.skipIf(!isRoot)(
  '(needs root to give rights up) one folder without rights does not undo the cap; check tells',
  async () => {
    const { root } = await openStorage();
    await mkdir(join(root, 'secret'), { mode: 0o700 });
    await writeFile(join(root, 'secret', 'a@'), '');
    for (const folder of ['.', '@temp', '@locks']) await chmod(join(root, folder), 0o777);
    const { sweep, left, check } = await asNobody(root, 'evict');
    expect(sweep).toBe('nothing');
    expect((left as string[]).length).toBeLessThanOrEqual(10);
    expect(check).toMatchObject({
      ok: false,
      problem: expect.stringContaining(`change their owner or mode (EACCES at ${join(root, 'secret')})`),
    });
  },
);

describe('a folder that is none', () => {
  test('a file in place of the root', async () => {
    const root = join(await temporaryFolder(), 'file');
    await writeFile(root, '');
    await expect(unopened(root).open()).rejects.toMatchObject(failing('misconfigured'));
    await expect(unopened(join(root, 'below')).open()).rejects.toMatchObject(failing('misconfigured'));
    await rm(root);
    const storage = await openStorage({ root });
    await put(storage, 'a', 'x');
  });

  test('a file in place of a folder of the key', async () => {
    const storage = await openStorage();
    await writeFile(join(storage.root, 'k'), '');
    await expect(put(storage, 'k/x', 'x')).rejects.toMatchObject(failing('misconfigured'));
    await expect(put(storage, 'k/x', 'x', 'm', { ifAbsent: true })).rejects.toMatchObject(failing('misconfigured'));
    await expect(read(storage, 'k/x')).rejects.toMatchObject(failing('misconfigured'));
    expect(await debris(storage.root)).toEqual([]);
  });

  test('a path that is too long', async () => {
    const root = join(await temporaryFolder(), 'x'.repeat(300));
    await expect(unopened(root).open()).rejects.toMatchObject(failing('misconfigured'));
  });

  test('a root that is removed is made again by the next write', async () => {
    // A sign of life would make it again as well.
    withoutUpkeep();
    const storage = await openStorage();
    await put(storage, 'a', 'x');
    await rm(storage.root, { recursive: true });
    expect(await read(storage, 'a')).toBeUndefined();
    expect(await storage.check()).toMatchObject({ ok: false, problem: expect.stringContaining('the folder is gone') });
    await put(storage, 'b', 'y');
    expect([await read(storage, 'b'), await keysOf(storage)]).toEqual(['y', ['b']]);
    expect(await storage.check()).toMatchObject({ ok: true });
    for (const name of await readdir(storage.root)) await rm(join(storage.root, name), { recursive: true });
    await put(storage, 'c', 'z');
    expect(await keysOf(storage)).toEqual(['c']);
  });

  test.skipIf(!existsSync('/proc/self'))(
    'one that takes no folders is told of, instead of tried for ever',
    async () => {
      await expect(unopened('/proc/cache/of/images').open()).rejects.toMatchObject({
        ...failing('misconfigured'),
        message: 'Cache folder /proc/cache: it cannot be made, because /proc takes no folders; choose another ROOT.',
      });
    },
  );
});

describe('a symbolic link in the tree', () => {
  test('in place of an entry is not followed, and is replaced by a put', async () => {
    const [storage, outside] = [await openStorage(), await openStorage()];
    await put(outside, 'a', 'outside');
    await symlink(join(outside.root, 'a@'), join(storage.root, 'a@'));
    await expect(read(storage, 'a')).rejects.toMatchObject(failing('corrupt'));
    await expect(storage.stat(k('a'))).rejects.toMatchObject(failing('corrupt'));
    await put(storage, 'a', 'inside');
    expect([await read(storage, 'a'), await read(outside, 'a')]).toEqual(['inside', 'outside']);
  });

  test('in place of a folder lets nothing be written, deleted, listed or evicted outside', async () => {
    const outside = await openStorage();
    await put(outside, 'a', 'outside');
    const storage = await openStorage({ maxBytes: 4096 });
    await put(storage, 'b', 'x'.repeat(4000));
    await symlink(outside.root, join(storage.root, 'f'));
    // What it is refused for is only seen once a sweep has made room.
    await expect(putPatiently(storage, 'f/new', 'x')).rejects.toMatchObject(failing('misconfigured'));
    await expect(put(storage, 'f/new', 'x', 'm', { ifAbsent: true })).rejects.toMatchObject(failing('misconfigured'));
    await expect(storage.delete(k('f/a'), undefined, context)).rejects.toMatchObject(failing('misconfigured'));
    // What lies there is no entry of this key.
    await expect(read(storage, 'f/a')).rejects.toMatchObject(failing('corrupt'));
    expect(await keysOf(storage, 'f')).toEqual([]);
    await storage.sweep();
    expect([await read(outside, 'a'), await keysOf(outside)]).toEqual(['outside', ['a']]);
  });

  test('in place of the root is fine', async () => {
    const real = await temporaryFolder();
    const root = join(await temporaryFolder(), 'link');
    await symlink(real, root);
    const storage = await openStorage({ root });
    await put(storage, 'f/a', 'x');
    expect([await read(storage, 'f/a'), await keysOf(storage)]).toEqual(['x', ['f/a']]);
  });
});

test('strangers in the tree are passed over', async () => {
  const storage = await openStorage({ maxBytes: 4096 });
  for (const name of ['lost+found', 'README', '.nfs0001']) await writeFile(join(storage.root, name), 'x');
  execFileSync('mkfifo', [join(storage.root, 'pipe@')]);
  await mkdir(join(storage.root, 'folder@'));
  await put(storage, 'a', 'x');
  await storage.sweep();
  expect(await keysOf(storage)).toEqual(['a']);
  await expect(read(storage, 'pipe')).rejects.toMatchObject(failing('corrupt'));
  await expect(read(storage, 'folder')).rejects.toMatchObject(failing('corrupt'));
  await expect(put(storage, 'folder', 'x')).rejects.toMatchObject(failing('corrupt'));
  await storage.delete(k('folder'), undefined, context);
  await put(storage, 'folder', 'x');
  expect(await readdir(storage.root)).toContain('README');
});

/** Mounts a small disk; `undefined` where that isn't allowed. */
async function smallDisk(options: string): Promise<string | undefined> {
  const folder = await temporaryFolder();
  try {
    execFileSync('mount', ['-t', 'tmpfs', '-o', options, 'tmpfs', folder], { stdio: 'ignore' });
  } catch {
    return undefined;
  }
  onTestFinished(() => {
    execFileSync('umount', ['-l', folder]);
  });
  return folder;
}

describe('a disk of its own', () => {
  test('that is full: writes say so, reads go on, and the oldest entries make room', async (t) => {
    const root = await smallDisk('size=2m');
    if (root === undefined) return t.skip('mounting is not permitted here; run the tests as root in a VM');
    const storage = await openStorage({ root });
    const body = 'x'.repeat(100_000);
    let stored = 0;
    const filling = (async () => {
      for (; stored < 40; stored += 1) {
        await put(storage, `k${stored}`, body);
        const at = Date.now() / 1000 - 1_000 + stored * 20;
        await utimes(join(root, `k${stored}@`), at, at);
      }
    })();
    await expect(filling).rejects.toMatchObject({ ...failing('no-space'), retryable: false });
    expect(stored).toBeGreaterThan(10);
    // The sweep that this began keeps a file there for a moment.
    await expect.poll(() => debris(root)).toEqual([]);
    const last = `k${stored - 1}`;
    expect(await read(storage, last)).toBe(body);
    const endless = streamed(async function* () {
      for (;;) yield Buffer.alloc(50_000);
    });
    await expect(storage.put(k('e'), endless, meta(), undefined, context)).rejects.toMatchObject(failing('no-space'));
    await expect
      .poll(() =>
        put(storage, 'new', body).then(
          () => 'stored',
          () => 'full',
        ),
      )
      .toBe('stored');
    await expect.poll(() => read(storage, 'k0')).toBeUndefined();
    expect(await read(storage, last)).toBe(body);
  });

  test('that is unmounted: writes stop, and nothing is written to its mount point', async (t) => {
    const mountPoint = await smallDisk('size=2m');
    if (mountPoint === undefined) return t.skip('mounting is not permitted here; run the tests as root in a VM');
    const [whole, part] = [
      await openStorage({ root: mountPoint }),
      await openStorage({ root: join(mountPoint, 'cache') }),
    ];
    await put(whole, 'a', 'x');
    await put(part, 'a', 'x');
    execFileSync('umount', ['-l', mountPoint]);
    onTestFinished(() => {
      // What ends the test unmounts it once more.
      execFileSync('mount', ['-t', 'tmpfs', 'tmpfs', mountPoint]);
    });
    for (const storage of [whole, part]) {
      await expect(put(storage, 'a', 'x')).rejects.toMatchObject(failing('misconfigured'));
      expect(await storage.check()).toMatchObject({
        ok: false,
        problem: expect.stringContaining('is its disk still mounted'),
      });
    }
    expect(await readdir(mountPoint)).toEqual([]);
  });

  test('that is mounted read-only: the settings are wrong, and check says why', async (t) => {
    const root = await smallDisk('size=2m');
    if (root === undefined) return t.skip('mounting is not permitted here; run the tests as root in a VM');
    // No disk is made read-only while a sign of life is written to it.
    withoutUpkeep();
    const storage = await openStorage({ root });
    await put(storage, 'a', 'x');
    execFileSync('mount', ['-o', 'remount,ro', root]);
    onTestFinished(() => {
      execFileSync('mount', ['-o', 'remount,rw', root]);
    });
    expect(await read(storage, 'a')).toBe('x');
    await expect(put(storage, 'b', 'x')).rejects.toMatchObject(failing('misconfigured'));
    expect(await storage.check()).toMatchObject({ ok: false, problem: expect.stringContaining('read-only') });
    await expect(unopened(join(root, 'new')).open()).rejects.toMatchObject(failing('misconfigured'));
  });
});

test('check tells the folder, the cap and what is free', async () => {
  const storage = await openStorage({ maxBytes: 5_000_000 });
  const said = await storage.check();
  expect(said.ok).toBe(true);
  expect(said.summary).toMatch(
    new RegExp(`^folder ${storage.root}, at most 4\\.8 MiB, [\\d.]+ [KMGT]iB free on its disk$`),
  );
  // The first count may be under way.
  await expect.poll(() => debris(storage.root)).toEqual([]);
});

test('check warns of a disk that is full before the cap is reached, and names the setting', async () => {
  const storage = await openStorage({ maxBytes: 2 ** 60 });
  await storage.sweep();
  expect(await storage.check()).toMatchObject({
    ok: true,
    warning: expect.stringMatching(
      /its disk has room for [\d.]+ [KMGT]iB, less than the .+ that the cache may take.+; set TINTYPE_CACHE_FS_MAX_BYTES /,
    ),
  });
  const small = await openStorage({ maxBytes: 4096 });
  await small.sweep();
  expect(await small.check()).not.toHaveProperty('warning');
  const unlimited = await openStorage();
  expect(await unlimited.check()).not.toHaveProperty('warning');
});

test('what the cache itself takes is room for it', async (t) => {
  const root = await smallDisk('size=8m');
  if (root === undefined) return t.skip('mounting is not permitted here; run the tests as root in a VM');
  const storage = await openStorage({ root, maxBytes: 7 * 2 ** 20 });
  for (const key of ['a', 'b', 'c']) await put(storage, key, 'x'.repeat(2 ** 20));
  expect(await storage.check()).not.toHaveProperty('warning');
  const other = await openStorage({ root, maxBytes: 9 * 2 ** 20 });
  expect(await other.check()).toMatchObject({ ok: true, warning: expect.stringContaining('room for ') });
});

test('a full disk is told with the setting that bounds the cache', () => {
  const cause = Object.assign(new Error('secret'), { code: 'ENOSPC' });
  expect(toStorageError(cause, '/cache')).toMatchObject({
    ...failing('no-space'),
    message:
      'Cache folder /cache: the disk is full; make room on it, or set TINTYPE_CACHE_FS_MAX_BYTES (of copies of sources: TINTYPE_SOURCES_FS_MAX_BYTES) to less than it has (ENOSPC).',
  });
});

test.each([
  ['EMFILE', 'unavailable', true],
  ['ENFILE', 'unavailable', true],
  ['EIO', 'unavailable', true],
  ['EDQUOT', 'no-space', false],
  ['EPERM', 'access-denied', false],
  ['EXYZ', 'internal', false],
])('%s of the system is "%s"', (code, meaning, retryable) => {
  const cause = Object.assign(new Error('secret'), { code });
  expect(toStorageError(cause, '/cache')).toMatchObject({ ...failing(meaning), retryable, applied: 'no', cause });
});

test('what is not an error of the system stays as it is', () => {
  for (const error of [new Error('x'), Object.assign(new Error('x'), { code: 'ERR_INVALID_ARG' }), 'text', undefined]) {
    expect(toStorageError(error, '/cache')).toBe(error);
  }
});
