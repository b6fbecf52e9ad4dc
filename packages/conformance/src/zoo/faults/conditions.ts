import {
  type OperationContext,
  type PutBody,
  type PutCondition,
  StorageError,
  type StorageKey,
  type StoredMetadata,
  type Version,
  type VersionCondition,
} from '@tintype/core';
import { fault, type StorageFault } from '../fault.ts';
import { ReferenceStorage, tick } from '../reference-storage.ts';
import { SlowCommit } from './slow-commit.ts';

/** Faults of writes that depend on what is there. */
export const conditionFaults: readonly StorageFault[] = [
  fault({
    name: 'create-checked-on-arrival',
    breaks: '`ifAbsent` is checked when the put arrives, not when it is stored.',
    caughtBy: ['conditions.create-race-has-one-winner'],
    perhapsBy: ['linearizable.conditional'],
    storage: class extends ReferenceStorage {
      override async put(
        key: StorageKey,
        body: PutBody,
        metadata: StoredMetadata,
        condition: PutCondition | undefined,
        context: OperationContext,
      ): Promise<Version> {
        const creating = condition !== undefined && 'ifAbsent' in condition;
        if (creating) this.require(key, condition);
        return super.put(key, body, metadata, creating ? undefined : condition, context);
      }
    },
  }),
  fault({
    name: 'conditions-locked-in-one-instance',
    breaks: 'Conditional writes take turns within an instance, and not with those of another one.',
    caughtBy: ['conditions.instances-race-to-create', 'conditions.instances-count'],
    perhapsBy: ['linearizable.conditional'],
    storage: class extends ReferenceStorage {
      #last: Promise<unknown> = Promise.resolve();
      override async put(...given: Parameters<ReferenceStorage['put']>): Promise<Version> {
        const [key, body, metadata, condition, context] = given;
        if (condition === undefined) return super.put(...given);
        const bytes = await this.receive(body, context, key, metadata);
        const mine = this.#last.then(async () => {
          this.require(key, condition);
          // Long enough for another instance to come in between.
          for (let i = 0; i < 4; i++) await tick();
          context.signal.throwIfAborted();
          return this.commit(key, bytes, metadata);
        });
        this.#last = mine.catch(() => undefined);
        return mine;
      }
    },
  }),
  fault({
    name: 'create-ignored',
    breaks: '`conditionalCreate` is declared and overwrites.',
    caughtBy: ['conditions.create-over-an-entry-is-refused', 'conditions.create-race-has-one-winner'],
    perhapsBy: ['linearizable.conditional'],
    storage: class extends ReferenceStorage {
      override require(key: StorageKey, condition: PutCondition | undefined): void {
        if (condition === undefined || !('ifAbsent' in condition)) super.require(key, condition);
      }
    },
  }),
  fault({
    name: 'create-once-for-ever',
    breaks: 'A key that was deleted cannot be created again with `ifAbsent`.',
    caughtBy: ['conditions.create-when-absent'],
    perhapsBy: ['linearizable.conditional'],
    storage: class extends ReferenceStorage {
      readonly #known = new Set<string>();
      override require(key: StorageKey, condition: PutCondition | undefined): void {
        super.require(key, condition);
        if (condition && 'ifAbsent' in condition && this.#known.has(key)) {
          throw new StorageError({ code: 'precondition-failed', message: 'There was one.' });
        }
      }
      override commit(key: StorageKey, bytes: Uint8Array, metadata: StoredMetadata): Version {
        this.#known?.add(key);
        return super.commit(key, bytes, metadata);
      }
    },
  }),
  fault({
    name: 'create-refusal-is-a-conflict',
    breaks: '`ifAbsent` over an entry is refused as `conflict`, which says: try again.',
    caughtBy: ['conditions.create-over-an-entry-is-refused'],
    storage: class extends ReferenceStorage {
      override require(key: StorageKey, condition: PutCondition | undefined): void {
        if (condition && 'ifAbsent' in condition && this.live(key)) {
          throw new StorageError({ code: 'conflict', message: 'There is one.' });
        }
        super.require(key, condition);
      }
    },
  }),
  fault({
    name: 'create-under-declared',
    breaks: '`conditionalCreate` is not declared and works.',
    caughtBy: ['conditions.create-undeclared-is-refused'],
    capabilities: { conditionalCreate: false },
    storage: class extends ReferenceStorage {
      override refuseUndeclared(): void {}
    },
  }),
  fault({
    name: 'create-refused-after-reading',
    breaks: '`ifAbsent` is not declared and refused only after the body was read.',
    caughtBy: ['conditions.create-undeclared-is-refused'],
    capabilities: { conditionalCreate: false },
    storage: class extends ReferenceStorage {
      override async put(
        key: StorageKey,
        body: PutBody,
        metadata: StoredMetadata,
        condition: PutCondition | undefined,
        context: OperationContext,
      ): Promise<Version> {
        const late = condition !== undefined && 'ifAbsent' in condition;
        if (late) await this.receive(body, context, key, metadata);
        return super.put(key, body, metadata, condition, context);
      }
    },
  }),
  fault({
    name: 'replace-ignored',
    breaks: '`conditionalReplace` is declared and always overwrites an entry.',
    caughtBy: [
      'conditions.replace-stale-is-refused',
      'conditions.replace-after-metadata-is-refused',
      'conditions.versions-are-not-reused',
      'conditions.replace-counts',
    ],
    perhapsBy: ['linearizable.conditional'],
    storage: class extends ReferenceStorage {
      override async put(
        key: StorageKey,
        body: PutBody,
        metadata: StoredMetadata,
        condition: PutCondition | undefined,
        context: OperationContext,
      ): Promise<Version> {
        const replacing = condition !== undefined && 'ifVersion' in condition && this.live(key) !== undefined;
        return super.put(key, body, metadata, replacing ? undefined : condition, context);
      }
    },
  }),
  fault({
    name: 'replace-refuses-the-current',
    breaks: 'A put with the current version is refused when the body is a stream or long.',
    caughtBy: ['conditions.replace-current'],
    perhapsBy: ['linearizable.register'],
    storage: class extends ReferenceStorage {
      override async put(
        key: StorageKey,
        body: PutBody,
        metadata: StoredMetadata,
        condition: PutCondition | undefined,
        context: OperationContext,
      ): Promise<Version> {
        if (condition && 'ifVersion' in condition && body.bytes !== undefined && body.bytes.length === 25) {
          throw new StorageError({ code: 'precondition-failed', message: 'The version differs.' });
        }
        return super.put(key, body, metadata, condition, context);
      }
    },
  }),
  fault({
    name: 'replace-creates',
    breaks: 'A put with a version over nothing creates an entry.',
    caughtBy: ['conditions.replace-missing-is-refused'],
    perhapsBy: ['linearizable.conditional'],
    storage: class extends ReferenceStorage {
      override async put(
        key: StorageKey,
        body: PutBody,
        metadata: StoredMetadata,
        condition: PutCondition | undefined,
        context: OperationContext,
      ): Promise<Version> {
        const replacing = condition !== undefined && 'ifVersion' in condition;
        await tick();
        return super.put(
          key,
          body,
          metadata,
          replacing && this.live(key) === undefined ? undefined : condition,
          context,
        );
      }
    },
  }),
  fault({
    name: 'replace-checks-then-writes',
    breaks: 'A put with a version compares, pauses, and writes: updates get lost.',
    caughtBy: ['conditions.create-race-has-one-winner', 'conditions.replace-counts'],
    perhapsBy: ['linearizable.conditional'],
    storage: class extends SlowCommit {
      override async slowCommit(key: StorageKey, bytes: Uint8Array, metadata: StoredMetadata): Promise<Version> {
        await tick();
        return this.commit(key, bytes, metadata);
      }
    },
  }),
  fault({
    name: 'versions-come-again',
    breaks: 'Versions count from one again after a delete.',
    caughtBy: ['conditions.versions-are-not-reused'],
    storage: class extends ReferenceStorage {
      override commit(key: StorageKey, bytes: Uint8Array, metadata: StoredMetadata): Version {
        const before = this.data.entries.get(this.full(key))?.version;
        super.commit(key, bytes, metadata);
        const stored = this.data.entries.get(this.full(key));
        const version = `n${Number(before?.slice(1) ?? 0) + 1}` as Version;
        if (stored) this.data.entries.set(this.full(key), { ...stored, version });
        return version;
      }
    },
  }),
  fault({
    name: 'replace-under-declared',
    breaks: '`conditionalReplace` is not declared and the condition is ignored.',
    caughtBy: ['conditions.replace-undeclared-is-refused'],
    capabilities: { conditionalReplace: false },
    storage: class extends ReferenceStorage {
      override async put(
        key: StorageKey,
        body: PutBody,
        metadata: StoredMetadata,
        condition: PutCondition | undefined,
        context: OperationContext,
      ): Promise<Version> {
        const replacing = condition !== undefined && 'ifVersion' in condition;
        return super.put(key, body, metadata, replacing ? undefined : condition, context);
      }
    },
  }),
  fault({
    name: 'conditional-delete-ignored',
    breaks: '`conditionalDelete` is declared and always deletes.',
    caughtBy: ['conditions.delete-stale-is-refused'],
    perhapsBy: ['linearizable.conditional'],
    storage: class extends ReferenceStorage {
      override async delete(
        key: StorageKey,
        condition: VersionCondition | undefined,
        context: OperationContext,
      ): Promise<void> {
        const there = this.kept(key) !== undefined;
        return super.delete(key, there ? undefined : condition, context);
      }
    },
  }),
  fault({
    name: 'conditional-delete-refuses-all',
    breaks: 'A delete with the current version is refused.',
    caughtBy: ['conditions.delete-current'],
    perhapsBy: ['linearizable.conditional'],
    storage: class extends ReferenceStorage {
      override async delete(
        key: StorageKey,
        condition: VersionCondition | undefined,
        context: OperationContext,
      ): Promise<void> {
        if (condition) throw new StorageError({ code: 'precondition-failed', message: 'The version differs.' });
        return super.delete(key, condition, context);
      }
    },
  }),
  fault({
    name: 'conditional-delete-of-nothing',
    breaks: 'A delete with a version of a missing key resolves.',
    caughtBy: ['conditions.delete-missing-is-refused'],
    perhapsBy: ['linearizable.conditional'],
    storage: class extends ReferenceStorage {
      override async delete(
        key: StorageKey,
        condition: VersionCondition | undefined,
        context: OperationContext,
      ): Promise<void> {
        await tick();
        return super.delete(key, this.kept(key) ? condition : undefined, context);
      }
    },
  }),
  fault({
    name: 'conditional-delete-checks-then-deletes',
    breaks: 'A delete with a version compares, pauses, and deletes whatever is there by then.',
    caughtBy: ['conditions.delete-loses-to-a-put'],
    perhapsBy: ['linearizable.conditional'],
    storage: class extends ReferenceStorage {
      override async delete(
        key: StorageKey,
        condition: VersionCondition | undefined,
        context: OperationContext,
      ): Promise<void> {
        if (condition === undefined) return super.delete(key, condition, context);
        this.require(key, condition);
        await tick();
        await tick();
        this.data.entries.delete(this.full(key));
      }
    },
  }),
  fault({
    name: 'conditional-delete-under-declared',
    breaks: '`conditionalDelete` is not declared and works.',
    caughtBy: ['conditions.delete-undeclared-is-refused'],
    capabilities: { conditionalDelete: false },
    storage: class extends ReferenceStorage {
      override async delete(
        key: StorageKey,
        condition: VersionCondition | undefined,
        context: OperationContext,
      ): Promise<void> {
        this.require(key, condition);
        return super.delete(key, undefined, context);
      }
    },
  }),
  fault({
    name: 'refusal-leaves-the-body-running',
    breaks: 'A put that is refused leaves the stream it had begun to read.',
    caughtBy: ['conditions.refusal-releases-the-body'],
    storage: class extends ReferenceStorage {
      override async put(
        key: StorageKey,
        body: PutBody,
        metadata: StoredMetadata,
        condition: PutCondition | undefined,
        context: OperationContext,
      ): Promise<Version> {
        const refused = condition !== undefined && 'ifAbsent' in condition && this.live(key) !== undefined;
        if (!refused || body.bytes !== undefined) return super.put(key, body, metadata, condition, context);
        await body.stream()[Symbol.asyncIterator]().next();
        throw new StorageError({ code: 'precondition-failed', message: 'There is an entry already.' });
      }
    },
  }),
];
