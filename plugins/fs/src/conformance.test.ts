import {
  mkdir,
  mkdtemp,
  open,
  readdir,
  readlink,
  rename,
  rm,
  rmdir,
  stat,
  truncate,
  writeFile,
} from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type StorageSubject, storageConformance } from '@tintype/conformance';
import { prefixed, type StorageKey } from '@tintype/core';
import { describe, test } from 'vitest';
import { entryPath } from './key-path.ts';
import type { FsOptions } from './options.ts';
import { FsStorage } from './storage.ts';

/** Files below `folder`, as paths. */
async function filesIn(folder: string): Promise<string[]> {
  const found = await readdir(folder, { recursive: true, withFileTypes: true }).catch(() => []);
  return found.filter((each) => each.isFile()).map((each) => join(each.parentPath, each.name));
}

/** Descriptors of this process on files below `root`. */
async function openFiles(root: string): Promise<string[]> {
  const descriptors = await readdir('/proc/self/fd').catch(() => []);
  const targets = await Promise.all(descriptors.map((name) => readlink(`/proc/self/fd/${name}`).catch(() => '')));
  return targets.filter((target) => target.startsWith(root));
}

async function create(maxBytes = 0): Promise<StorageSubject> {
  const folder = await mkdtemp(join(tmpdir(), 'tintype-fs-'));
  const root = join(folder, 'cache');
  const file = join(folder, 'file');
  await writeFile(file, 'no folder');
  const options: FsOptions = { root, maxBytes, durability: 'process' };
  const at = (elsewhere: string) => new FsStorage({ ...options, root: elsewhere });
  const hidden: [string, string][] = [];
  const fileOf = (key: StorageKey) => join(root, entryPath(key));
  return {
    adapter: new FsStorage(options),
    sibling: () => new FsStorage(options),
    prefixed: (prefix) => prefixed(new FsStorage(options), prefix),
    async leaks() {
      const temporary = (await filesIn(join(root, '@temp'))).filter((path) => !path.endsWith('/beat'));
      return [
        ...temporary.map((path) => `the temporary file ${path}`),
        ...(await filesIn(join(root, '@locks'))).map((path) => `the lock ${path}`),
        ...(await openFiles(root)).map((path) => `a handle of ${path}`),
      ];
    },
    sabotage: {
      // Permissions don't stop root; a folder in the entry's place stops everyone.
      async unreadable(key) {
        const aside = join(folder, 'aside');
        await rename(fileOf(key), aside);
        await mkdir(fileOf(key));
        hidden.push([fileOf(key), aside]);
      },
      async flipByte(key) {
        const file = await open(fileOf(key), 'r+');
        const { size } = await file.stat();
        const byte = Buffer.alloc(1);
        await file.read(byte, 0, 1, size - 10);
        byte[0] = (byte[0] ?? 0) ^ 1;
        await file.write(byte, 0, 1, size - 10);
        await file.close();
      },
      async truncate(key) {
        await truncate(fileOf(key), Math.floor((await stat(fileOf(key))).size / 2));
      },
      async undo() {
        for (const [path, aside] of hidden.splice(0)) {
          await rmdir(path);
          await rename(aside, path);
        }
      },
    },
    misconfigured: () => [
      { name: 'a file as root', adapter: at(file), codes: ['misconfigured'] },
      { name: 'a root below a file', adapter: at(join(file, 'below')), codes: ['misconfigured'] },
    ],
    capped: (limit) => create(limit),
    without: { network: 'the file system is no server', secrets: 'the file system takes no credentials' },
    crash: {
      module: `data:text/javascript,${encodeURIComponent(
        `import { FsStorage } from ${JSON.stringify(new URL('./storage.ts', import.meta.url).href)};
         export const createAdapter = (options) => new FsStorage(options);`,
      )}`,
      data: options,
    },
    dispose: () => rm(folder, { recursive: true, force: true }),
  };
}

storageConformance({ name: 'fs', harness: { create: () => create() }, runner: { describe, test } });
