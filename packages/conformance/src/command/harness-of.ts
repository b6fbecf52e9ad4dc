import type { StorageAdapter } from '@tintype/core';
import { describeError } from '../engine/outcome.ts';
import type { StorageHarness } from '../storage/harness.ts';

/**
 * The harness of a storage of which nothing is known but how to make an adapter. Each adapter is on
 * the same data: that is what makes it a sibling, where `make` needs no waiting.
 */
export function harnessOf(
  name: string,
  make: () => StorageAdapter | Promise<StorageAdapter>,
  siblings: boolean,
): StorageHarness {
  return {
    async create() {
      let adapter: StorageAdapter;
      try {
        adapter = await make();
      } catch (error) {
        throw new Error(`the adapter of ${name} could not be made: ${describeError(error)}`);
      }
      return siblings ? { adapter, sibling: () => make() as StorageAdapter } : { adapter };
    },
  };
}
