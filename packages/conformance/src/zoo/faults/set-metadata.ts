import {
  type EntryInfo,
  type OperationContext,
  StorageError,
  type StorageKey,
  type StoredMetadata,
  type Version,
  type VersionCondition,
} from '@tintype/core';
import { fault, type StorageFault } from '../fault.ts';
import { ReferenceStorage, tick } from '../reference-storage.ts';

/** Faults of changing metadata alone. */
export const setMetadataFaults: readonly StorageFault[] = [
  fault({
    name: 'metadata-set-gives-up',
    breaks: 'A setMetadata that a put comes before is refused, whether or not it had a condition.',
    caughtBy: ['metadata.set-needs-no-version'],
    perhapsBy: ['linearizable.metadata'],
    storage: class extends ReferenceStorage {
      override async setMetadata(
        key: StorageKey,
        metadata: StoredMetadata,
        condition: VersionCondition | undefined,
        context: OperationContext,
      ): Promise<Version | undefined> {
        const ifVersion = this.live(key)?.version;
        return super.setMetadata(key, metadata, condition ?? (ifVersion && { ifVersion }), context);
      }
    },
  }),
  fault({
    name: 'set-metadata-ignored',
    breaks: '`setMetadata` answers a version and changes nothing.',
    caughtBy: [
      'metadata.set-replaces',
      'metadata.set-gives-a-new-version',
      'metadata.set-current',
      'metadata.set-stale-is-refused',
      'conditions.replace-after-metadata-is-refused',
    ],
    perhapsBy: ['linearizable.metadata'],
    storage: class extends ReferenceStorage {
      override async setMetadata(key: StorageKey): Promise<Version | undefined> {
        await tick();
        return this.live(key)?.version;
      }
    },
  }),
  fault({
    name: 'stat-after-set-is-cached',
    breaks: 'After `setMetadata`, `stat` shows the old metadata.',
    caughtBy: ['metadata.set-replaces'],
    perhapsBy: ['linearizable.metadata'],
    storage: class extends ReferenceStorage {
      readonly #cached = new Map<string, EntryInfo>();
      override async stat(key: StorageKey, context: OperationContext): Promise<EntryInfo | undefined> {
        const fresh = await super.stat(key, context);
        const cached = this.#cached.get(key);
        return fresh && cached ? { ...fresh, metadata: cached.metadata } : fresh;
      }
      override async setMetadata(
        key: StorageKey,
        metadata: StoredMetadata,
        condition: VersionCondition | undefined,
        context: OperationContext,
      ): Promise<Version | undefined> {
        const before = await super.stat(key, context);
        const version = await super.setMetadata(key, metadata, condition, context);
        if (before && version) this.#cached.set(key, before);
        return version;
      }
      override commit(key: StorageKey, bytes: Uint8Array, metadata: StoredMetadata): Version {
        this.#cached?.delete(key);
        return super.commit(key, bytes, metadata);
      }
    },
  }),
  fault({
    name: 'set-metadata-cuts-the-body',
    breaks: '`setMetadata` keeps the first 128 KiB of the body.',
    caughtBy: ['metadata.set-keeps-the-bytes'],
    storage: class extends ReferenceStorage {
      override async setMetadata(
        key: StorageKey,
        metadata: StoredMetadata,
        condition: VersionCondition | undefined,
        context: OperationContext,
      ): Promise<Version | undefined> {
        const version = await super.setMetadata(key, metadata, condition, context);
        const stored = this.live(key);
        if (stored) this.data.entries.set(this.full(key), { ...stored, bytes: stored.bytes.subarray(0, 131_072) });
        return version;
      }
    },
  }),
  fault({
    name: 'set-metadata-keeps-the-version',
    breaks: '`setMetadata` keeps the version, and `versionCoversMetadata` is declared.',
    caughtBy: ['metadata.set-gives-a-new-version', 'conditions.replace-after-metadata-is-refused'],
    storage: class extends ReferenceStorage {
      override async setMetadata(
        key: StorageKey,
        metadata: StoredMetadata,
        condition: VersionCondition | undefined,
        context: OperationContext,
      ): Promise<Version | undefined> {
        await tick();
        context.signal.throwIfAborted();
        this.require(key, condition);
        const stored = this.live(key);
        if (stored === undefined) return undefined;
        this.data.entries.set(this.full(key), { ...stored, metadata });
        return stored.version;
      }
    },
  }),
  fault({
    name: 'set-metadata-returns-the-old-version',
    breaks: '`setMetadata` returns the version from before.',
    caughtBy: ['metadata.set-gives-a-new-version', 'metadata.set-returns-the-version'],
    perhapsBy: ['get.large-stream-is-exact', 'linearizable.metadata'],
    storage: class extends ReferenceStorage {
      override async setMetadata(
        key: StorageKey,
        metadata: StoredMetadata,
        condition: VersionCondition | undefined,
        context: OperationContext,
      ): Promise<Version | undefined> {
        const before = this.live(key)?.version;
        const version = await super.setMetadata(key, metadata, condition, context);
        return version && (before ?? version);
      }
    },
  }),
  fault({
    name: 'set-metadata-of-nothing-throws',
    breaks: '`setMetadata` of a missing key rejects.',
    caughtBy: ['metadata.set-of-nothing'],
    perhapsBy: ['get.large-stream-is-exact'],
    storage: class extends ReferenceStorage {
      override async setMetadata(
        key: StorageKey,
        metadata: StoredMetadata,
        condition: VersionCondition | undefined,
        context: OperationContext,
      ): Promise<Version | undefined> {
        const version = await super.setMetadata(key, metadata, condition, context);
        if (version === undefined) throw new StorageError({ code: 'precondition-failed', message: 'No such entry.' });
        return version;
      }
    },
  }),
  fault({
    name: 'set-metadata-creates',
    breaks: '`setMetadata` of a missing key makes an empty entry.',
    caughtBy: ['metadata.set-never-creates', 'metadata.set-does-not-revive'],
    perhapsBy: ['linearizable.metadata'],
    storage: class extends ReferenceStorage {
      override async setMetadata(
        key: StorageKey,
        metadata: StoredMetadata,
        condition: VersionCondition | undefined,
        context: OperationContext,
      ): Promise<Version | undefined> {
        const version = await super.setMetadata(key, metadata, condition, context);
        if (version === undefined) this.commit(key, new Uint8Array(0), metadata);
        return version;
      }
    },
  }),
  fault({
    name: 'set-metadata-ignores-the-condition',
    breaks: '`setMetadata` with an older version works.',
    caughtBy: ['metadata.set-stale-is-refused'],
    storage: class extends ReferenceStorage {
      override async setMetadata(
        key: StorageKey,
        metadata: StoredMetadata,
        _condition: VersionCondition | undefined,
        context: OperationContext,
      ): Promise<Version | undefined> {
        return super.setMetadata(key, metadata, undefined, context);
      }
    },
  }),
  fault({
    name: 'set-metadata-refuses-the-current',
    breaks: '`setMetadata` with a condition is always refused.',
    caughtBy: ['metadata.set-current'],
    storage: class extends ReferenceStorage {
      override async setMetadata(
        key: StorageKey,
        metadata: StoredMetadata,
        condition: VersionCondition | undefined,
        context: OperationContext,
      ): Promise<Version | undefined> {
        if (condition) throw new StorageError({ code: 'precondition-failed', message: 'The version differs.' });
        return super.setMetadata(key, metadata, condition, context);
      }
    },
  }),
  fault({
    name: 'refresh-undoes-a-put',
    breaks: 'A conditional `setMetadata` checks the version, pauses, and writes the body it had read.',
    caughtBy: ['metadata.set-loses-to-a-put'],
    storage: class extends ReferenceStorage {
      override async setMetadata(
        key: StorageKey,
        metadata: StoredMetadata,
        condition: VersionCondition | undefined,
        context: OperationContext,
      ): Promise<Version | undefined> {
        if (condition === undefined) return super.setMetadata(key, metadata, condition, context);
        await tick();
        this.require(key, condition);
        const stored = this.live(key);
        if (stored === undefined) return undefined;
        await tick();
        if (this.live(key) === undefined) return undefined;
        return this.commit(key, stored.bytes, metadata);
      }
    },
  }),
  fault({
    name: 'refresh-revives',
    breaks: 'A `setMetadata` that meets a delete puts the entry back.',
    caughtBy: ['metadata.set-does-not-revive'],
    storage: class extends ReferenceStorage {
      override async setMetadata(
        key: StorageKey,
        metadata: StoredMetadata,
        condition: VersionCondition | undefined,
        context: OperationContext,
      ): Promise<Version | undefined> {
        if (condition === undefined) return super.setMetadata(key, metadata, condition, context);
        this.require(key, condition);
        const stored = this.live(key);
        await tick();
        await tick();
        if (stored && this.live(key) === undefined) return this.commit(key, stored.bytes, metadata);
        return super.setMetadata(key, metadata, condition, context);
      }
    },
  }),
  fault({
    name: 'conditional-metadata-under-declared',
    breaks: '`conditionalMetadata` is not declared and works.',
    caughtBy: ['metadata.undeclared-condition-is-refused'],
    capabilities: { conditionalMetadata: false },
    storage: class extends ReferenceStorage {
      override async setMetadata(
        key: StorageKey,
        metadata: StoredMetadata,
        condition: VersionCondition | undefined,
        context: OperationContext,
      ): Promise<Version | undefined> {
        this.require(key, condition);
        return super.setMetadata(key, metadata, undefined, context);
      }
    },
  }),
  fault({
    name: 'conditional-metadata-ignored',
    breaks: '`conditionalMetadata` is not declared and the condition is ignored.',
    caughtBy: ['metadata.undeclared-condition-is-refused'],
    capabilities: { conditionalMetadata: false },
    storage: class extends ReferenceStorage {
      override async setMetadata(
        key: StorageKey,
        metadata: StoredMetadata,
        _: VersionCondition | undefined,
        context: OperationContext,
      ): Promise<Version | undefined> {
        return super.setMetadata(key, metadata, undefined, context);
      }
    },
  }),
];
