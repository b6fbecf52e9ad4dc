import { mkdir, mkdtemp, readdir, readlink, rename, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type OriginSubject, originConformance } from '@tintype/conformance';
import { describe, test } from 'vitest';
import { LocalOrigin } from './origin.ts';

async function create(): Promise<OriginSubject> {
  const folder = await mkdtemp(join(tmpdir(), 'tintype-local-'));
  const root = join(folder, 'images');
  await mkdir(root);
  await writeFile(join(folder, 'secret'), 'secret');
  await symlink(join(folder, 'secret'), join(root, 'link'));
  // The type is that of the name.
  const named = (name: string, type: string) => `${name}.${type.split('/')[1]}`;
  return {
    origin: new LocalOrigin(root),
    another: () => new LocalOrigin(root),
    async serve({ name, body, contentType }) {
      const file = named(name, contentType);
      await writeFile(join(root, file), body);
      return `local:///${file}`;
    },
    async replace({ name, body, contentType }) {
      await writeFile(join(folder, 'new'), body);
      await rename(join(folder, 'new'), join(root, named(name, contentType)));
    },
    missing: 'local:///missing.png',
    invalid: [
      'local:',
      'local:///../secret',
      'local:///%2e%2e/secret',
      'local:///link',
      'local:///a%00b',
      'local:////',
    ],
    async leaks() {
      const descriptors = await readdir('/proc/self/fd').catch(() => []);
      const targets = await Promise.all(descriptors.map((name) => readlink(`/proc/self/fd/${name}`).catch(() => '')));
      return targets.filter((target) => target.startsWith(root)).map((path) => `a handle of ${path}`);
    },
    dispose: () => rm(folder, { recursive: true, force: true }),
  };
}

originConformance({ name: 'local', harness: { create }, runner: { describe, test } });
