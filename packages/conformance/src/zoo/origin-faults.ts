import {
  type Body,
  BufferedBody,
  type HttpFields,
  OriginError,
  type OriginRequest,
  type OriginResponse,
} from '@tintype/core';
import type { OriginHarness, OriginResource } from '../origin/origin-conformance.ts';
import { OriginPlace, ReferenceOrigin } from './reference-origin.ts';
import { tick } from './reference-storage.ts';

/** An origin, or a transformer, with one known fault. */
export interface PartFault<H> {
  readonly name: string;
  readonly breaks: string;
  /** The requirements that fail; no other does. */
  readonly caughtBy: readonly string[];
  readonly harness: H;
}

/** A harness of the reference origin, or of a faulty class derived from it. */
export function originHarness(Origin: typeof ReferenceOrigin = ReferenceOrigin): OriginHarness {
  return {
    create() {
      const place = new OriginPlace();
      return {
        origin: new Origin(place),
        another: () => new Origin(place),
        serve(resource) {
          place.resources.set(resource.name, resource);
          return `ref:///${resource.name}`;
        },
        missing: 'ref:///missing',
        invalid: ['ref:', 'ref:///a/../b', 'http://127.0.0.1/'],
        leaks: () => (place.connections.size > 0 ? [`${place.connections.size} connections`] : []),
      };
    },
  };
}

function fault(name: string, breaks: string, caughtBy: readonly string[], Origin: typeof ReferenceOrigin) {
  return { name, breaks, caughtBy, harness: originHarness(Origin) };
}

/** Answers with a body that is changed on its way. */
function withBody(change: (body: Body, request: OriginRequest) => Body): typeof ReferenceOrigin {
  return class extends ReferenceOrigin {
    override async fetch(source: string, request: OriginRequest): Promise<OriginResponse> {
      const response = await super.fetch(source, request);
      return response.status === 200 ? { ...response, body: change(response.body, request) } : response;
    }
  };
}

function changed(body: Body, changes: Partial<Body>): Body {
  return {
    buffered: body.buffered,
    bytes: () => body.bytes(),
    stream: () => body.stream(),
    discard: () => body.discard(),
    ...changes,
  };
}

