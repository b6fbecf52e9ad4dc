import {
  type Body,
  BufferedBody,
  type ByteRange,
  type ByteStream,
  type GetOutcome,
  type OperationContext,
  type StorageKey,
  StreamedBody,
} from '@tintype/core';
import { fault, type StorageFault } from '../fault.ts';
import { ReferenceStorage, type Stored, tick } from '../reference-storage.ts';
import { altered, OtherBodies } from './altered-bodies.ts';

/** Faults of reading a body: in pieces, twice, at the same time as others, not to its end. */
export const readingFaults: readonly StorageFault[] = [
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
    name: 'reuses-more-than-came-back',
    breaks: 'When a chunk comes back, all that the stream has lent are written to again.',
    caughtBy: ['get.only-what-came-back-is-reused'],
    storage: class extends OtherBodies {
      override other(body: Body): Body {
        if (body.buffered !== undefined) return body;
        return altered(body, {
          stream() {
            const lent: Uint8Array[] = [];
            const chunks = (async function* () {
              for await (const chunk of body.stream()) {
                lent.push(chunk);
                yield chunk;
              }
            })();
            return {
              [Symbol.asyncIterator]: () => chunks,
              recycle() {
                for (const chunk of lent.splice(0)) chunk.fill(0);
              },
            };
          },
        });
      }
    },
  }),
  fault({
    name: 'takes-its-entry-back',
    breaks: 'Chunks lie in the memory of the entry, and one that comes back is written to again.',
    caughtBy: ['get.only-what-came-back-is-reused'],
    storage: class extends ReferenceStorage {
      override bodyOf(bytes: Uint8Array, context: OperationContext): Body {
        const body = super.bodyOf(bytes, context);
        if (body.buffered !== undefined) return body;
        const chunk = bytes.subarray();
        return new StreamedBody(
          () => ({
            async *[Symbol.asyncIterator]() {
              await tick();
              context.signal.throwIfAborted();
              yield chunk;
              await body.discard();
            },
            recycle: (back) => void back.fill(0),
          }),
          () => body.discard(),
        );
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
