import { mkdtemp, readdir, readlink, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type StorageSubject, storageConformance } from '@tintype/conformance';
import { prefixed } from '@tintype/core';
import { describe, test } from 'vitest';
import { type Composition, createAdapter } from './crash-adapters.ts';

// A composition may keep less than its parts, but only what it declares: its own suite tells.

/** The operator's prefix of the view: its bytes count against a key's 512. */
const PREFIX = 'Site-A/images';

async function openFiles(root: string): Promise<string[]> {
  const descriptors = await readdir('/proc/self/fd').catch(() => []);
  const targets = await Promise.all(descriptors.map((name) => readlink(`/proc/self/fd/${name}`).catch(() => '')));
  return targets.filter((target) => target.startsWith(root)).map((path) => `a handle of ${path}`);
}

function subjectOf(kind: Composition['kind']): (maxBytes?: number) => Promise<StorageSubject> {
  return async function create(maxBytes = 0) {
    const folder = await mkdtemp(join(tmpdir(), `tintype-${kind}-`));
    const root = join(folder, 'cache');
    const file = join(folder, 'file');
    await writeFile(file, 'no folder');
    const composition: Composition = {
      kind,
      prefix: PREFIX,
      fs: { root, maxBytes, durability: 'process', reads: 'direct' },
    };
    const make = () => createAdapter(composition);
    return {
      adapter: make(),
      sibling: make,
      prefixed: (prefix) => prefixed(make(), prefix),
      ...(kind === 'prefixed' ? { prefixBytes: PREFIX.length + 1 } : {}),
      leaks: () => openFiles(root),
      misconfigured: () => [
        {
          name: 'a file as root',
          adapter: createAdapter({ ...composition, fs: { ...composition.fs, root: file } }),
          // A tier that does not open is waited for, while the other one serves.
          codes: [kind === 'tiered' ? 'unavailable' : 'misconfigured'],
        },
      ],
      crash: { module: new URL('./crash-adapters.ts', import.meta.url).href, data: composition },
      capped: (limit) => create(limit),
      without: {
        sabotage: 'damage to files is tried with fs itself; a near copy hides it',
        network: 'neither memory nor the file system is a server',
        secrets: 'neither memory nor the file system takes credentials',
      },
      dispose: () => rm(folder, { recursive: true, force: true }),
    };
  };
}

for (const kind of ['tiered', 'prefixed'] as const) {
  const name = kind === 'tiered' ? 'memory over fs' : 'a prefixed view of fs';
  const create = subjectOf(kind);
  storageConformance({ name, harness: { create: () => create() }, runner: { describe, test }, budget: 3 });
}
