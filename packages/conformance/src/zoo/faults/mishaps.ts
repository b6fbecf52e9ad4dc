import { crc32 } from 'node:zlib';
import {
  type CheckResult,
  type ListedEntry,
  type OperationContext,
  StorageError,
  type StorageKey,
  type Version,
} from '@tintype/core';
import { fault, type StorageFault } from '../fault.ts';
import { ReferenceStorage, type Stored } from '../reference-storage.ts';

/** Faults that show when something happens to the backend behind the storage’s back. */
export const mishapFaults: readonly StorageFault[] = [
  fault({
    name: 'metadata-unsealed',
    breaks: 'Bytes are compared with a checksum, metadata are not.',
    caughtBy: ['errors.damage-is-noticed'],
    storage: class extends ReferenceStorage {
      readonly #seals = new Map<Version, number>();
      override commit(...given: Parameters<ReferenceStorage['commit']>): Version {
        const version = super.commit(...given);
        this.#seals.set(version, crc32(given[1]));
        return version;
      }
      override verify(stored: Stored): void {
        if (crc32(stored.bytes) !== this.#seals.get(stored.version)) super.verify(stored);
      }
    },
  }),
  fault({
    name: 'outage-is-empty',
    breaks: 'While the backend is out of order, listings are empty.',
    caughtBy: ['errors.outage-is-told'],
    storage: class extends ReferenceStorage {
      override async *list(
        prefix: string,
        after: StorageKey | undefined,
        context: OperationContext,
      ): AsyncGenerator<ListedEntry, void> {
        if (!this.data.outage) yield* super.list(prefix, after, context);
      }
    },
  }),
  fault({
    name: 'outage-is-a-miss',
    breaks: 'While the backend is out of order, everything is a miss.',
    caughtBy: ['errors.outage-is-told'],
    storage: class extends ReferenceStorage {
      override live(key: StorageKey): Stored | undefined {
        return this.data.outage ? undefined : super.live(key);
      }
    },
  }),
  fault({
    name: 'outage-for-ever',
    breaks: 'After an outage the storage stays out of order until it is opened anew.',
    caughtBy: ['errors.outage-is-told'],
    storage: class extends ReferenceStorage {
      #gone = false;
      override answer(): void {
        this.#gone ||= this.data.outage;
        if (this.#gone) throw new StorageError({ code: 'unavailable', message: 'The backend is out of order.' });
      }
    },
  }),
  fault({
    name: 'outage-unchecked',
    breaks: '`check` says that all is well whatever the backend does.',
    caughtBy: ['errors.outage-is-told'],
    storage: class extends ReferenceStorage {
      override async check(): Promise<CheckResult> {
        return { ok: true, summary: 'reference' };
      }
    },
  }),
  fault({
    name: 'detour-is-followed',
    breaks: 'What is put where a link leads elsewhere is written there.',
    caughtBy: ['errors.stays-in-its-place'],
    storage: class extends ReferenceStorage {
      override reach(key: StorageKey): void {
        const { detour } = this.data;
        if (detour && this.full(key).startsWith(detour.prefix)) detour.changes.push(`${key} was written`);
        else super.reach(key);
      }
    },
  }),
  fault({
    name: 'swept-for-ever',
    breaks: 'A storage whose unfinished writes were swept away takes no more writes.',
    caughtBy: ['errors.outlives-its-sweeping'],
    storage: class extends ReferenceStorage {
      override reach(key: StorageKey): void {
        super.reach(key);
        if (this.data.sweeps > 0) throw new StorageError({ code: 'conflict', message: 'It was swept away.' });
      }
    },
  }),
  fault({
    name: 'swept-write-is-torn',
    breaks: 'A write under way whose first part was swept away stores the rest.',
    caughtBy: ['errors.outlives-its-sweeping'],
    storage: class extends ReferenceStorage {
      #swept = false;
      override swept(): void {
        this.#swept = true;
      }
      override commit(...[key, bytes, metadata]: Parameters<ReferenceStorage['commit']>): Version {
        const rest = this.#swept ? bytes.slice(65_536) : bytes;
        this.#swept = false;
        return super.commit(key, rest, metadata);
      }
    },
  }),
  fault({
    name: 'strangers-are-listed',
    breaks: 'What lies beside entries shows in listings.',
    caughtBy: ['list.passes-over-strangers'],
    storage: class extends ReferenceStorage {
      override async *list(
        prefix: string,
        after: StorageKey | undefined,
        context: OperationContext,
      ): AsyncGenerator<ListedEntry, void> {
        yield* super.list(prefix, after, context);
        for (const name of this.data.strangers) {
          if (name.startsWith(prefix)) yield { key: name as StorageKey, size: 0, version: undefined, modifiedAt: 0 };
        }
      }
    },
  }),
];
