import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { StorageSubject } from '../storage/harness.ts';
import { createAdapter, type DiskFlaws, DiskReference } from './disk-reference.ts';

const SOURCES = import.meta.url.endsWith('.ts');

/** A subject over the disk reference in a folder of its own. */
export function diskSubject(flaws: DiskFlaws = {}): StorageSubject {
  const folder = mkdtempSync(join(tmpdir(), 'tintype-reference-'));
  const settings = { folder, flaws };
  const adapter = new DiskReference(settings);
  return {
    adapter,
    sibling: () => createAdapter(settings),
    leaks: () => adapter.leaks(),
    crash: {
      module: new URL(SOURCES ? './disk-reference.ts' : './disk-reference.js', import.meta.url).href,
      data: settings,
    },
    dispose: () => rmSync(folder, { recursive: true, force: true }),
  };
}
