import { join } from 'node:path';
import type { StorageKey } from '@tintype/core';
import { sortedChildrenOf } from './folder-names.ts';

/** An entry as the walk meets it. */
export interface Found {
  readonly key: StorageKey;
  readonly path: string;
}

/**
 * Walks the entries whose keys start with `prefix` and come after `after`, in byte order of the
 * whole key: `a.b` before `a/x`. Opens only folders that can hold such keys; what it keeps in memory
 * is one page of names for each level.
 */
export async function* walkInOrder(
  folder: string,
  prefix: string,
  after: string,
  base = '',
  page?: number,
): AsyncGenerator<Found> {
  const children = sortedChildrenOf(
    folder,
    ({ kind, text }) => {
      const full = base + text;
      if (kind === 'entry') return full.startsWith(prefix) && full > after;
      return (full.startsWith(prefix) || prefix.startsWith(full)) && (full > after || after.startsWith(full));
    },
    page,
  );
  for await (const { kind, name, text } of children) {
    const path = join(folder, name);
    if (kind === 'entry') yield { key: (base + text) as StorageKey, path };
    else yield* walkInOrder(path, prefix, after, base + text, page);
  }
}
