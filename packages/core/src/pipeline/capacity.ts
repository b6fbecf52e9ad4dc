import { Intake } from './intake.ts';
import { MemoryGate } from './memory-gate.ts';
import { Semaphore } from './semaphore.ts';
import { SpoolMemory, spoolShareOf } from './spool-memory.ts';
import { StoreQueue } from './store-queue.ts';

/** How much a proxy may have under way. `Infinity` for no limit; sizes in bytes. */
export interface CapacityLimits {
  /** Transforms at a time. */
  readonly workers: number;
  /** Images in the making beyond those, and requests that wait for one host. */
  readonly queue: number;
  readonly downloadsPerHost: number;
  /** For all transforms together. */
  readonly memory: number;
}

/** Bytes of results that may wait for the storage at a time. */
const MAX_PENDING_STORE_BYTES = 64 * 1024 * 1024;

/**
 * Everything that a proxy counts in order to bound it. It belongs to the process rather than to one
 * proxy: where a proxy takes the place of another while requests go on, both count in the same one,
 * or for a while there would be twice as much of everything.
 */
export class Capacity {
  readonly transforms: Semaphore;
  readonly intake: Intake;
  readonly memory: MemoryGate;
  readonly spoolMemory: SpoolMemory;
  readonly stores: StoreQueue = new StoreQueue(MAX_PENDING_STORE_BYTES);
  #limits: CapacityLimits;

  constructor(limits: CapacityLimits) {
    this.#limits = limits;
    // What waits here is bounded by the intake, before anything was downloaded for it.
    this.transforms = new Semaphore(limits.workers, Number.POSITIVE_INFINITY);
    this.intake = new Intake(intakeOptions(limits));
    this.memory = new MemoryGate(limits.memory);
    this.spoolMemory = new SpoolMemory(spoolShareOf(limits.memory));
  }

  get limits(): CapacityLimits {
    return this.#limits;
  }

  /** Other limits from now on. What is under way beyond them goes on, and nothing joins it. */
  resize(limits: CapacityLimits): void {
    this.#limits = limits;
    this.transforms.resize(limits.workers, Number.POSITIVE_INFINITY);
    this.intake.resize(intakeOptions(limits));
    this.memory.resize(limits.memory);
    this.spoolMemory.resize(spoolShareOf(limits.memory));
  }
}

function intakeOptions({ workers, queue, downloadsPerHost }: CapacityLimits) {
  return { perHost: downloadsPerHost, total: workers + queue, queuePerHost: queue };
}
