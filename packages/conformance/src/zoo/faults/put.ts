import { crc32 } from 'node:zlib';
import {
  collect,
  type OperationContext,
  type PutBody,
  type PutCondition,
  type StorageKey,
  type StoredMetadata,
  type Version,
} from '@tintype/core';
import { fault, type StorageFault } from '../fault.ts';
import { ReferenceStorage, tick } from '../reference-storage.ts';
import { receiving } from './receiving.ts';

/** Faults of storing bodies. */
export const putFaults: readonly StorageFault[] = [
  fault({
    name: 'write-behind',
    breaks: 'A put resolves before it can be seen.',
    caughtBy: ['put.visible-when-resolved'],
    // How much else comes too early depends on the time that passes.
    perhapsBy: [
      'lifecycle.instances-are-independent',
      'lifecycle.check-leaves-nothing',
      'get.bytes-are-exact',
      'get.empty-body',
      'get.large-bodies-are-exact',
      'get.large-stream-is-exact',
      'get.chunks-are-not-reused',
      'put.overwrite-replaces',
      'put.streams-of-unknown-length',
      'put.streams-of-known-length',
      'put.copies-the-callers-buffer',
      'put.version-is-current',
      'put.outcome-is-true',
      'put.concurrent-keys',
      'atomic.interleaved-puts',
      'metadata.to-the-letter',
      'metadata.every-length',
      'metadata.native-fields',
      'conditions.create-when-absent',
      'conditions.create-race-has-one-winner',
      'list.is-complete',
      'list.many-keys',
      'list.byte-order',
      'list.any-prefix',
      'list.empty-prefix',
      'list.after-is-exclusive',
      'list.while-changing',
      'list.may-be-left-early',
      'keys.longest',
      'keys.key-beside-its-extension',
      'keys.nearly-equal',
      'keys.look-like-something-else',
      'keys.operator-prefix-is-not-folded',
      'lifecycle.close-releases',
      'metadata.expiry-removes',
      'keys.alphabet',
      'lifecycle.close-frees-unread-bodies',
      'linearizable.register',
      'linearizable.conditional',
      'linearizable.metadata',
      'linearizable.across-instances',
      'resources.nothing-is-left',
      'public.metadata-round-trip',
      'public.metadata-limit',
      'public.replayable-put-is-retried',
      'public.nothing-is-applied-twice',
    ],
    storage: class extends ReferenceStorage {
      override commit(key: StorageKey, bytes: Uint8Array, metadata: StoredMetadata): Version {
        const before = this.data.entries.get(this.full(key));
        const version = super.commit(key, bytes, metadata);
        const after = this.data.entries.get(this.full(key));
        if (after === undefined) return version;
        if (before) this.data.entries.set(this.full(key), before);
        else this.data.entries.delete(this.full(key));
        setTimeout(() => this.data.entries.set(this.full(key), after), 3);
        return version;
      }
    },
  }),
  fault({
    name: 'last-writer-loses',
    breaks: 'A put over an entry of the same size is dropped, since nothing seems to change.',
    caughtBy: [
      'put.overwrite-replaces',
      'put.outcome-is-true',
      'metadata.put-replaces-all',
      'metadata.set-replaces',
      'metadata.set-returns-the-version',
      'metadata.set-current',
      'conditions.replace-after-metadata-is-refused',
      'conditions.replace-counts',
      'public.replayable-put-is-retried',
    ],
    perhapsBy: [
      'linearizable.register',
      'linearizable.conditional',
      'linearizable.metadata',
      'linearizable.across-instances',
    ],
    storage: class extends ReferenceStorage {
      override commit(key: StorageKey, bytes: Uint8Array, metadata: StoredMetadata): Version {
        const old = this.data.entries.get(this.full(key));
        if (old?.bytes.length === bytes.length) return this.data.nextVersion();
        return super.commit(key, bytes, metadata);
      }
    },
  }),
  fault({
    name: 'overwrite-keeps-the-tail',
    breaks: 'A shorter body over a longer one keeps the rest of it.',
    caughtBy: ['put.overwrite-replaces', 'atomic.body-with-its-metadata'],
    perhapsBy: [
      'linearizable.register',
      'linearizable.conditional',
      'linearizable.metadata',
      'linearizable.across-instances',
    ],
    storage: class extends ReferenceStorage {
      override async put(
        key: StorageKey,
        body: PutBody,
        metadata: StoredMetadata,
        condition: PutCondition | undefined,
        context: OperationContext,
      ): Promise<Version> {
        const before = this.data.entries.get(this.full(key))?.bytes;
        const version = await super.put(key, body, metadata, condition, context);
        const stored = this.data.entries.get(this.full(key));
        if (stored && before && before.length > stored.bytes.length + 300) {
          const bytes = Buffer.concat([stored.bytes, before.subarray(stored.bytes.length)]);
          this.data.entries.set(this.full(key), { ...stored, bytes });
        }
        return version;
      }
    },
  }),
  fault({
    name: 'ends-at-an-empty-chunk',
    breaks: 'An empty chunk is taken for the end of the stream.',
    caughtBy: ['put.streams-of-unknown-length'],
    storage: receiving(async (_, body) => {
      if (body.bytes !== undefined) return body.bytes.slice();
      const chunks: Uint8Array[] = [];
      for await (const chunk of body.stream()) {
        if (chunk.length === 0) break;
        chunks.push(chunk);
      }
      return Buffer.concat(chunks);
    }),
  }),
  fault({
    name: 'rounds-the-declared-length',
    breaks: 'A stream of known length is stored up to its last full kibibyte.',
    caughtBy: ['put.streams-of-known-length', 'public.replayable-put-is-retried'],
    storage: receiving(async (_, body) => {
      const bytes = body.bytes?.slice() ?? (await collect(body.stream()));
      const known = body.bytes === undefined && body.size !== undefined;
      return new Uint8Array(known ? bytes.subarray(0, bytes.length - (bytes.length % 1024)) : bytes);
    }),
  }),
  fault({
    name: 'reads-the-body-twice',
    breaks: 'The body is read once for its digest and once to send it, replayable or not.',
    caughtBy: ['put.reads-the-body-once', 'public.nothing-is-applied-twice'],
    storage: receiving(async (_, body) => {
      if (body.bytes !== undefined) return body.bytes.slice();
      const bytes = new Uint8Array(await collect(body.stream()));
      try {
        for await (const _chunk of body.stream()) break;
      } catch {}
      return bytes;
    }),
  }),
  fault({
    name: 'keeps-the-callers-buffer',
    breaks: 'The caller’s buffer becomes the entry.',
    caughtBy: ['put.copies-the-callers-buffer'],
    storage: receiving(async (_, body) => body.bytes ?? new Uint8Array(await collect(body.stream()))),
  }),
  fault({
    name: 'encrypts-in-place',
    breaks: 'The put writes into the caller’s buffer.',
    caughtBy: [
      'lifecycle.instances-are-independent',
      'lifecycle.check-leaves-nothing',
      'get.bytes-are-exact',
      'get.large-bodies-are-exact',
      'get.chunks-are-not-reused',
      'put.overwrite-replaces',
      'put.spares-the-callers-buffer',
      'put.concurrent-keys',
      'conditions.create-when-absent',
      'keys.alphabet',
      'keys.longest',
      'keys.key-beside-its-extension',
      'keys.nearly-equal',
      'keys.look-like-something-else',
      'keys.operator-prefix-is-not-folded',
      'public.replayable-put-is-retried',
      'public.nothing-is-applied-twice',
    ],
    storage: receiving(async (_, body) => {
      const bytes = new Uint8Array(body.bytes ?? (await collect(body.stream())));
      if (body.bytes) body.bytes[0] = (body.bytes[0] ?? 0) ^ 1;
      return bytes;
    }),
  }),
  fault({
    name: 'encrypts-chunks-in-place',
    breaks: 'The put writes into the chunks of a stream.',
    caughtBy: ['put.spares-the-callers-buffer'],
    storage: receiving(async (_, body) => {
      if (body.bytes) return body.bytes.slice();
      const chunks: Uint8Array[] = [];
      for await (const chunk of body.stream()) {
        chunks.push(chunk.slice());
        if (chunk.length === 10_000) chunk[0] = (chunk[0] ?? 0) ^ 1;
      }
      return Buffer.concat(chunks);
    }),
  }),
  fault({
    name: 'gives-chunks-back-too-early',
    breaks: 'A put gives the chunks of a stream back and writes them afterwards.',
    caughtBy: [
      'get.large-stream-is-exact',
      'put.streams-of-unknown-length',
      'put.streams-of-known-length',
      'put.gives-back-what-it-is-done-with',
      'put.concurrent-keys',
      'atomic.overwrite-is-whole',
      'atomic.interleaved-puts',
      'conditions.create-when-absent',
    ],
    // They write streams too, whose end they may not see, or not as the winner.
    perhapsBy: [
      'atomic.body-with-its-metadata',
      'atomic.delete-during-put',
      'conditions.create-race-has-one-winner',
      'errors.outlives-its-sweeping',
      'linearizable.register',
      'linearizable.conditional',
      'linearizable.metadata',
      'linearizable.across-instances',
    ],
    storage: receiving(async (_, body) => {
      if (body.bytes) return body.bytes.slice();
      const chunks: Uint8Array[] = [];
      const stream = body.stream();
      for await (const chunk of stream) {
        chunks.push(chunk);
        stream.recycle?.(chunk);
      }
      return Buffer.concat(chunks);
    }),
  }),
  fault({
    name: 'gives-chunks-back-twice',
    breaks: 'A put gives each chunk of a stream back when it was written, and all of them at its end.',
    caughtBy: ['put.gives-back-what-it-is-done-with'],
    storage: receiving(async (_, body) => {
      if (body.bytes) return body.bytes.slice();
      const copies: Uint8Array[] = [];
      const chunks: Uint8Array[] = [];
      const stream = body.stream();
      for await (const chunk of stream) {
        copies.push(chunk.slice());
        chunks.push(chunk);
        stream.recycle?.(chunk);
      }
      for (const chunk of chunks) stream.recycle?.(chunk);
      return Buffer.concat(copies);
    }),
  }),
  fault({
    name: 'gives-its-own-memory-back',
    breaks: 'A put gives back the buffer that it has copied the chunks of a stream to.',
    caughtBy: ['put.gives-back-what-it-is-done-with'],
    storage: receiving(async (_, body) => {
      if (body.bytes) return body.bytes.slice();
      const stream = body.stream();
      const bytes = new Uint8Array(await collect(stream));
      stream.recycle?.(bytes);
      return bytes;
    }),
  }),
  fault({
    name: 'returns-the-old-version',
    breaks: 'An overwrite returns the version of what it replaced.',
    caughtBy: [
      'put.version-is-current',
      'put.version-changes',
      'put.version-changes-with-same-bytes',
      'put.outcome-is-true',
      'metadata.set-gives-a-new-version',
      'metadata.set-returns-the-version',
      'conditions.replace-current',
      'public.replayable-put-is-retried',
    ],
    perhapsBy: [
      'linearizable.register',
      'linearizable.conditional',
      'linearizable.metadata',
      'linearizable.across-instances',
    ],
    storage: class extends ReferenceStorage {
      override commit(key: StorageKey, bytes: Uint8Array, metadata: StoredMetadata): Version {
        const before = this.data.entries.get(this.full(key))?.version;
        const version = super.commit(key, bytes, metadata);
        return before ?? version;
      }
    },
  }),
  fault({
    name: 'version-is-the-length',
    breaks: 'The version of an entry is the length of its body.',
    caughtBy: [
      'put.version-changes',
      'put.version-changes-with-same-bytes',
      'metadata.set-gives-a-new-version',
      'conditions.replace-after-metadata-is-refused',
      'conditions.versions-are-not-reused',
      'conditions.replace-counts',
    ],
    storage: class extends ReferenceStorage {
      override commit(key: StorageKey, bytes: Uint8Array, metadata: StoredMetadata): Version {
        const version = super.commit(key, bytes, metadata);
        const stored = this.data.entries.get(this.full(key));
        if (stored === undefined) return version;
        const mine = `length-${bytes.length}` as Version;
        this.data.entries.set(this.full(key), { ...stored, version: mine });
        return mine;
      }
    },
  }),
  fault({
    name: 'version-is-the-digest',
    breaks: 'The version is a digest of the bytes, and `versionCoversMetadata` is declared.',
    caughtBy: [
      'put.version-changes-with-same-bytes',
      'metadata.set-gives-a-new-version',
      'conditions.replace-after-metadata-is-refused',
      'conditions.versions-are-not-reused',
    ],
    storage: class extends ReferenceStorage {
      override commit(key: StorageKey, bytes: Uint8Array, metadata: StoredMetadata): Version {
        const version = super.commit(key, bytes, metadata);
        const stored = this.data.entries.get(this.full(key));
        if (stored === undefined) return version;
        const digest = `crc-${crc32(bytes)}-${bytes.length}` as Version;
        this.data.entries.set(this.full(key), { ...stored, version: digest });
        return digest;
      }
    },
  }),
  fault({
    name: 'swallows-one-in-ten',
    breaks: 'One put in ten of a key says that it is stored, and isn’t.',
    caughtBy: ['put.outcome-is-true', 'conditions.replace-current', 'conditions.replace-counts'],
    perhapsBy: [
      'conditions.instances-count',
      'get.large-bodies-are-exact',
      'linearizable.register',
      'linearizable.conditional',
      'linearizable.metadata',
    ],
    storage: class extends ReferenceStorage {
      readonly #puts = new Map<string, number>();
      override commit(key: StorageKey, bytes: Uint8Array, metadata: StoredMetadata): Version {
        const count = (this.#puts.get(key) ?? 0) + 1;
        this.#puts.set(key, count);
        const swallowed = count % 10 === 0 && this.data.entries.has(this.full(key));
        return swallowed ? this.data.nextVersion() : super.commit(key, bytes, metadata);
      }
    },
  }),
  fault({
    name: 'one-scratch-buffer',
    breaks: 'Puts at the same time share a scratch buffer.',
    caughtBy: [
      'put.concurrent-keys',
      'conditions.create-race-has-one-winner',
      'keys.alphabet',
      'keys.longest',
      'keys.key-beside-its-extension',
      'keys.nearly-equal',
      'keys.look-like-something-else',
    ],
    perhapsBy: [
      'linearizable.register',
      'linearizable.conditional',
      'linearizable.metadata',
      'linearizable.across-instances',
    ],
    storage: class extends ReferenceStorage {
      #scratch: Uint8Array = new Uint8Array(0);
      override async receive(
        body: PutBody,
        context: OperationContext,
        key: StorageKey,
        metadata: StoredMetadata,
      ): Promise<Uint8Array> {
        const bytes = await super.receive(body, context, key, metadata);
        this.#scratch = bytes;
        await tick();
        return this.#scratch;
      }
    },
  }),
  fault({
    name: 'no-limit-checked',
    breaks: '`maxObjectBytes` is declared and larger bodies are stored.',
    caughtBy: ['put.too-large-is-refused'],
    capabilities: { maxObjectBytes: 9 * 1024 * 1024 },
    storage: class extends ReferenceStorage {
      override async put(
        key: StorageKey,
        body: PutBody,
        metadata: StoredMetadata,
        condition: PutCondition | undefined,
        context: OperationContext,
      ): Promise<Version> {
        const bytes = await this.receive(body, context, key, metadata);
        this.require(key, condition);
        return this.commit(key, bytes, metadata);
      }
    },
  }),
];
