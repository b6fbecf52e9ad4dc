import { createServer } from 'node:net';
import {
  type CheckResult,
  type OperationContext,
  type StorageCapabilities,
  StorageError,
  type StorageKey,
} from '@tintype/core';
import { fault, type StorageFault } from '../fault.ts';
import { ReferenceStorage, referenceCapabilities, type Stored } from '../reference-storage.ts';

/** What the instances of a faulty class wrongly share. */
const agent: { closings: number } = { closings: 0 };

/** Faults from construction to close. */
export const lifecycleFaults: readonly StorageFault[] = [
  fault({
    name: 'does-not-open',
    breaks: '`open` rejects although the settings are right.',
    caughtBy: ['lifecycle.opens'],
    storage: class extends ReferenceStorage {
      override async open(): Promise<void> {
        throw new StorageError({ code: 'unavailable', message: 'The driver is not there.' });
      }
    },
  }),
  fault({
    name: 'constructor-starts-a-timer',
    breaks: 'Constructing starts a timer, which ends with `close`.',
    caughtBy: ['lifecycle.construction-is-idle'],
    storage: class extends ReferenceStorage {
      readonly #timer = setInterval(() => undefined, 60_000);
      override async close(): Promise<void> {
        clearInterval(this.#timer);
        await super.close();
      }
    },
  }),
  fault({
    name: 'metadata-limit-too-small',
    breaks: 'Less metadata than an entry needs is declared.',
    caughtBy: ['lifecycle.capabilities-well-formed'],
    capabilities: { maxMetadataBytes: 1_399 },
  }),
  fault({
    name: 'settle-time-missing',
    breaks: 'Consistency is declared eventual without a settle time.',
    caughtBy: ['lifecycle.capabilities-well-formed'],
    capabilities: { listConsistency: { kind: 'eventual', scope: 'store', settleMs: 0 } },
  }),
  fault({
    name: 'open-adds-a-capability',
    breaks: 'A capability is declared only once the probe in `open` has found it.',
    caughtBy: ['lifecycle.open-only-withdraws'],
    storage: class extends ReferenceStorage {
      #opened = false;
      override get capabilities(): StorageCapabilities {
        return { ...referenceCapabilities, conditionalDelete: this.#opened };
      }
      override async open(context: OperationContext): Promise<void> {
        await super.open(context);
        this.#opened = true;
      }
    },
  }),
  fault({
    name: 'capability-withdrawn-late',
    breaks: 'A capability is withdrawn when `check` finds it missing.',
    caughtBy: ['lifecycle.capabilities-final'],
    storage: class extends ReferenceStorage {
      #checks = 0;
      override get capabilities(): StorageCapabilities {
        return { ...referenceCapabilities, maxObjectBytes: referenceCapabilities.maxObjectBytes - this.#checks };
      }
      override async check(): Promise<CheckResult> {
        this.#checks++;
        return super.check();
      }
    },
  }),
  fault({
    name: 'failed-open-sticks',
    breaks: 'After an `open` that was aborted, every further one rejects.',
    caughtBy: ['lifecycle.open-again-after-failure'],
    storage: class extends ReferenceStorage {
      #opening: Promise<void> | undefined;
      override open(context: OperationContext): Promise<void> {
        this.#opening ??= super.open(context);
        return this.#opening;
      }
    },
  }),
  fault({
    name: 'open-in-an-outage-sticks',
    breaks: 'An `open` that failed because the backend was out of order is never tried again.',
    caughtBy: ['lifecycle.open-again-after-failure'],
    storage: class extends ReferenceStorage {
      #opening: Promise<void> | undefined;
      override async open(context: OperationContext): Promise<void> {
        context.signal.throwIfAborted();
        this.#opening ??= this.#tryToOpen(context);
        await this.#opening;
      }
      async #tryToOpen(context: OperationContext): Promise<void> {
        if (this.data.outage) throw new StorageError({ code: 'unavailable', message: 'The backend is out of order.' });
        await super.open(context);
      }
    },
  }),
  fault({
    name: 'close-leaves-a-socket',
    breaks: '`close` leaves a listening socket.',
    caughtBy: ['lifecycle.close-releases', 'lifecycle.close-frees-unread-bodies'],
    storage: class extends ReferenceStorage {
      override async open(context: OperationContext): Promise<void> {
        await super.open(context);
        const server = createServer();
        await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
        // It ends by itself, or it would hold up whoever runs the zoo.
        setTimeout(() => server.close(), 15_000).unref();
      }
    },
  }),
  fault({
    name: 'close-leaves-a-timer',
    breaks: '`close` leaves the timers that `open` started.',
    caughtBy: ['lifecycle.close-releases', 'lifecycle.close-frees-unread-bodies'],
    storage: class extends ReferenceStorage {
      override async open(context: OperationContext): Promise<void> {
        await super.open(context);
        // They end by themselves, or they would hold up whoever runs the zoo; but not before the tests that count them
        // have. Several: a timer of something else that ends meanwhile makes up for one.
        for (let each = 0; each < 5; each += 1) setTimeout(() => undefined, 15_000);
      }
    },
  }),
  fault({
    name: 'close-does-nothing',
    breaks: '`close` resolves and frees nothing.',
    caughtBy: ['lifecycle.close-frees-unread-bodies'],
    storage: class extends ReferenceStorage {
      override async close(): Promise<void> {}
    },
  }),
  fault({
    name: 'close-waits-for-readers',
    breaks: '`close` waits until every body was read.',
    caughtBy: ['lifecycle.close-frees-unread-bodies'],
    storage: class extends ReferenceStorage {
      override async close(): Promise<void> {
        while (this.openBodies.size > 0) await new Promise((resolve) => setTimeout(resolve, 50));
        await super.close();
      }
    },
  }),
  fault({
    name: 'instances-share-an-agent',
    breaks: 'Closing one instance breaks the connections of all that were opened before it, until the next listing.',
    caughtBy: ['lifecycle.instances-are-independent'],
    storage: class extends ReferenceStorage {
      #closings = 0;
      override async open(context: OperationContext): Promise<void> {
        await super.open(context);
        this.#closings = agent.closings;
      }
      override async close(): Promise<void> {
        await super.close();
        agent.closings++;
      }
      override live(key: StorageKey): Stored | undefined {
        if (agent.closings > this.#closings) {
          throw new StorageError({ code: 'closed', message: 'The agent was closed.' });
        }
        return super.live(key);
      }
      // The suite lists after each test: so each is judged by what happens in it.
      override list(...args: Parameters<ReferenceStorage['list']>): ReturnType<ReferenceStorage['list']> {
        this.#closings = agent.closings;
        return super.list(...args);
      }
    },
  }),
  fault({
    name: 'check-disapproves',
    breaks: '`check` of a storage that works says that it doesn’t.',
    caughtBy: ['lifecycle.check-approves'],
    storage: class extends ReferenceStorage {
      override async check(): Promise<CheckResult> {
        return { ok: false, summary: 'reference', problem: 'The probe was not found.' };
      }
    },
  }),
  fault({
    name: 'check-leaves-its-probe',
    breaks: '`check` leaves the entry that it wrote to find out.',
    caughtBy: ['lifecycle.check-leaves-nothing'],
    perhapsBy: ['errors.outage-is-told'],
    storage: class extends ReferenceStorage {
      override async check(): Promise<CheckResult> {
        this.commit('probe' as StorageKey, new Uint8Array(1), { encoded: '-', contentType: 'x/x' });
        return super.check();
      }
    },
  }),
];
