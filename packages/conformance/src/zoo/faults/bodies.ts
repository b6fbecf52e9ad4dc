import { crc32 } from 'node:zlib';
import {
  type Body,
  BufferedBody,
  type ByteRange,
  type ByteStream,
  collect,
  type EntryInfo,
  type GetOutcome,
  type OperationContext,
  type PutBody,
  type PutCondition,
  StorageError,
  type StorageKey,
  type StoredMetadata,
  StreamedBody,
  type Version,
} from '@tintype/core';
import { fault, type StorageFault } from '../fault.ts';
import { infoOf, partOf, ReferenceStorage, type Stored, tick } from '../reference-storage.ts';

/** A body with some of its methods replaced. */
function altered(body: Body, changes: Partial<Body>): Body {
  return {
    buffered: body.buffered,
    bytes: () => body.bytes(),
    stream: () => body.stream(),
    discard: () => body.discard(),
    ...changes,
  };
}

/** Replaces the body of a hit. */
abstract class OtherBodies extends ReferenceStorage {
  override async get(key: StorageKey, range: ByteRange | undefined, context: OperationContext): Promise<GetOutcome> {
    const outcome = await super.get(key, range, context);
    if (outcome?.kind !== 'entry') return outcome;
    return { ...outcome, body: this.other(outcome.body, outcome, context) };
  }

  abstract other(body: Body, info: EntryInfo, context: OperationContext): Body;
}

