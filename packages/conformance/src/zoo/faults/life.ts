import { createServer } from 'node:net';
import {
  type ByteRange,
  type CheckResult,
  type EntryInfo,
  type GetOutcome,
  type ListedEntry,
  type OperationContext,
  type PutCondition,
  type StorageCapabilities,
  StorageError,
  type StorageKey,
} from '@tintype/core';
import { fault, type StorageFault } from '../fault.ts';
import { ReferenceStorage, referenceCapabilities, type Stored, tick } from '../reference-storage.ts';
import { MisconfiguredStorage } from '../reference-subject.ts';

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
    name: 'close-leaves-a-socket',
    breaks: '`close` leaves a listening socket.',
    caughtBy: ['lifecycle.close-releases', 'lifecycle.close-frees-unread-bodies'],
    storage: class extends ReferenceStorage {
      override async open(context: OperationContext): Promise<void> {
        await super.open(context);
        const server = createServer();
        await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
        // It ends by itself, or it would hold up whoever runs the zoo; but not before it was looked for.
        setTimeout(() => server.close(), 3_000).unref();
      }
    },
  }),
  fault({
    name: 'close-leaves-a-timer',
    breaks: '`close` leaves the timer that `open` started.',
    caughtBy: ['lifecycle.close-releases', 'lifecycle.close-frees-unread-bodies'],
    storage: class extends ReferenceStorage {
      override async open(context: OperationContext): Promise<void> {
        await super.open(context);
        // It ends by itself, or it would hold up whoever runs the zoo; but not before the tests that count it have:
        // one of another instance that ends meanwhile would make up for it.
        setTimeout(() => undefined, 3_000);
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

/** Rejects with something else than it should. */
function refusing(error: () => unknown): typeof ReferenceStorage {
  return class extends ReferenceStorage {
    override require(key: StorageKey, condition: PutCondition | undefined): void {
      try {
        super.require(key, condition);
      } catch {
        throw error();
      }
    }
  };
}

/** Faults of failing. */
export const errorFaults: readonly StorageFault[] = [
  fault({
    name: 'throws-plain-errors',
    breaks: 'Refusals are plain errors with the backend’s text.',
    caughtBy: [
      'metadata.set-stale-is-refused',
      'conditions.create-over-an-entry-is-refused',
      'conditions.create-race-has-one-winner',
      'conditions.replace-stale-is-refused',
      'conditions.replace-missing-is-refused',
      'conditions.replace-after-metadata-is-refused',
      'conditions.versions-are-not-reused',
      'conditions.replace-counts',
      'conditions.delete-stale-is-refused',
      'conditions.delete-missing-is-refused',
      'errors.are-storage-errors',
    ],
    perhapsBy: ['linearizable.conditional'],
    storage: refusing(() => new Error('412 Precondition Failed')),
  }),
  fault({
    name: 'refusals-are-retryable',
    breaks: 'A refused condition says: try again.',
    caughtBy: ['errors.are-storage-errors'],
    storage: refusing(() => new StorageError({ code: 'precondition-failed', message: 'It differs.', retryable: true })),
  }),
  fault({
    name: 'refusals-may-have-been-applied',
    breaks: 'A refused condition says that it may have taken effect.',
    caughtBy: ['errors.are-storage-errors'],
    storage: refusing(
      () => new StorageError({ code: 'precondition-failed', message: 'It differs.', applied: 'unknown' }),
    ),
  }),
  fault({
    name: 'failure-is-a-miss',
    breaks: 'An entry that cannot be read is a miss.',
    caughtBy: ['errors.failure-is-not-a-miss'],
    storage: class extends ReferenceStorage {
      override live(key: StorageKey): Stored | undefined {
        return this.data.unreadable.has(this.full(key)) ? undefined : super.live(key);
      }
    },
  }),
  fault({
    name: 'stat-calls-failure-a-miss',
    breaks: '`stat` of an entry that cannot be read is a miss.',
    caughtBy: ['errors.failure-is-not-a-miss'],
    storage: class extends ReferenceStorage {
      override async stat(key: StorageKey, context: OperationContext): Promise<EntryInfo | undefined> {
        if (!this.data.unreadable.has(this.full(key))) return super.stat(key, context);
        await tick();
        return undefined;
      }
    },
  }),
  fault({
    name: 'damage-unnoticed',
    breaks: 'Stored bytes are handed out unchecked.',
    caughtBy: ['errors.damage-is-noticed'],
    storage: class extends ReferenceStorage {
      override verify(): void {}
    },
  }),
  fault({
    name: 'damage-ends-listings',
    breaks: 'A listing ends with an error at the first damaged entry.',
    caughtBy: ['errors.damage-stays-local'],
    storage: class extends ReferenceStorage {
      override async *list(
        prefix: string,
        after: StorageKey | undefined,
        context: OperationContext,
      ): AsyncGenerator<ListedEntry, void> {
        for await (const row of super.list(prefix, after, context)) {
          if (this.data.tampered.has(this.full(row.key))) {
            throw new StorageError({ code: 'corrupt', message: 'An entry of this listing is damaged.' });
          }
          yield row;
        }
      }
    },
  }),
  fault({
    name: 'only-length-is-checked',
    breaks: 'A body that was cut off is noticed, a changed byte isn’t.',
    caughtBy: ['errors.damage-is-noticed'],
    storage: class extends ReferenceStorage {
      readonly #lengths = new Map<number, number>();
      override verify(stored: Stored): void {
        if (!this.#lengths.has(stored.crc)) this.#lengths.set(stored.crc, stored.bytes.length);
        if ([1_000, 300_000].includes(stored.bytes.length)) return;
        super.verify(stored);
      }
    },
  }),
  fault({
    name: 'wrong-credentials-are-unavailable',
    breaks: 'Wrong credentials are reported as `unavailable`, to be retried for ever.',
    caughtBy: ['errors.misconfiguration-has-its-code'],
    misconfigured: class extends MisconfiguredStorage {
      override async open(): Promise<void> {
        throw new StorageError({ code: 'unavailable', message: 'The server said no.' });
      }
    },
  }),
  fault({
    name: 'wrong-credentials-open',
    breaks: 'With wrong credentials everything is a miss.',
    caughtBy: ['errors.misconfiguration-has-its-code'],
    misconfigured: class extends MisconfiguredStorage {
      override async open(): Promise<void> {}
      override async get(
        _key: StorageKey,
        _range: ByteRange | undefined,
        _context: OperationContext,
      ): Promise<GetOutcome> {
        return undefined;
      }
    },
  }),
  fault({
    name: 'check-rejects',
    breaks: '`check` rejects where it should explain.',
    caughtBy: ['errors.check-explains'],
    misconfigured: class extends MisconfiguredStorage {
      override check(): Promise<CheckResult> {
        return Promise.reject(new StorageError({ code: 'access-denied', message: 'No.' }));
      }
    },
  }),
  fault({
    name: 'check-knows-nothing',
    breaks: '`check` of a storage that cannot be used says that all is well.',
    caughtBy: ['errors.check-explains'],
    misconfigured: class extends MisconfiguredStorage {
      override async check(): Promise<CheckResult> {
        return { ok: true, summary: 'reference' };
      }
    },
  }),
  fault({
    name: 'secret-in-the-message',
    breaks: 'The error of wrong credentials names them.',
    caughtBy: ['errors.hold-no-secret'],
    misconfigured: class extends MisconfiguredStorage {
      override async open(): Promise<void> {
        throw new StorageError({ code: this.code, message: 'Login as admin with hunter2-hunter2 failed.' });
      }
    },
  }),
  fault({
    name: 'secret-in-the-cause',
    breaks: 'The cause of an error holds the URL with the credentials.',
    caughtBy: ['errors.hold-no-secret'],
    misconfigured: class extends MisconfiguredStorage {
      override async open(): Promise<void> {
        const cause = new Error('GET http://admin:hunter2-hunter2@storage/ answered 403');
        throw new StorageError({ code: this.code, message: 'Login failed.', cause });
      }
    },
  }),
];
