import type { OperationContext, PutBody, StorageKey, StoredMetadata, Version, VersionCondition } from '@tintype/core';
import { fault, type StorageFault } from '../fault.ts';
import { ReferenceStorage, tick } from '../reference-storage.ts';
import { SlowCommit } from './slow-commit.ts';

/** Faults of what others see meanwhile. */
export const atomicFaults: readonly StorageFault[] = [
  fault({
    name: 'torn-overwrite',
    breaks: 'A streamed overwrite shows as far as it got.',
    caughtBy: ['atomic.overwrite-is-whole', 'atomic.body-with-its-metadata'],
    perhapsBy: [
      'errors.outlives-its-sweeping',
      'linearizable.register',
      'linearizable.conditional',
      'linearizable.metadata',
      'linearizable.across-instances',
    ],
    storage: class extends ReferenceStorage {
      override async receive(body: PutBody, _context: OperationContext, key: StorageKey): Promise<Uint8Array> {
        if (body.bytes) return body.bytes.slice();
        const before = this.data.entries.get(this.full(key));
        const chunks: Uint8Array[] = [];
        try {
          for await (const chunk of body.stream()) {
            chunks.push(chunk);
            if (before) this.commit(key, Buffer.concat(chunks), before.metadata);
          }
        } catch (error) {
          // It cleans up: only who looks meanwhile sees it.
          if (before) this.data.entries.set(this.full(key), before);
          throw error;
        }
        return new Uint8Array(Buffer.concat(chunks));
      }
    },
  }),
  fault({
    name: 'overwrite-by-delete-and-put',
    breaks: 'An overwrite deletes the old entry, pauses, and puts the new one.',
    caughtBy: ['atomic.overwrite-has-no-gap', 'conditions.create-race-has-one-winner'],
    perhapsBy: [
      'errors.outage-is-told',
      'linearizable.register',
      'linearizable.conditional',
      'linearizable.metadata',
      'linearizable.across-instances',
    ],
    storage: class extends SlowCommit {
      override async slowCommit(key: StorageKey, bytes: Uint8Array, metadata: StoredMetadata): Promise<Version> {
        this.data.entries.delete(this.full(key));
        await tick();
        await tick();
        return this.commit(key, bytes, metadata);
      }
    },
  }),
  fault({
    name: 'creation-shows-early',
    breaks: 'A new key shows as an empty entry while its body arrives.',
    caughtBy: ['atomic.creation-is-hidden', 'list.hides-the-unfinished'],
    storage: class extends ReferenceStorage {
      override async receive(
        body: PutBody,
        context: OperationContext,
        key: StorageKey,
        metadata: StoredMetadata,
      ): Promise<Uint8Array> {
        if (body.bytes || this.data.entries.has(this.full(key))) return super.receive(body, context, key, metadata);
        this.commit(key, new Uint8Array(0), metadata);
        try {
          return await super.receive(body, context, key, metadata);
        } finally {
          this.data.entries.delete(this.full(key));
        }
      }
    },
  }),
  fault({
    name: 'metadata-before-the-body',
    breaks: 'An overwrite replaces the metadata first and the body a moment later.',
    caughtBy: ['atomic.body-with-its-metadata', 'conditions.create-race-has-one-winner', 'conditions.replace-counts'],
    perhapsBy: [
      'errors.outage-is-told',
      'linearizable.register',
      'linearizable.conditional',
      'linearizable.metadata',
      'linearizable.across-instances',
    ],
    storage: class extends SlowCommit {
      override async slowCommit(key: StorageKey, bytes: Uint8Array, metadata: StoredMetadata): Promise<Version> {
        const before = this.data.entries.get(this.full(key));
        if (before) this.data.entries.set(this.full(key), { ...before, metadata });
        await tick();
        await tick();
        return this.commit(key, bytes, metadata);
      }
    },
  }),
  fault({
    name: 'reads-the-file-in-place',
    breaks: 'A body that is half read goes on with what an overwrite put there.',
    caughtBy: ['atomic.body-with-its-metadata', 'atomic.reader-keeps-its-entry'],
    perhapsBy: [
      'linearizable.register',
      'linearizable.conditional',
      'linearizable.metadata',
      'linearizable.across-instances',
    ],
    storage: class extends ReferenceStorage {
      override commit(key: StorageKey, bytes: Uint8Array, metadata: StoredMetadata): Version {
        const before = this.data.entries.get(this.full(key))?.bytes;
        const version = super.commit(key, bytes, metadata);
        // What a write without truncation does to whoever has the file open.
        before?.set(bytes.subarray(0, before.length));
        return version;
      }
    },
  }),
  fault({
    name: 'delete-cuts-readers-off',
    breaks: 'A body that is half read ends when its entry is deleted.',
    caughtBy: ['atomic.reader-survives-delete'],
    perhapsBy: [
      'linearizable.register',
      'linearizable.conditional',
      'linearizable.metadata',
      'linearizable.across-instances',
    ],
    storage: class extends ReferenceStorage {
      readonly deleted = new WeakSet<Uint8Array>();
      override async delete(
        key: StorageKey,
        condition: VersionCondition | undefined,
        context: OperationContext,
      ): Promise<void> {
        const bytes = this.kept(key)?.bytes;
        await super.delete(key, condition, context);
        if (bytes) this.deleted.add(bytes);
      }
      override bodyOf(bytes: Uint8Array, context: OperationContext): ReturnType<ReferenceStorage['bodyOf']> {
        const body = super.bodyOf(bytes, context);
        if (body.buffered !== undefined) return body;
        const { deleted } = this;
        return {
          buffered: undefined,
          bytes: () => body.bytes(),
          discard: () => body.discard(),
          async *stream() {
            for await (const chunk of body.stream()) {
              yield chunk;
              if (deleted.has(bytes)) return;
            }
          },
        };
      }
    },
  }),
  fault({
    name: 'temporary-name-per-key',
    breaks: 'Two puts of one key at the same time write into the same temporary file.',
    caughtBy: ['atomic.interleaved-puts', 'conditions.create-race-has-one-winner'],
    perhapsBy: ['linearizable.register'],
    storage: class extends ReferenceStorage {
      readonly #parts = new Map<string, Uint8Array[]>();
      override async receive(
        body: PutBody,
        context: OperationContext,
        key: StorageKey,
        metadata: StoredMetadata,
      ): Promise<Uint8Array> {
        if (body.bytes) return super.receive(body, context, key, metadata);
        const chunks = this.#parts.get(key) ?? [];
        this.#parts.set(key, chunks);
        try {
          for await (const chunk of body.stream()) chunks.push(chunk);
          return new Uint8Array(Buffer.concat(chunks));
        } finally {
          if (this.#parts.get(key) === chunks) this.#parts.delete(key);
        }
      }
    },
  }),
  fault({
    name: 'delete-then-append',
    breaks: 'A put whose key is deleted meanwhile stores what comes after.',
    caughtBy: ['atomic.delete-during-put'],
    storage: class extends ReferenceStorage {
      readonly #deleted = new Set<string>();
      override async delete(
        key: StorageKey,
        condition: VersionCondition | undefined,
        context: OperationContext,
      ): Promise<void> {
        await super.delete(key, condition, context);
        this.#deleted.add(key);
      }
      override async receive(
        body: PutBody,
        context: OperationContext,
        key: StorageKey,
        metadata: StoredMetadata,
      ): Promise<Uint8Array> {
        if (body.bytes) return super.receive(body, context, key, metadata);
        this.#deleted.delete(key);
        let chunks: Uint8Array[] = [];
        for await (const chunk of body.stream()) {
          if (this.#deleted.delete(key)) chunks = [];
          chunks.push(chunk);
        }
        return new Uint8Array(Buffer.concat(chunks));
      }
    },
  }),
  fault({
    name: 'retried-put-twice',
    breaks: 'A put is sent again a little later although the first was stored.',
    caughtBy: [
      'linearizable.register',
      'linearizable.conditional',
      'linearizable.metadata',
      'linearizable.across-instances',
    ],
    storage: class extends SlowCommit {
      override async slowCommit(key: StorageKey, bytes: Uint8Array, metadata: StoredMetadata): Promise<Version> {
        this.commit(key, bytes, metadata);
        await tick();
        await tick();
        return this.commit(key, bytes, metadata);
      }
    },
  }),
];
