import {
  type ListedEntry,
  type OperationContext,
  StorageError,
  type StorageKey,
  type StoredMetadata,
  type Version,
  type VersionCondition,
} from '@tintype/core';
import { fault, type StorageFault } from '../fault.ts';
import { ReferenceStorage, tick } from '../reference-storage.ts';

/** Faults of removing. */
export const deleteFaults: readonly StorageFault[] = [
  fault({
    name: 'delete-is-lazy',
    breaks: 'A deleted entry is still listed.',
    caughtBy: ['delete.removes'],
    storage: class extends ReferenceStorage {
      readonly #ghosts = new Set<string>();
      override async delete(
        key: StorageKey,
        condition: VersionCondition | undefined,
        context: OperationContext,
      ): Promise<void> {
        if (this.kept(key)) this.#ghosts.add(key);
        return super.delete(key, condition, context);
      }
      override async *list(
        prefix: string,
        after: StorageKey | undefined,
        context: OperationContext,
      ): AsyncGenerator<ListedEntry, void> {
        yield* super.list(prefix, after, context);
        for (const key of this.#ghosts) {
          if (key === prefix && !this.data.entries.has(key))
            yield { key: key as StorageKey, size: 0, version: undefined, modifiedAt: 0 };
        }
      }
    },
  }),
  fault({
    name: 'delete-of-nothing-throws',
    breaks: 'A delete of a missing key rejects.',
    caughtBy: ['delete.of-nothing-is-fine', 'resources.nothing-is-left'],
    perhapsBy: [
      'linearizable.register',
      'linearizable.conditional',
      'linearizable.metadata',
      'linearizable.across-instances',
    ],
    storage: class extends ReferenceStorage {
      override async delete(
        key: StorageKey,
        condition: VersionCondition | undefined,
        context: OperationContext,
      ): Promise<void> {
        await tick();
        if (this.kept(key) === undefined && condition === undefined) {
          throw new StorageError({ code: 'internal', message: 'No such file.' });
        }
        return super.delete(key, condition, context);
      }
    },
  }),
  fault({
    name: 'delete-removes-children',
    breaks: 'A delete removes all keys below its own.',
    caughtBy: ['delete.spares-neighbours'],
    storage: class extends ReferenceStorage {
      override async delete(
        key: StorageKey,
        condition: VersionCondition | undefined,
        context: OperationContext,
      ): Promise<void> {
        await super.delete(key, condition, context);
        for (const other of this.data.entries.keys()) {
          if (other.startsWith(`${this.full(key)}/`)) this.data.entries.delete(other);
        }
      }
    },
  }),
  fault({
    name: 'delete-by-prefix',
    breaks: 'A delete removes all keys that begin with its own.',
    caughtBy: ['delete.spares-neighbours'],
    storage: class extends ReferenceStorage {
      override async delete(
        key: StorageKey,
        condition: VersionCondition | undefined,
        context: OperationContext,
      ): Promise<void> {
        await super.delete(key, condition, context);
        for (const other of this.data.entries.keys()) {
          if (other.startsWith(this.full(key))) this.data.entries.delete(other);
        }
      }
    },
  }),
  fault({
    name: 'delete-removes-empty-parents',
    breaks: 'A delete of the last key of a folder removes the entry of the folder’s name.',
    caughtBy: ['delete.spares-neighbours'],
    storage: class extends ReferenceStorage {
      override async delete(
        key: StorageKey,
        condition: VersionCondition | undefined,
        context: OperationContext,
      ): Promise<void> {
        const there = this.kept(key) !== undefined;
        await super.delete(key, condition, context);
        const parent = this.full(key).slice(0, this.full(key).lastIndexOf('/'));
        const empty = ![...this.data.entries.keys()].some((other) => other.startsWith(`${parent}/`));
        if (there && empty) this.data.entries.delete(parent);
      }
    },
  }),
  fault({
    name: 'delete-keeps-the-metadata',
    breaks: 'An entry put after a delete gets the fields of the deleted one that it doesn’t give.',
    caughtBy: ['delete.makes-room-for-a-fresh-start'],
    storage: class extends ReferenceStorage {
      readonly #fields = new Map<string, StoredMetadata>();
      override async delete(
        key: StorageKey,
        condition: VersionCondition | undefined,
        context: OperationContext,
      ): Promise<void> {
        const stored = this.kept(key);
        if (stored?.metadata.cacheControl !== undefined) this.#fields.set(key, stored.metadata);
        return super.delete(key, condition, context);
      }
      override commit(key: StorageKey, bytes: Uint8Array, metadata: StoredMetadata): Version {
        return super.commit(key, bytes, { ...this.#fields?.get(key), ...metadata });
      }
    },
  }),
];
