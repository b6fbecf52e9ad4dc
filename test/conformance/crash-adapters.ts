import { prefixed, type StorageAdapter, tiered } from '@tintype/core';
import { type FsOptions, FsStorage } from '@tintype/fs';
import { MemoryStorage } from '@tintype/memory';

/** How a composition is made, here and in the processes that the suite kills. */
export interface Composition {
  readonly kind: 'tiered' | 'prefixed';
  readonly fs: FsOptions;
  /** The operator's prefix of a prefixed view. */
  readonly prefix: string;
}

/** What the suite calls in a process that it kills. */
export function createAdapter({ kind, fs, prefix }: Composition): StorageAdapter {
  const far = new FsStorage(fs);
  return kind === 'tiered' ? tiered(new MemoryStorage({ maxBytes: 8 * 1024 * 1024 }), far) : prefixed(far, prefix);
}