/** Origins with one known fault each: what proves the suite of origins. */
export const originFaults: readonly PartFault<OriginHarness>[] = [
  fault(
    'scheme-with-colon',
    'The scheme is given as `ref:`.',
    ['origin.schemes'],
    class extends ReferenceOrigin {
      override readonly schemes = ['ref:'];
    },
  ),
  fault(
    'missing-is-200',
    'What is not there is an empty picture.',
    ['origin.missing-is-404'],
    class extends ReferenceOrigin {
      protected override missing(): OriginResponse {
        return { ...super.missing(), status: 200 };
      }
    },
  ),
  fault(
    'missing-throws',
    'What is not there is an error.',
    ['origin.missing-is-404', 'origin.end-to-end-only'],
    class extends ReferenceOrigin {
      protected override missing(): OriginResponse {
        throw new OriginError('unavailable', 'There is nothing.');
      }
    },
  ),
  fault(
    'ignores-conditions',
    'Conditional requests are answered in full.',
    ['origin.not-modified'],
    class extends ReferenceOrigin {
      protected override isUnchanged(): boolean {
        return false;
      }
    },
  ),
  fault(
    'always-unchanged',
    'Any validator is the right one.',
    ['origin.modified'],
    class extends ReferenceOrigin {
      protected override isUnchanged(asked: HttpFields): boolean {
        return asked['if-none-match'] !== undefined;
      }
    },
  ),
  fault(
    'body-with-304',
    'A 304 comes with the body.',
    ['origin.not-modified'],
    class extends ReferenceOrigin {
      protected override unchanged(fields: HttpFields): OriginResponse {
        return { ...super.unchanged(fields), body: new BufferedBody(new Uint8Array(10)) };
      }
    },
  ),
  fault(
    'shouting-fields',
    'Fields come in the case in which they were sent.',
    ['origin.fields'],
    class extends ReferenceOrigin {
      protected override fields(resource: OriginResource): HttpFields {
        return { ...super.fields(resource), 'X-Cache': 'hit' };
      }
    },
  ),
  fault(
    'type-forgotten',
    'Content-Type is lost.',
    ['origin.fields'],
    class extends ReferenceOrigin {
      protected override fields(resource: OriginResource): HttpFields {
        return { ...super.fields(resource), 'content-type': undefined };
      }
    },
  ),
  fault(
    'cookies-come-through',
    'Set-Cookie comes through.',
    ['origin.end-to-end-only'],
    class extends ReferenceOrigin {
      protected override fields(resource: OriginResource): HttpFields {
        return { ...super.fields(resource), 'set-cookie': 'a=b' };
      }
    },
  ),
  fault(
    'limit-ignored',
    'More bytes than `maxBytes` are delivered.',
    ['origin.max-bytes'],
    class extends ReferenceOrigin {
      override fetch(source: string, request: OriginRequest): Promise<OriginResponse> {
        return super.fetch(source, { ...request, maxBytes: Number.POSITIVE_INFINITY });
      }
    },
  ),
  fault(
    'limit-off-by-one',
    'As many bytes as `maxBytes` are too many.',
    ['origin.max-bytes'],
    class extends ReferenceOrigin {
      override fetch(source: string, request: OriginRequest): Promise<OriginResponse> {
        return super.fetch(source, { ...request, maxBytes: request.maxBytes - 1 });
      }
    },
  ),
  fault(
    'limit-by-cutting',
    'What is above `maxBytes` is cut off.',
    ['origin.max-bytes'],
    class extends ReferenceOrigin {
      override async fetch(source: string, request: OriginRequest): Promise<OriginResponse> {
        const response = await super.fetch(source, { ...request, maxBytes: Number.POSITIVE_INFINITY });
        const length = Number(response.headers['content-length']);
        if (!(length > request.maxBytes)) return response;
        const bytes = await response.body.bytes();
        return { ...response, body: new BufferedBody(bytes.subarray(0, request.maxBytes)) };
      }
    },
  ),
  fault(
    'abort-ignored',
    'A fetch that was aborted goes on.',
    ['origin.abort'],
    class extends ReferenceOrigin {
      override fetch(source: string, request: OriginRequest): Promise<OriginResponse> {
        return super.fetch(source, { ...request, signal: new AbortController().signal });
      }
    },
  ),
  fault(
    'abort-ends-the-body',
    'An abort ends the body as if it were whole.',
    ['origin.abort'],
    withBody((body, { signal }) =>
      changed(body, {
        stream: async function* () {
          for await (const chunk of body.stream()) {
            if (signal.aborted) return;
            yield chunk;
            if (signal.aborted) return;
          }
        },
      }),
    ),
  ),
  fault(
    'unread-bodies-leak',
    'A body that is discarded keeps its connection.',
    ['origin.unread-bodies'],
    class extends ReferenceOrigin {
      protected override bodyOf(bytes: Uint8Array, request: OriginRequest): Body {
        if (this.mine.size >= 50) throw new OriginError('unavailable', 'No connection is free.');
        const body = super.bodyOf(bytes, request);
        return changed(body, { discard: async () => undefined });
      }
    },
  ),
  fault(
    'body-read-twice',
    'A body can be read again and again.',
    ['origin.body-is-read-once'],
    withBody((body) => {
      let bytes: Promise<Uint8Array> | undefined;
      return changed(body, {
        bytes: () => {
          bytes ??= body.bytes();
          return bytes;
        },
      });
    }),
  ),
  fault(
    'truncates-at-1-mib',
    'Bodies end after 1 MiB.',
    ['origin.bytes-are-exact'],
    class extends ReferenceOrigin {
      protected override bodyOf(bytes: Uint8Array, request: OriginRequest): Body {
        return super.bodyOf(
          bytes.length > 3_000_000 && bytes.length < 4_000_000 ? bytes.subarray(0, 1024 * 1024) : bytes,
          request,
        );
      }
    },
  ),
  fault(
    'fetches-mix',
    'Of fetches at the same time all get the last one’s resource.',
    ['origin.concurrent'],
    class extends ReferenceOrigin {
      #last = '';
      override async fetch(source: string, request: OriginRequest): Promise<OriginResponse> {
        this.#last = source;
        await tick();
        return super.fetch(this.#last, request);
      }
    },
  ),
  fault(
    'plain-errors',
    'What cannot be a source rejects with a plain error.',
    ['origin.errors'],
    class extends ReferenceOrigin {
      protected override nameOf(source: string): string {
        try {
          return super.nameOf(source);
        } catch {
          throw new TypeError('Invalid URL');
        }
      }
    },
  ),
  fault(
    'takes-any-scheme',
    'Sources of other schemes are fetched.',
    ['origin.errors'],
    class extends ReferenceOrigin {
      override async fetch(source: string, request: OriginRequest): Promise<OriginResponse> {
        if (!source.startsWith('http:')) return super.fetch(source, request);
        return { status: 200, headers: {}, body: new BufferedBody(new Uint8Array(1)) };
      }
    },
  ),
  fault(
    'check-disapproves',
    '`check` of an origin that works says that it doesn’t.',
    ['origin.check'],
    class extends ReferenceOrigin {
      override check() {
        return Promise.resolve({ ok: false, summary: 'resources', problem: 'It cannot be reached.' } as const);
      }
    },
  ),
  fault(
    'close-does-nothing',
    '`close` leaves the connections of unread bodies.',
    ['origin.close-releases'],
    class extends ReferenceOrigin {
      override async close(): Promise<void> {}
    },
  ),
  fault(
    'close-takes-all',
    '`close` of one instance stops the others.',
    ['origin.close-releases'],
    class extends ReferenceOrigin {
      override async close(): Promise<void> {
        await super.close();
        this.place.resources.clear();
      }
    },
  ),
];