/** Faults of reading whole bodies. */
export const bodyFaults: readonly StorageFault[] = [
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
    name: 'body-can-be-read-twice',
    breaks: 'A body may be consumed again.',
    caughtBy: ['get.body-is-read-once'],
    storage: class extends OtherBodies {
      override other(body: Body): Body {
        const all = body.buffered;
        if (all === undefined) return body;
        return altered(body, { bytes: async () => all, stream: () => new BufferedBody(all).stream() });
      }
    },
  }),
  fault({
    name: 'late-discard-throws',
    breaks: '`discard` after a consumption rejects.',
    caughtBy: ['get.body-is-read-once'],
    storage: class extends OtherBodies {
      override other(body: Body): Body {
        let consumed = false;
        return altered(body, {
          bytes() {
            consumed = true;
            return body.bytes();
          },
          async discard() {
            if (consumed) throw new Error('The body is gone.');
            await body.discard();
          },
        });
      }
    },
  }),
  fault({
    name: 'reuses-chunks',
    breaks: 'Streamed chunks share one buffer.',
    caughtBy: [
      'lifecycle.instances-are-independent',
      'get.large-bodies-are-exact',
      'get.chunks-are-not-reused',
      'put.overwrite-replaces',
      'put.streams-of-unknown-length',
      'put.streams-of-known-length',
      'put.copies-the-callers-buffer',
      'put.concurrent-keys',
      'conditions.create-when-absent',
      'public.replayable-put-is-retried',
    ],
    perhapsBy: [
      'linearizable.register',
      'linearizable.conditional',
      'linearizable.metadata',
      'linearizable.across-instances',
    ],
    storage: class extends OtherBodies {
      override other(body: Body): Body {
        if (body.buffered !== undefined) return body;
        return altered(body, {
          async *stream() {
            const shared = new Uint8Array(64 * 1024);
            for await (const chunk of body.stream()) {
              shared.set(chunk);
              yield shared.subarray(0, chunk.length);
            }
          },
        });
      }
    },
  }),
  fault({
    name: 'buffers-only-the-start',
    breaks: '`buffered` holds the first part of the body.',
    caughtBy: ['get.buffered-costs-nothing'],
    storage: class extends OtherBodies {
      override other(body: Body): Body {
        return altered(body, { buffered: body.buffered?.subarray(0, 50) });
      }
    },
  }),
  fault({
    name: 'looking-consumes',
    breaks: 'Reading `buffered` consumes the body.',
    caughtBy: ['get.buffered-costs-nothing'],
    storage: class extends OtherBodies {
      override other(body: Body): Body {
        let looked = false;
        const get = () => {
          looked = true;
          return body.buffered;
        };
        const mine = altered(body, {
          bytes: () => (looked ? Promise.reject(new Error('consumed')) : body.bytes()),
        });
        return Object.defineProperty(mine, 'buffered', { get });
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
  fault({
    name: 'fifty-sockets',
    breaks: 'A discarded body keeps its connection, and there are fifty.',
    caughtBy: ['get.unread-bodies-do-not-stall'],
    storage: class extends OtherBodies {
      #held = 0;
      override async get(
        key: StorageKey,
        range: ByteRange | undefined,
        context: OperationContext,
      ): Promise<GetOutcome> {
        while (this.#held >= 50) await new Promise((resolve) => setTimeout(resolve, 100));
        return super.get(key, range, context);
      }
      override other(body: Body): Body {
        let read = false;
        return altered(body, {
          stream: () => {
            read = true;
            return body.stream();
          },
          discard: async () => {
            if (!read && body.buffered === undefined) this.#held++;
            await body.discard();
          },
        });
      }
    },
  }),
  fault({
    name: 'discard-does-nothing',
    breaks: 'A discarded body stays open: one socket is lost for each.',
    caughtBy: ['get.discard-releases', 'resources.nothing-is-left'],
    storage: class extends OtherBodies {
      override other(body: Body): Body {
        return altered(body, { discard: async () => undefined });
      }
    },
  }),
  fault({
    name: 'half-read-stays-open',
    breaks: 'A stream that is left early stays open.',
    caughtBy: ['get.discard-releases'],
    storage: class extends ReferenceStorage {
      override bodyOf(bytes: Uint8Array, context: OperationContext): Body {
        const body = super.bodyOf(bytes, context);
        if (body.buffered !== undefined) return body;
        return altered(body, {
          stream(): ByteStream {
            const iterator = body.stream()[Symbol.asyncIterator]();
            return { [Symbol.asyncIterator]: () => ({ next: () => iterator.next() }) };
          },
        });
      }
    },
  }),
  fault({
    name: 'readers-share-a-position',
    breaks: 'Streams of one entry that are read at the same time share their place in it.',
    caughtBy: ['get.concurrent-reads'],
    storage: class extends ReferenceStorage {
      readonly #offsets = new Map<Stored | Uint8Array, { offset: number; readers: number }>();
      override bodyOf(bytes: Uint8Array, context: OperationContext): Body {
        if (bytes.length !== 300 * 1024) return super.bodyOf(bytes, context);
        const offsets = this.#offsets;
        const place = offsets.get(bytes) ?? { offset: 0, readers: 0 };
        offsets.set(bytes, place);
        return new StreamedBody(
          async function* () {
            place.readers++;
            if (place.readers === 1) place.offset = 0;
            let mine = 0;
            while (mine < bytes.length && place.offset < bytes.length) {
              await tick();
              const from = place.readers > 1 ? place.offset : mine;
              place.offset = from + 20_000;
              mine = place.offset;
              yield bytes.slice(from, from + 20_000);
            }
            place.readers--;
          },
          () => {
            place.readers--;
          },
        );
      }
    },
  }),
  fault({
    name: 'abort-ends-the-body',
    breaks: 'A body whose get is aborted just ends.',
    caughtBy: ['get.abort-never-shortens'],
    storage: class extends ReferenceStorage {
      override bodyOf(bytes: Uint8Array, context: OperationContext): Body {
        const body = super.bodyOf(bytes, { signal: new AbortController().signal });
        if (body.buffered !== undefined) return body;
        return altered(body, {
          async *stream() {
            for await (const chunk of body.stream()) {
              if (context.signal.aborted) return;
              yield chunk;
            }
          },
        });
      }
    },
  }),
];

/** Replaces the outcome of a get with a range. */
abstract class OtherRanges extends ReferenceStorage {
  override async get(key: StorageKey, range: ByteRange | undefined, context: OperationContext): Promise<GetOutcome> {
    if (range === undefined) return super.get(key, range, context);
    await tick();
    const stored = this.live(key);
    return this.part(stored, range, context);
  }

  abstract part(stored: Stored | undefined, range: ByteRange, context: OperationContext): GetOutcome;

  sound(stored: Stored | undefined, range: ByteRange, context: OperationContext): GetOutcome {
    if (stored === undefined) return undefined;
    const part = partOf(range, stored.bytes.length);
    if (part === undefined) return { kind: 'range-not-satisfiable', ...infoOf(stored) };
    return this.entry(stored, part, context);
  }

  entry(stored: Stored, part: { first: number; last: number }, context: OperationContext): GetOutcome {
    const body = this.bodyOf(stored.bytes.subarray(part.first, part.last + 1), context);
    return { kind: 'entry', ...infoOf(stored), range: part, body };
  }
}

/** Faults of ranges. */
export const rangeFaults: readonly StorageFault[] = [
  fault({
    name: 'range-off-by-one',
    breaks: 'The last byte of a range is left out.',
    caughtBy: ['range.exact-bytes'],
    storage: class extends OtherRanges {
      override part(stored: Stored | undefined, range: ByteRange, context: OperationContext): GetOutcome {
        const outcome = this.sound(stored, range, context);
        const closed = 'first' in range && range.last !== undefined && range.last < (stored?.bytes.length ?? 0);
        if (outcome?.kind !== 'entry' || outcome.range === undefined || !closed) return outcome;
        const { first, last } = outcome.range;
        const body = new BufferedBody((stored?.bytes ?? new Uint8Array(0)).subarray(first, last));
        return { ...outcome, body };
      }
    },
  }),
  fault({
    name: 'range-forgets-chunk-offset',
    breaks: 'A range that begins beyond 64 KiB starts at the chunk instead of the byte.',
    caughtBy: ['range.exact-bytes'],
    storage: class extends OtherRanges {
      override part(stored: Stored | undefined, range: ByteRange, context: OperationContext): GetOutcome {
        const outcome = this.sound(stored, range, context);
        if (outcome?.kind !== 'entry' || outcome.range === undefined || outcome.range.first < 65_537) return outcome;
        const { first, last } = outcome.range;
        const start = first - (first % 65_536);
        const body = new BufferedBody((stored?.bytes ?? new Uint8Array(0)).slice(start, start + last - first + 1));
        return { ...outcome, body };
      }
    },
  }),
  fault({
    name: 'range-ignored',
    breaks: '`ranges` is declared, and the whole body is sent.',
    caughtBy: [
      'range.exact-bytes',
      'range.open-ended',
      'range.suffix',
      'range.is-clipped',
      'range.past-the-end',
      'range.describes-itself',
    ],
    storage: class extends OtherRanges {
      override part(stored: Stored | undefined, _range: ByteRange, context: OperationContext): GetOutcome {
        if (stored === undefined) return undefined;
        return { kind: 'entry', ...infoOf(stored), range: undefined, body: this.bodyOf(stored.bytes, context) };
      }
    },
  }),
  fault({
    name: 'open-range-loses-the-end',
    breaks: 'A range without a last byte ends one byte early.',
    caughtBy: ['range.open-ended', 'range.describes-itself'],
    storage: class extends OtherRanges {
      override part(stored: Stored | undefined, range: ByteRange, context: OperationContext): GetOutcome {
        const size = stored?.bytes.length ?? 0;
        const open = 'first' in range && range.last === undefined && range.first < size - 1;
        return this.sound(stored, open ? { ...range, last: size - 2 } : range, context);
      }
    },
  }),
  fault({
    name: 'suffix-as-offset',
    breaks: 'The last n bytes become the bytes from n on.',
    caughtBy: ['range.suffix', 'range.describes-itself'],
    storage: class extends OtherRanges {
      override part(stored: Stored | undefined, range: ByteRange, context: OperationContext): GetOutcome {
        const size = stored?.bytes.length ?? 0;
        if ('first' in range || range.suffix === 0 || range.suffix >= size) return this.sound(stored, range, context);
        return this.sound(stored, { first: range.suffix }, context);
      }
    },
  }),
  fault({
    name: 'long-suffix-refused',
    breaks: 'A suffix longer than the body is not satisfiable.',
    caughtBy: ['range.suffix'],
    storage: class extends OtherRanges {
      override part(stored: Stored | undefined, range: ByteRange, context: OperationContext): GetOutcome {
        if (stored && 'suffix' in range && range.suffix > stored.bytes.length) {
          return { kind: 'range-not-satisfiable', ...infoOf(stored) };
        }
        return this.sound(stored, range, context);
      }
    },
  }),
  fault({
    name: 'range-not-clipped',
    breaks: 'A range that ends after the body says that it holds what was asked for.',
    caughtBy: ['range.is-clipped'],
    storage: class extends OtherRanges {
      override part(stored: Stored | undefined, range: ByteRange, context: OperationContext): GetOutcome {
        const outcome = this.sound(stored, range, context);
        if (outcome?.kind !== 'entry' || !('first' in range) || range.last === undefined) return outcome;
        return { ...outcome, range: { first: range.first, last: range.last } };
      }
    },
  }),
  fault({
    name: 'past-the-end-is-empty',
    breaks: 'A range past the end is an entry without bytes.',
    caughtBy: ['range.past-the-end'],
    storage: class extends OtherRanges {
      override part(stored: Stored | undefined, range: ByteRange, context: OperationContext): GetOutcome {
        const outcome = this.sound(stored, range, context);
        if (outcome?.kind !== 'range-not-satisfiable') return outcome;
        return { ...outcome, kind: 'entry', range: { first: 0, last: 0 }, body: new BufferedBody(new Uint8Array(0)) };
      }
    },
  }),
  fault({
    name: 'past-the-end-is-a-miss',
    breaks: 'A range past the end is a miss.',
    caughtBy: ['range.past-the-end'],
    storage: class extends OtherRanges {
      override part(stored: Stored | undefined, range: ByteRange, context: OperationContext): GetOutcome {
        const outcome = this.sound(stored, range, context);
        return outcome?.kind === 'range-not-satisfiable' ? undefined : outcome;
      }
    },
  }),
  fault({
    name: 'size-of-the-part',
    breaks: 'With a range, `size` is the length of the part.',
    caughtBy: ['range.describes-itself'],
    storage: class extends OtherRanges {
      override part(stored: Stored | undefined, range: ByteRange, context: OperationContext): GetOutcome {
        const outcome = this.sound(stored, range, context);
        if (outcome?.kind !== 'entry' || outcome.range === undefined) return outcome;
        return { ...outcome, size: outcome.range.last - outcome.range.first + 1 };
      }
    },
  }),
  fault({
    name: 'part-without-metadata',
    breaks: 'A part comes without the metadata of its entry.',
    caughtBy: ['range.same-entry'],
    storage: class extends OtherRanges {
      override part(stored: Stored | undefined, range: ByteRange, context: OperationContext): GetOutcome {
        const outcome = this.sound(stored, range, context);
        return outcome?.kind === 'entry' ? { ...outcome, metadata: { encoded: '', contentType: 'x/x' } } : outcome;
      }
    },
  }),
  fault({
    name: 'range-of-nothing',
    breaks: 'A range of a missing key is not satisfiable instead of a miss.',
    caughtBy: ['range.miss-is-undefined'],
    storage: class extends OtherRanges {
      override part(stored: Stored | undefined, range: ByteRange, context: OperationContext): GetOutcome {
        if (stored !== undefined) return this.sound(stored, range, context);
        const metadata = { encoded: '', contentType: 'x/x' };
        return { kind: 'range-not-satisfiable', metadata, size: 0, version: '' as Version };
      }
    },
  }),
  fault({
    name: 'ranges-under-declared',
    breaks: '`ranges` is not declared and works.',
    caughtBy: ['range.undeclared-is-refused'],
    capabilities: { ranges: false },
    storage: class extends OtherRanges {
      override part(stored: Stored | undefined, range: ByteRange, context: OperationContext): GetOutcome {
        return this.sound(stored, range, context);
      }
    },
  }),
];

/** Replaces what becomes of a body on its way in. */
type Receive = (
  storage: ReferenceStorage,
  body: PutBody,
  context: OperationContext,
  key: StorageKey,
  metadata: StoredMetadata,
) => Promise<Uint8Array>;

function receiving(receive: Receive): typeof ReferenceStorage {
  return class extends ReferenceStorage {
    override receive(
      body: PutBody,
      context: OperationContext,
      key: StorageKey,
      metadata: StoredMetadata,
    ): Promise<Uint8Array> {
      return receive(this, body, context, key, metadata);
    }
  };
}

/** What arrived of a stream before it failed. */
async function asFarAsItGoes(body: PutBody): Promise<{ readonly bytes: Uint8Array; readonly error: unknown }> {
  const chunks: Uint8Array[] = [];
  try {
    for await (const chunk of body.stream()) chunks.push(chunk);
    return { bytes: Buffer.concat(chunks), error: undefined };
  } catch (error) {
    return { bytes: Buffer.concat(chunks), error };
  }
}

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
    name: 'stores-what-arrived',
    breaks: 'When a body fails, what had arrived becomes the entry.',
    caughtBy: ['put.failed-body-creates-nothing', 'put.failed-body-keeps-the-old', 'list.hides-the-unfinished'],
    storage: receiving(async (storage, body, _, key, metadata) => {
      if (body.bytes) return body.bytes.slice();
      const { bytes, error } = await asFarAsItGoes(body);
      if (error === undefined) return bytes;
      if (error instanceof Error && error.message === 'the source broke') storage.commit(key, bytes, metadata);
      throw error;
    }),
  }),
  fault({
    name: 'failure-removes-the-old',
    breaks: 'A put whose body fails takes the old entry away.',
    caughtBy: ['put.failed-body-keeps-the-old'],
    storage: receiving(async (storage, body, _, key) => {
      if (body.bytes) return body.bytes.slice();
      const { bytes, error } = await asFarAsItGoes(body);
      if (error === undefined) return bytes;
      if (error instanceof Error && error.message === 'the source broke')
        storage.data.entries.delete(storage.full(key));
      throw error;
    }),
  }),
  fault({
    name: 'end-counts-as-complete',
    breaks: 'A stream that fails after its last byte is stored.',
    caughtBy: ['put.failed-body-creates-nothing', 'put.failed-body-keeps-the-old'],
    storage: receiving(async (_, body) => {
      if (body.bytes) return body.bytes.slice();
      const { bytes, error } = await asFarAsItGoes(body);
      if (error === undefined || (bytes.length === body.size && !String(error).includes('any more'))) return bytes;
      throw error;
    }),
  }),
  fault({
    name: 'wraps-body-errors',
    breaks: 'An error of the caller’s stream comes out as a StorageError.',
    caughtBy: ['put.body-error-is-unchanged'],
    storage: receiving(async (_, body, context) => {
      if (body.bytes) return body.bytes.slice();
      const { bytes, error } = await asFarAsItGoes(body);
      if (error === undefined) return bytes;
      if (context.signal.aborted) throw error;
      throw new StorageError({ code: 'internal', message: 'The put failed.', cause: error });
    }),
  }),
  fault({
    name: 'abort-ignored',
    breaks: 'An aborted put stores what had arrived.',
    caughtBy: ['put.aborted-creates-nothing', 'put.aborted-keeps-the-old'],
    storage: receiving(async (storage, body, context, key, metadata) => {
      if (body.bytes) return body.bytes.slice();
      const { bytes, error } = await asFarAsItGoes(body);
      if (error === undefined) return bytes;
      if (context.signal.aborted) storage.commit(key, bytes, metadata);
      throw error;
    }),
  }),
  fault({
    name: 'abort-removes-the-old',
    breaks: 'An aborted overwrite takes the old entry away.',
    caughtBy: ['put.aborted-keeps-the-old'],
    storage: receiving(async (storage, body, context, key) => {
      if (body.bytes) return body.bytes.slice();
      const { bytes, error } = await asFarAsItGoes(body);
      if (error === undefined) return bytes;
      if (context.signal.aborted) storage.data.entries.delete(storage.full(key));
      throw error;
    }),
  }),
  fault({
    name: 'wraps-the-abort-reason',
    breaks: 'An aborted put rejects with a StorageError.',
    caughtBy: ['put.abort-rejects-with-the-reason'],
    storage: receiving(async (_, body, context) => {
      if (body.bytes) return body.bytes.slice();
      const { bytes, error } = await asFarAsItGoes(body);
      if (error === undefined) return bytes;
      if (!context.signal.aborted) throw error;
      throw new StorageError({ code: 'timeout', message: 'Aborted.', cause: error });
    }),
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
