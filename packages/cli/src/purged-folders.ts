import { stat } from 'node:fs/promises';
import type { EffectiveSetting } from '@tintype/core';
import { Failure } from './failure.ts';

/** Where a storage in use keeps what it has: `TINTYPE_CACHE_FS_ROOT`, `TINTYPE_SOURCES_FS_ROOT`. */
const STORAGE = /^TINTYPE_(CACHE|SOURCES)_/;

/**
 * Who purges a folder that is not there has mistyped it: opening the storage would make the folder, and the
 * purge of nothing succeed. `serve` makes it when it starts.
 *
 * @param effective the settings that are in force: those of storages that are not used are not among them.
 * @throws Failure that names the setting and the folder.
 */
export async function requireFolders(effective: readonly EffectiveSetting[]): Promise<void> {
  for (const { variable, value, spec } of effective) {
    if (spec.kind !== 'path' || !spec.required || !STORAGE.test(variable)) continue;
    const missing = await stat(value).then(
      () => false,
      (error: NodeJS.ErrnoException) => error.code === 'ENOENT',
    );
    // Any other trouble is told by the storage, in words of its own.
    if (missing) {
      throw new Failure(
        `There is no ${value}, which ${variable} names: nothing was purged. Give the folder that "tintype serve" uses.`,
      );
    }
  }
}
