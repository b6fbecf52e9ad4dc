import type { StorageFault } from './fault.ts';
import { bodyFaults, putFaults, rangeFaults } from './faults/bodies.ts';
import { durableFaults } from './faults/durable.ts';
import { atomicFaults, conditionFaults, deleteFaults, metadataFaults } from './faults/entries.ts';
import { evictionFaults } from './faults/eviction.ts';
import { errorFaults, lifecycleFaults } from './faults/life.ts';
import { mishapFaults } from './faults/mishaps.ts';
import { consistencyFaults, keyFaults, listFaults } from './faults/names.ts';
import { networkFaults } from './faults/network.ts';
import { publicFaults } from './faults/public.ts';

/**
 * Storages with one known fault each: what proves the suite. Each fails the requirements that it
 * names and no other.
 */
export const storageFaults: readonly StorageFault[] = [
  ...lifecycleFaults,
  ...bodyFaults,
  ...rangeFaults,
  ...putFaults,
  ...atomicFaults,
  ...metadataFaults,
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
