import {
  type ByteRange,
  type CheckResult,
  type EntryInfo,
  type GetOutcome,
  type ListedEntry,
  type OperationContext,
  type PutCondition,
  StorageError,
  type StorageKey,
} from '@tintype/core';
import { fault, type StorageFault } from '../fault.ts';
import { ReferenceStorage, type Stored, tick } from '../reference-storage.ts';
import { MisconfiguredStorage } from '../reference-subject.ts';

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
