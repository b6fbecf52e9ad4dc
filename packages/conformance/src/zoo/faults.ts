import type { StorageFault } from './fault.ts';
import { atomicFaults } from './faults/atomic.ts';
import { brokenPutFaults } from './faults/broken-put.ts';
import { conditionFaults } from './faults/conditions.ts';
import { consistencyFaults } from './faults/consistency.ts';
import { deleteFaults } from './faults/delete.ts';
import { durableFaults } from './faults/durable.ts';
import { errorFaults } from './faults/errors.ts';
import { evictionFaults } from './faults/eviction.ts';
import { getFaults } from './faults/get.ts';
import { keyFaults } from './faults/keys.ts';
import { lifecycleFaults } from './faults/lifecycle.ts';
import { listFaults } from './faults/list.ts';
import { metadataFaults } from './faults/metadata.ts';
import { mishapFaults } from './faults/mishaps.ts';
import { networkFaults } from './faults/network.ts';
import { publicFaults } from './faults/public.ts';
import { putFaults } from './faults/put.ts';
import { rangeFaults } from './faults/range.ts';
import { readingFaults } from './faults/reading.ts';
import { setMetadataFaults } from './faults/set-metadata.ts';

/**
 * Storages with one known fault each: what proves the suite. Each fails the requirements that it
 * names and no other.
 */
export const storageFaults: readonly StorageFault[] = [
  ...lifecycleFaults,
  ...getFaults,
  ...readingFaults,
  ...rangeFaults,
  ...putFaults,
  ...brokenPutFaults,
  ...atomicFaults,
  ...metadataFaults,
  ...setMetadataFaults,
  ...conditionFaults,
  ...deleteFaults,
  ...listFaults,
  ...keyFaults,
  ...consistencyFaults,
  ...errorFaults,
  ...mishapFaults,
  ...networkFaults,
  ...publicFaults,
  ...evictionFaults,
  ...durableFaults,
];
