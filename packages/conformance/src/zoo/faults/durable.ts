import type { Version } from '@tintype/core';
import type { StorageRequirementId } from '../../catalogue/catalogue.ts';
import type { DiskFlaws } from '../disk-reference.ts';
import { diskSubject } from '../disk-subject.ts';
import { fault, type StorageFault } from '../fault.ts';
import { ReferenceStorage } from '../reference-storage.ts';

function diskFault(
  name: string,
  breaks: string,
  flaws: DiskFlaws,
  caughtBy: readonly StorageRequirementId[],
  perhapsBy: readonly StorageRequirementId[] = [],
): StorageFault {
  return {
    name,
    breaks,
    caughtBy,
    perhapsBy,
    harness: { create: () => diskSubject(flaws) },
  };
}

/** Faults of what shall outlive its process, and of long bodies. */
export const durableFaults: readonly StorageFault[] = [
  diskFault(
    'journal-first',
    'An entry is written down before its body is: a crash leaves it torn.',
    { journalFirst: true },
    ['crash.nothing-torn'],
    ['crash.resolved-puts-survive', 'crash.no-debris-in-listings'],
  ),
  diskFault(
    'lazy-journal',
    'A put resolves before it is written down: a crash loses it.',
    { lazyJournal: true },
    ['crash.resolved-puts-survive'],
    ['crash.nothing-torn'],
  ),
  diskFault('debris-is-listed', 'What a crash left half-written shows in listings.', { listsDebris: true }, [
    'crash.no-debris-in-listings',
  ]),
  diskFault('puts-in-memory', 'A body is collected in memory before it is written.', { collectsBodies: true }, [
    'resources.put-memory-is-bounded',
  ]),
  diskFault('gets-in-memory', 'A body is read whole before its first chunk.', { readsWholeBodies: true }, [
    'resources.get-memory-is-bounded',
  ]),
  fault({
    name: 'close-forgets',
    breaks: 'What an instance has put goes with its `close`.',
    caughtBy: ['lifecycle.data-survives-close'],
    // Too small for tests of memory, which this storage cannot pass.
    capabilities: { durability: 'process', maxObjectBytes: 80 * 1024 * 1024 },
    storage: class extends ReferenceStorage {
      readonly #put = new Map<string, Version>();
      override async put(...given: Parameters<ReferenceStorage['put']>): Promise<Version> {
        const version = await super.put(...given);
        this.#put.set(this.full(given[0]), version);
        return version;
      }
      override async close(): Promise<void> {
        await super.close();
        for (const [name, version] of this.#put) {
          if (this.data.entries.get(name)?.version === version) this.data.entries.delete(name);
        }
      }
    },
  }),
];
