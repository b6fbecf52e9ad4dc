import { existsSync, readdirSync, utimesSync } from 'node:fs';
import { join } from 'node:path';
import type { StorageHarness, StorageSubject } from '@tintype/conformance';
import { prefixed, type StorageAdapter, tiered } from '@tintype/core';
import { harness as sqliteHarness } from '../../../examples/sqlite-storage/test/harness.ts';
import { type FsModule, fsSubject } from '../../../plugins/fs/test/conformance-subject.ts';

/** A storage under test, by the name that the report gives it. */
export interface Subject {
  readonly name: string;
  readonly harness: StorageHarness;
}

/** What a subject needs of `plugins/memory`; a mutant brings its own. */
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

/** The storages that come with the project, and what is composed of them. */
export async function projectSubjects(scratch: string): Promise<readonly Subject[]> {
  const fs = await loadFs();
  const memory = await loadMemory();
  const near = () => new memory.MemoryStorage({ maxBytes: 16 * 1024 * 1024 });
  const composed = (compose: (far: StorageAdapter) => StorageAdapter, prefixBytes = 0): StorageHarness => ({
    async create() {
      const below = await fsSubject(fs, scratch);
      const { adapter, sibling, leaks, dispose } = below;
      return {
        adapter: compose(adapter),
        prefixBytes,
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
    { name: 'prefixed(fs)', harness: composed((far) => prefixed(far, 'Team/A'), 'Team/A/'.length) },
    { name: 'sqlite (the example)', harness: sqliteHarness },
  ];
}
