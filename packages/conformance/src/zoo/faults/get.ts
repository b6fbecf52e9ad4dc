import {
  type Body,
  BufferedBody,
  type ByteRange,
  type EntryInfo,
  type GetOutcome,
  type OperationContext,
  StorageError,
  type StorageKey,
  type StoredMetadata,
  type Version,
} from '@tintype/core';
import { fault, type StorageFault } from '../fault.ts';
import { ReferenceStorage } from '../reference-storage.ts';
import { altered, OtherBodies } from './altered-bodies.ts';

/** Faults of what `get` and `stat` answer. */
export const getFaults: readonly StorageFault[] = [
  fault({
    name: 'body-never-ends',
    breaks: 'A body of 2 MiB and more repeats its last chunk for ever, without ever waiting.',
    caughtBy: ['get.large-stream-is-exact'],
    perhapsBy: ['get.large-bodies-are-exact'],
    storage: class extends OtherBodies {
      override other(body: Body, { size }: EntryInfo): Body {
        if (size < 2 * 1024 * 1024) return body;
        return altered(body, {
          stream: async function* () {
            let last = new Uint8Array(0);
            for await (const chunk of body.stream()) {
              last = new Uint8Array(chunk);
              yield last;
            }
            for (;;) yield last;
          },
        });
      }
    },
  }),
  fault({
    name: 'gives-away-its-own',
    breaks: 'Bodies are `expendable`, though they lie in the memory of the storage itself.',
    caughtBy: ['get.buffered-costs-nothing'],
    storage: class extends ReferenceStorage {
      override bodyOf(bytes: Uint8Array, context: OperationContext): Body {
        const body = super.bodyOf(bytes, context);
        return body.buffered === undefined ? body : new BufferedBody(bytes, { expendable: true });
      }
    },
  }),
  fault({
    name: 'miss-throws',
    breaks: 'A miss rejects instead of answering `undefined`.',
    caughtBy: [
      'get.miss-is-undefined',
      'range.miss-is-undefined',
      'put.failed-body-creates-nothing',
      'put.aborted-creates-nothing',
      'atomic.creation-is-hidden',
      'metadata.set-never-creates',
      'metadata.set-does-not-revive',
      'metadata.expiry-removes',
      'conditions.delete-current',
      'delete.removes',
    ],
    perhapsBy: [
      'linearizable.register',
      'linearizable.conditional',
      'linearizable.metadata',
      'linearizable.across-instances',
    ],
    storage: class extends ReferenceStorage {
      override async get(
        key: StorageKey,
        range: ByteRange | undefined,
        context: OperationContext,
      ): Promise<GetOutcome> {
        const outcome = await super.get(key, range, context);
        if (outcome === undefined) {
          throw new StorageError({ code: 'misconfigured', message: 'No such key.' });
        }
        return outcome;
      }
    },
  }),
  fault({
    name: 'stat-invents-entries',
    breaks: '`stat` of a missing key answers an entry of 0 bytes.',
    caughtBy: [
      'get.miss-is-undefined',
      'put.failed-body-creates-nothing',
      'put.aborted-creates-nothing',
      'atomic.creation-is-hidden',
      'metadata.set-never-creates',
      'metadata.set-does-not-revive',
      'conditions.delete-current',
      'delete.removes',
    ],
    perhapsBy: ['linearizable.register', 'linearizable.metadata', 'linearizable.across-instances'],
    storage: class extends ReferenceStorage {
      override async stat(key: StorageKey, context: OperationContext): Promise<EntryInfo | undefined> {
        const info = await super.stat(key, context);
        if (info !== undefined) return info;
        return { metadata: { encoded: '-', contentType: 'text/plain' }, size: 0, version: 'v0' as Version };
      }
    },
  }),
  fault({
    name: 'mangles-text',
    breaks: 'Bodies go through UTF-8.',
    caughtBy: ['get.bytes-are-exact'],
    storage: class extends ReferenceStorage {
      override commit(key: StorageKey, bytes: Uint8Array, metadata: StoredMetadata): Version {
        const mangled =
          bytes.length < 10 && bytes[0] === 0xff ? Buffer.from(Buffer.from(bytes).toString('utf8')) : bytes;
        return super.commit(key, mangled, metadata);
      }
    },
  }),
  fault({
    name: 'strips-byte-order-mark',
    breaks: 'A body that begins with a byte order mark loses it.',
    caughtBy: ['get.bytes-are-exact'],
    storage: class extends ReferenceStorage {
      override commit(key: StorageKey, bytes: Uint8Array, metadata: StoredMetadata): Version {
        const marked = bytes[0] === 0xef && bytes[1] === 0xbb && bytes[2] === 0xbf;
        return super.commit(key, marked ? bytes.slice(3) : bytes, metadata);
      }
    },
  }),
  fault({
    name: 'loses-empty-bodies',
    breaks: 'An entry without bytes is not stored.',
    caughtBy: ['get.empty-body'],
    storage: class extends ReferenceStorage {
      override commit(key: StorageKey, bytes: Uint8Array, metadata: StoredMetadata): Version {
        const version = super.commit(key, bytes, metadata);
        if (bytes.length === 0) this.data.entries.delete(this.full(key));
        return version;
      }
    },
  }),
  fault({
    name: 'truncates-above-64-kib',
    breaks: 'Bodies longer than 64 KiB are cut there.',
    caughtBy: [
      'lifecycle.instances-are-independent',
      'get.large-bodies-are-exact',
      'get.large-stream-is-exact',
      'get.chunks-are-not-reused',
      'put.overwrite-replaces',
      'put.streams-of-unknown-length',
      'put.streams-of-known-length',
      'put.copies-the-callers-buffer',
      'put.concurrent-keys',
      'atomic.body-with-its-metadata',
      'atomic.interleaved-puts',
      'conditions.create-when-absent',
      'conditions.create-race-has-one-winner',
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
        return super.commit(key, bytes.subarray(0, 65_536), metadata);
      }
    },
  }),
  fault({
    name: 'drops-a-byte-at-part-size',
    breaks: 'A body of exactly 5 MiB loses its last byte.',
    caughtBy: ['get.large-bodies-are-exact'],
    storage: class extends ReferenceStorage {
      override commit(key: StorageKey, bytes: Uint8Array, metadata: StoredMetadata): Version {
        return super.commit(key, bytes.length === 5 * 1024 * 1024 ? bytes.slice(0, -1) : bytes, metadata);
      }
    },
  }),
  fault({
    name: 'repeats-a-part',
    breaks: 'Above 10 MiB the second part of a body is stored twice, in place of the third.',
    caughtBy: ['get.large-stream-is-exact'],
    storage: class extends ReferenceStorage {
      override commit(key: StorageKey, bytes: Uint8Array, metadata: StoredMetadata): Version {
        const part = 1024 * 1024;
        if (bytes.length > 9 * part) bytes.copyWithin(2 * part, part, 2 * part);
        return super.commit(key, bytes, metadata);
      }
    },
  }),
  fault({
    name: 'size-of-the-compressed',
    breaks: '`get` says another size than the body has.',
    caughtBy: [
      'get.size-is-the-bodys',
      'range.past-the-end',
      'range.describes-itself',
      'atomic.body-with-its-metadata',
      'metadata.set-keeps-the-bytes',
    ],
    storage: class extends ReferenceStorage {
      override async get(
        key: StorageKey,
        range: ByteRange | undefined,
        context: OperationContext,
      ): Promise<GetOutcome> {
        const outcome = await super.get(key, range, context);
        return outcome && outcome.size >= 1000 ? { ...outcome, size: outcome.size - 20 } : outcome;
      }
    },
  }),
  fault({
    name: 'version-of-the-moment',
    breaks: 'Every read shows another version.',
    caughtBy: ['get.version-is-stable', 'get.stat-agrees', 'put.version-is-current'],
    perhapsBy: ['linearizable.register', 'linearizable.metadata', 'linearizable.across-instances'],
    storage: class extends ReferenceStorage {
      override async stat(key: StorageKey, context: OperationContext): Promise<EntryInfo | undefined> {
        const info = await super.stat(key, context);
        return info && { ...info, version: `${info.version}.${Math.random()}` as Version };
      }
    },
  }),
  fault({
    name: 'stat-counts-characters',
    breaks: '`stat` says another size than `get` for large entries.',
    caughtBy: ['get.stat-agrees'],
    storage: class extends ReferenceStorage {
      override async stat(key: StorageKey, context: OperationContext): Promise<EntryInfo | undefined> {
        const info = await super.stat(key, context);
        return info && info.size === 150 * 1024 ? { ...info, size: info.size - 1 } : info;
      }
    },
  }),
  fault({
    name: 'stat-without-metadata',
    breaks: '`stat` answers without the metadata.',
    caughtBy: [
      'get.stat-agrees',
      'atomic.body-with-its-metadata',
      'metadata.to-the-letter',
      'metadata.every-length',
      'metadata.set-replaces',
      'public.metadata-round-trip',
      'public.metadata-limit',
    ],
    perhapsBy: ['linearizable.register', 'linearizable.metadata', 'linearizable.across-instances'],
    storage: class extends ReferenceStorage {
      override async stat(key: StorageKey, context: OperationContext): Promise<EntryInfo | undefined> {
        const info = await super.stat(key, context);
        return info && { ...info, metadata: { ...info.metadata, encoded: '' } };
      }
    },
  }),
];
