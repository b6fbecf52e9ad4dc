import type { StorageTest } from '../env.ts';
import { atomicTests } from './atomic.ts';
import { conditionsTests } from './conditions.ts';
import { crashTests } from './crash.ts';
import { deleteTests } from './delete.ts';
import { errorsTests, networkTests } from './errors.ts';
import { evictionTests } from './eviction.ts';
import { getTests, rangeTests } from './get.ts';
import { keysTests } from './keys.ts';
import { lifecycleTests } from './lifecycle.ts';
import { linearizableTests } from './linearizable.ts';
import { listTests } from './list.ts';
import { metadataTests } from './metadata.ts';
import { mishapTests } from './mishaps.ts';
import { publicTests } from './public.ts';
import { putTests } from './put.ts';
import { finalTests, resourcesTests } from './resources.ts';

/** Every test of the storage suite, in the order in which they run. */
export const storageTests: readonly StorageTest[] = [
  ...lifecycleTests,
  ...getTests,
  ...rangeTests,
  ...putTests,
  ...atomicTests,
  ...metadataTests,
  ...conditionsTests,
  ...deleteTests,
  ...listTests,
  ...keysTests,
  ...linearizableTests,
  ...errorsTests,
  ...mishapTests,
  ...networkTests,
  ...publicTests,
  ...evictionTests,
  ...crashTests,
  ...resourcesTests,
  ...finalTests,
];
