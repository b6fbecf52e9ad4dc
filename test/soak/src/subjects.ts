import { existsSync, readdirSync, utimesSync } from 'node:fs';
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
import { join } from 'node:path';
import type { StorageHarness, StorageSubject } from '@tintype/conformance';
import { prefixed, type StorageAdapter, type StorageKey, tiered } from '@tintype/core';
import { harness as sqliteHarness } from '../../../examples/sqlite-storage/test/harness.ts';

/** A storage under test, by the name that the report gives it. */
export interface Subject {
  readonly name: string;
  readonly harness: StorageHarness;
}

/** The parts of `plugins/fs` that a subject needs; a mutant brings its own. */
export interface FsModule {
  readonly FsStorage: new (options: {
    readonly root: string;
    readonly maxBytes: number;
    readonly durability: 'process' | 'power';
  }) => StorageAdapter;
  entryPath(key: StorageKey): string;
  /** Where a child process finds `FsStorage`. */
  readonly url: string;
}

/** The same of `plugins/memory`. */
export interface MemoryModule {
  readonly MemoryStorage: new (options: { readonly maxBytes: number }) => StorageAdapter;
}

/** The sources of the reference adapters: what is mutated, and what the other parts run. */
export const FS_STORAGE: string = new URL('../../../plugins/fs/src/storage.ts', import.meta.url).href;
export const FS_KEY_PATH: string = new URL('../../../plugins/fs/src/key-path.ts', import.meta.url).href;
export const MEMORY_STORAGE: string = new URL('../../../plugins/memory/src/storage.ts', import.meta.url).href;

export async function loadFs(query = ''): Promise<FsModule> {
  const url = FS_STORAGE + query;
  const [{ FsStorage }, { entryPath }] = await Promise.all([import(url), import(FS_KEY_PATH + query)]);
  return { FsStorage, entryPath, url };
}

export async function loadMemory(query = ''): Promise<MemoryModule> {
  return import(MEMORY_STORAGE + query);
}

export function memorySubject({ MemoryStorage }: MemoryModule): StorageSubject {
  return {
    adapter: new MemoryStorage({ maxBytes: 0 }),
    capped: (maxBytes) => ({ adapter: new MemoryStorage({ maxBytes }) }),
  };
}

/** Files below `folder`, as paths. */
export async function filesIn(folder: string): Promise<string[]> {
  const found = await readdir(folder, { recursive: true, withFileTypes: true }).catch(() => []);
  return found.filter((each) => each.isFile()).map((each) => join(each.parentPath, each.name));
}

/** Descriptors of this process on files below `root`. */
async function openFiles(root: string): Promise<string[]> {
  const descriptors = await readdir('/proc/self/fd').catch(() => []);
  const targets = await Promise.all(descriptors.map((name) => readlink(`/proc/self/fd/${name}`).catch(() => '')));
  return targets.filter((target) => target.startsWith(root));
}

/** A subject that tells where its files are. */
interface FsSubject extends StorageSubject {
  readonly root: string;
}

/** A file cache in a new folder below `scratch`, with every hook that the suite knows. */
export async function fsSubject(module: FsModule, scratch: string, maxBytes = 0): Promise<FsSubject> {
  const { FsStorage, entryPath, url } = module;
  const folder = await mkdtemp(join(scratch, 'fs-'));
  const root = join(folder, 'cache');
  const file = join(folder, 'file');
  await writeFile(file, 'no folder');
  const options = { root, maxBytes, durability: 'process' } as const;
  const at = (elsewhere: string) => new FsStorage({ ...options, root: elsewhere });
  const hidden: [string, string][] = [];
  const fileOf = (key: StorageKey) => join(root, entryPath(key));
  return {
    root,
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
      async unreadable(key) {
        const aside = join(folder, `aside-${hidden.length}`);
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
    capped: (limit) => fsSubject(module, scratch, limit),
    crash: { module: crashModule(url), data: options },
    dispose: () => rm(folder, { recursive: true, force: true }),
  };
}

/**
 * Makes the last sign of life of every storage on a folder a minute old, so that the next one to be
 * opened sweeps them. Only when all are dead. @returns how many there are
 */
export function ageTheDead(root: string): number {
  const temp = join(root, '@temp');
  const longAgo = new Date(Date.now() - 60_000);
  const dead = readdirSync(temp);
  for (const name of dead) {
    // Killed between the folder and its sign of life: then the folder's own time counts.
    for (const path of [join(temp, name, 'beat'), join(temp, name)]) {
      if (existsSync(path)) utimesSync(path, longAgo, longAgo);
    }
  }
  return dead.length;
}

/** A module that makes the adapter in a process that is killed. */
function crashModule(url: string): string {
  return `data:text/javascript,${encodeURIComponent(
    `import { FsStorage } from ${JSON.stringify(url)};
     export const createAdapter = (options) => new FsStorage(options);`,
  )}`;
}

/** The storages that come with the project, and what is composed of them. */
export async function projectSubjects(scratch: string): Promise<readonly Subject[]> {
  const fs = await loadFs();
  const memory = await loadMemory();
  const near = () => new memory.MemoryStorage({ maxBytes: 16 * 1024 * 1024 });
  const composed = (compose: (far: StorageAdapter) => StorageAdapter): StorageHarness => ({
    async create() {
      const below = await fsSubject(fs, scratch);
      const { adapter, sibling, leaks, dispose } = below;
      return {
        adapter: compose(adapter),
        sibling: () => compose(sibling?.() ?? adapter),
        ...(leaks && { leaks }),
        ...(dispose && { dispose }),
      };
    },
  });
  return [
    { name: 'memory', harness: { create: () => memorySubject(memory) } },
    { name: 'fs', harness: { create: () => fsSubject(fs, scratch) } },
    { name: 'tiered(memory, fs)', harness: composed((far) => tiered(near(), far)) },
    { name: 'prefixed(fs)', harness: composed((far) => prefixed(far, 'Team/A')) },
    { name: 'sqlite (the example)', harness: sqliteHarness },
  ];
}
