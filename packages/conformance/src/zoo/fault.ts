import type { StorageCapabilities } from '@tintype/core';
import type { StorageRequirementId } from '../catalogue/catalogue.ts';
import type { StorageHarness, StorageSubject } from '../storage/harness.ts';
import { ReferenceStorage } from './reference-storage.ts';
import { type MisconfiguredStorage, type ReferenceConstructor, referenceSubject } from './reference-subject.ts';

/** What a fault is made of: the reference with one thing wrong. */
export interface FaultInit {
  /** Stable, in words: `torn-overwrite`. */
  readonly name: string;
  /** What is wrong, in one sentence. */
  readonly breaks: string;
  /** The requirements that fail. All others hold, or cannot be tested because of these. */
  readonly caughtBy: readonly StorageRequirementId[];
  /** Those that may find it too, depending on the seed or the budget: they search at random, or try more sizes. */
  readonly perhapsBy?: readonly StorageRequirementId[];
  readonly storage?: ReferenceConstructor;
  readonly capabilities?: Partial<StorageCapabilities>;
  readonly misconfigured?: new () => MisconfiguredStorage;
  /** A public side that is not core’s. */
  readonly publicSide?: NonNullable<StorageSubject['publicSide']>;
  /** The reference with a limit, for faults of eviction. */
  readonly capped?: new (
    maxBytes: number,
  ) => ReferenceStorage;
}

/** A storage with one known fault. */
export interface StorageFault {
  readonly name: string;
  readonly breaks: string;
  readonly caughtBy: readonly StorageRequirementId[];
  readonly perhapsBy: readonly StorageRequirementId[];
  readonly harness: StorageHarness;
}

/** Operations of the reference take microseconds: what takes this long hangs. */
const HANGS_AFTER_MS = 1_500;

export function fault(init: FaultInit): StorageFault {
  const { name, breaks, caughtBy, storage = ReferenceStorage, capabilities = {} } = init;
  const { misconfigured, publicSide, capped: Capped } = init;
  return {
    name,
    breaks,
    caughtBy,
    perhapsBy: init.perhapsBy ?? [],
    harness: {
      operationTimeoutMs: HANGS_AFTER_MS,
      create: () => ({
        ...referenceSubject(storage, capabilities, misconfigured),
        ...(publicSide && { publicSide }),
        ...(Capped && { capped: (maxBytes: number) => ({ adapter: new Capped(maxBytes) }) }),
      }),
    },
  };
}
