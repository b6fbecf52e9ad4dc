import {
  type StorageCapabilities,
  StorageError,
  type StorageKey,
  type StorageUsage,
  type StoredMetadata,
  type Version,
} from '@tintype/core';
import { CappedReference } from '../capped-reference.ts';
import { fault, type StorageFault } from '../fault.ts';
import type { Stored } from '../reference-storage.ts';

/** Faults of storages with a limit. */
export const evictionFaults: readonly StorageFault[] = [
  fault({
    name: 'eviction-undeclared',
    breaks: 'It forgets on its own and does not say so.',
    caughtBy: ['eviction.is-declared'],
    capped: class extends CappedReference {
      override get capabilities(): StorageCapabilities {
        return { ...super.capabilities, evicts: false };
      }
    },
  }),
  fault({
    name: 'limit-ignored',
    breaks: 'The limit is read and never applied.',
    caughtBy: ['eviction.stays-within-its-limit'],
    capped: class extends CappedReference {
      protected override evict(): void {}
    },
  }),
  fault({
    name: 'limit-without-metadata',
    breaks: 'It declares bodies as large as its limit, and counts key and metadata as well when they come.',
    caughtBy: ['eviction.the-largest-fits'],
    capped: class extends CappedReference {
      override commit(key: StorageKey, bytes: Uint8Array, metadata: StoredMetadata): Version {
        if (key.length + metadata.encoded.length + bytes.length > this.maxBytes) {
          throw new StorageError({ code: 'too-large', message: 'The entry is larger than the limit.' });
        }
        return super.commit(key, bytes, metadata);
      }
    },
  }),
  fault({
    name: 'limit-of-a-body-ignored',
    breaks: 'A body above the largest that is declared is taken in, and the others go for it.',
    caughtBy: ['eviction.larger-is-refused'],
    capped: class extends CappedReference {
      override get capabilities(): StorageCapabilities {
        // Asked by the storage itself while a put is under way.
        return this.receiving ? { ...super.capabilities, maxObjectBytes: Number.MAX_SAFE_INTEGER } : super.capabilities;
      }
      protected receiving = false;
      override async put(...given: Parameters<CappedReference['put']>): Promise<Version> {
        this.receiving = true;
        try {
          return await super.put(...given);
        } finally {
          this.receiving = false;
        }
      }
    },
  }),
  fault({
    name: 'books-without-evictions',
    breaks: '`usage` counts what was put and forgets what was removed to keep the limit.',
    caughtBy: ['eviction.usage-is-told'],
    capped: class extends CappedReference {
      override usage(): StorageUsage {
        return { ...super.usage(), evicted: 0 };
      }
    },
  }),
  fault({
    name: 'eviction-clears-everything',
    breaks: 'When it is full it forgets everything, the new entry included.',
    caughtBy: ['eviction.takes-what-is-new'],
    perhapsBy: ['eviction.stays-within-its-limit'],
    capped: class extends CappedReference {
      protected override evict(): void {
        let total = 0;
        for (const stored of this.data.entries.values()) total += stored.bytes.length;
        if (total > this.maxBytes) this.data.entries.clear();
      }
    },
  }),
  fault({
    name: 'eviction-takes-the-newest',
    breaks: 'When it is full a new entry is dropped, and the put resolves.',
    caughtBy: ['eviction.takes-what-is-new'],
    capped: class extends CappedReference {
      protected override evict(): void {
        let total = 0;
        for (const stored of this.data.entries.values()) total += stored.bytes.length;
        const newest = [...this.data.entries.keys()].at(-1);
        if (total > this.maxBytes && newest !== undefined) this.data.entries.delete(newest);
      }
    },
  }),
  fault({
    name: 'evicted-body-is-empty',
    breaks: 'Of an evicted entry the body goes and the metadata stays.',
    caughtBy: ['eviction.is-never-wrong'],
    capped: class extends CappedReference {
      protected override evict(): void {
        const before = new Map(this.data.entries);
        super.evict();
        for (const [key, stored] of before) {
          if (!this.data.entries.has(key)) this.data.entries.set(key, { ...stored, bytes: new Uint8Array(0), crc: 0 });
        }
      }
    },
  }),
  fault({
    name: 'evicted-slot-is-reused',
    breaks: 'The place of an evicted body is taken by another while the old name still leads there.',
    caughtBy: ['eviction.is-never-wrong'],
    capped: class extends CappedReference {
      #evicted: readonly (readonly [string, Stored])[] = [];
      override commit(key: StorageKey, bytes: Uint8Array, metadata: StoredMetadata): Version {
        const version = super.commit(key, bytes, metadata);
        const stored = this.data.entries.get(this.full(key));
        for (const [name, old] of this.#evicted) {
          if (stored && !this.data.entries.has(name)) {
            this.data.entries.set(name, { ...stored, metadata: old.metadata, version: old.version });
          }
        }
        return version;
      }
      protected override evict(): void {
        const before = new Map(this.data.entries);
        super.evict();
        this.#evicted = [...before].filter(([key]) => !this.data.entries.has(key));
        // Only one of them, and it counts against the limit as any other.
        this.#evicted = this.#evicted.slice(0, 1);
      }
    },
  }),
];
