import {
  type EntryInfo,
  type ListedEntry,
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
import { ReferenceStorage, type Stored, tick } from '../reference-storage.ts';

/** Replaces how an entry is committed; `commit` may take its time. */
abstract class SlowCommit extends ReferenceStorage {
  override async put(
    key: StorageKey,
    body: PutBody,
    metadata: StoredMetadata,
    condition: PutCondition | undefined,
    context: OperationContext,
  ): Promise<Version> {
    this.refuseUndeclared(condition);
    const bytes = await this.receive(body, context, key, metadata);
    await tick();
    context.signal.throwIfAborted();
    this.require(key, condition);
    return this.slowCommit(key, bytes, metadata);
  }

  abstract slowCommit(key: StorageKey, bytes: Uint8Array, metadata: StoredMetadata): Promise<Version>;
}

/** Changes metadata on its way in. */
function storingMetadata(change: (encoded: string) => string): typeof ReferenceStorage {
  return class extends ReferenceStorage {
    override commit(key: StorageKey, bytes: Uint8Array, metadata: StoredMetadata): Version {
      return super.commit(key, bytes, { ...metadata, encoded: change(metadata.encoded) });
    }
  };
}

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

/** Faults of what is stored beside the body. */
export const metadataFaults: readonly StorageFault[] = [
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
    name: 'metadata-lower-cased',
    breaks: 'Metadata comes back in lower case.',
    caughtBy: [
      'metadata.to-the-letter',
      'metadata.every-length',
      'metadata.set-replaces',
      'public.metadata-round-trip',
    ],
    storage: storingMetadata((encoded) => encoded.toLowerCase()),
  }),
  fault({
    name: 'metadata-sorted',
    breaks: 'Metadata is split at `;` and comes back in another order.',
    caughtBy: ['metadata.to-the-letter', 'metadata.every-length', 'metadata.set-replaces'],
    storage: storingMetadata((encoded) => (encoded.startsWith('v1;') ? encoded : encoded.split(';').sort().join(';'))),
  }),
  fault({
    name: 'metadata-percent-decoded',
    breaks: 'Percent signs in metadata are decoded.',
    caughtBy: ['metadata.to-the-letter', 'metadata.every-length', 'public.metadata-round-trip'],
    perhapsBy: ['metadata.set-replaces'],
    storage: storingMetadata((encoded) =>
      encoded.replace(/%([0-7][0-9a-f])/gi, (_, hex) => String.fromCharCode(Number.parseInt(hex, 16))),
    ),
  }),
  fault({
    name: 'metadata-unquoted',
    breaks: 'Quotes around metadata are taken away.',
    caughtBy: ['metadata.to-the-letter'],
    storage: storingMetadata((encoded) => encoded.replace(/^"(.*)"$/, '$1')),
  }),
  fault({
    name: 'metadata-cut-at-256',
    breaks: 'Of a metadata value, 256 bytes are kept.',
    caughtBy: ['metadata.every-length', 'metadata.set-replaces', 'public.metadata-round-trip', 'public.metadata-limit'],
    perhapsBy: ['metadata.to-the-letter'],
    storage: storingMetadata((encoded) => encoded.slice(0, 256)),
  }),
  fault({
    name: 'metadata-split-loses-a-byte',
    breaks: 'Metadata whose length is a multiple of 256 loses its last byte.',
    caughtBy: ['metadata.every-length', 'public.metadata-limit'],
    storage: storingMetadata((encoded) => (encoded.length % 256 === 0 ? encoded.slice(0, -1) : encoded)),
  }),
  fault({
    name: 'metadata-limit-overstated',
    breaks: 'The declared `maxMetadataBytes` is one more than what is kept.',
    caughtBy: ['metadata.every-length', 'public.metadata-limit'],
    storage: storingMetadata((encoded) => encoded.slice(0, 8_191)),
  }),
  fault({
    name: 'content-type-guessed',
    breaks: 'Content-Type is guessed instead of stored.',
    caughtBy: ['metadata.native-fields'],
    storage: class extends ReferenceStorage {
      override commit(key: StorageKey, bytes: Uint8Array, metadata: StoredMetadata): Version {
        return super.commit(key, bytes, { ...metadata, contentType: 'application/octet-stream' });
      }
    },
  }),
  fault({
    name: 'metadata-merged',
    breaks: 'Fields that an overwrite does not give are kept from before.',
    caughtBy: ['metadata.put-replaces-all'],
    storage: class extends ReferenceStorage {
      override commit(key: StorageKey, bytes: Uint8Array, metadata: StoredMetadata): Version {
        return super.commit(key, bytes, { ...this.data.entries.get(this.full(key))?.metadata, ...metadata });
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
  fault({
    name: 'expiry-ignored',
    breaks: '`nativeExpiry` is declared and nothing expires.',
    caughtBy: ['metadata.expiry-removes'],
    storage: class extends ReferenceStorage {
      override commit(key: StorageKey, bytes: Uint8Array, metadata: StoredMetadata): Version {
        return super.commit(key, bytes, { ...metadata, expiresAt: undefined });
      }
    },
  }),
  fault({
    name: 'expiry-in-seconds',
    breaks: '`expiresAt` is taken for seconds from now on, rounded down: everything is gone at once.',
    caughtBy: ['metadata.expiry-removes'],
    storage: class extends ReferenceStorage {
      override commit(key: StorageKey, bytes: Uint8Array, metadata: StoredMetadata): Version {
        const expiresAt = metadata.expiresAt && Math.min(metadata.expiresAt, Date.now() + 250);
        return super.commit(key, bytes, { ...metadata, expiresAt });
      }
    },
  }),
  fault({
    name: 'expiry-under-declared',
    breaks: '`nativeExpiry` is not declared and entries expire.',
    caughtBy: ['metadata.expiry-undeclared-keeps'],
    capabilities: { nativeExpiry: false },
    storage: class extends ReferenceStorage {
      override live(key: StorageKey): Stored | undefined {
        const stored = super.live(key);
        return (stored?.metadata.expiresAt ?? Number.POSITIVE_INFINITY) < Date.now() ? undefined : stored;
      }
    },
  }),
];

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
