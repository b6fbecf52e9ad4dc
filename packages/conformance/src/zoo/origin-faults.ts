import {
  type Body,
  BufferedBody,
  type HttpFields,
  OriginError,
  type OriginRequest,
  type OriginResponse,
} from '@tintype/core';
import type { OriginHarness, OriginResource } from '../origin/origin-conformance.ts';
import { changed, originFault, type PartFault, withBody } from './origin-fault.ts';
import { fileFaults } from './origin-file-faults.ts';
import { ReferenceOrigin } from './reference-origin.ts';
import { tick } from './reference-storage.ts';

/** Origins with one known fault each: what proves the suite of origins. */
export const originFaults: readonly PartFault<OriginHarness>[] = [
  originFault(
    'scheme-with-colon',
    'The scheme is given as `ref:`.',
    ['origin.schemes'],
    class extends ReferenceOrigin {
      override readonly schemes = ['ref:'];
    },
  ),
  originFault(
    'missing-is-200',
    'What is not there is an empty picture.',
    ['origin.missing-is-404'],
    class extends ReferenceOrigin {
      protected override missing(): OriginResponse {
        return { ...super.missing(), status: 200 };
      }
    },
  ),
  originFault(
    'missing-throws',
    'What is not there is an error.',
    ['origin.missing-is-404', 'origin.end-to-end-only'],
    class extends ReferenceOrigin {
      protected override missing(): OriginResponse {
        throw new OriginError('unavailable', 'There is nothing.');
      }
    },
  ),
  originFault(
    'ignores-conditions',
    'Conditional requests are answered in full.',
    ['origin.not-modified'],
    class extends ReferenceOrigin {
      protected override isUnchanged(): boolean {
        return false;
      }
    },
  ),
  originFault(
    'always-unchanged',
    'Any validator is the right one.',
    ['origin.modified'],
    class extends ReferenceOrigin {
      protected override isUnchanged(asked: HttpFields): boolean {
        return asked['if-none-match'] !== undefined;
      }
    },
  ),
  originFault(
    'body-with-304',
    'A 304 comes with the body.',
    ['origin.not-modified'],
    class extends ReferenceOrigin {
      protected override unchanged(fields: HttpFields): OriginResponse {
        return { ...super.unchanged(fields), body: new BufferedBody(new Uint8Array(10)) };
      }
    },
  ),
  originFault(
    'shouting-fields',
    'Fields come in the case in which they were sent.',
    ['origin.fields'],
    class extends ReferenceOrigin {
      protected override fields(resource: OriginResource): HttpFields {
        return { ...super.fields(resource), 'X-Cache': 'hit' };
      }
    },
  ),
  originFault(
    'type-forgotten',
    'Content-Type is lost.',
    ['origin.fields'],
    class extends ReferenceOrigin {
      protected override fields(resource: OriginResource): HttpFields {
        return { ...super.fields(resource), 'content-type': undefined };
      }
    },
  ),
  originFault(
    'cookies-come-through',
    'Set-Cookie comes through.',
    ['origin.end-to-end-only'],
    class extends ReferenceOrigin {
      protected override fields(resource: OriginResource): HttpFields {
        return { ...super.fields(resource), 'set-cookie': 'a=b' };
      }
    },
  ),
  originFault(
    'limit-ignored',
    'More bytes than `maxBytes` are delivered.',
    ['origin.max-bytes'],
    class extends ReferenceOrigin {
      override fetch(source: string, request: OriginRequest): Promise<OriginResponse> {
        return super.fetch(source, { ...request, maxBytes: Number.POSITIVE_INFINITY });
      }
    },
  ),
  originFault(
    'limit-off-by-one',
    'As many bytes as `maxBytes` are too many.',
    ['origin.max-bytes'],
    class extends ReferenceOrigin {
      override fetch(source: string, request: OriginRequest): Promise<OriginResponse> {
        return super.fetch(source, { ...request, maxBytes: request.maxBytes - 1 });
      }
    },
  ),
  originFault(
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
  originFault(
    'abort-ignored',
    'A fetch that was aborted goes on.',
    ['origin.abort'],
    class extends ReferenceOrigin {
      override fetch(source: string, request: OriginRequest): Promise<OriginResponse> {
        return super.fetch(source, { ...request, signal: new AbortController().signal });
      }
    },
  ),
  originFault(
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
  originFault(
    'unread-bodies-leak',
    'A body that is discarded keeps its connection.',
    ['origin.unread-bodies', 'origin.file-is-released'],
    class extends ReferenceOrigin {
      protected override bodyOf(bytes: Uint8Array, request: OriginRequest, name: string): Body {
        if (this.mine.size >= 50) throw new OriginError('unavailable', 'No connection is free.');
        const body = super.bodyOf(bytes, request, name);
        return changed(body, { discard: async () => undefined });
      }
    },
  ),
  originFault(
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
  originFault(
    'truncates-at-1-mib',
    'Bodies end after 1 MiB.',
    ['origin.bytes-are-exact'],
    class extends ReferenceOrigin {
      protected override bodyOf(bytes: Uint8Array, request: OriginRequest, name: string): Body {
        return super.bodyOf(
          bytes.length > 3_000_000 && bytes.length < 4_000_000 ? bytes.subarray(0, 1024 * 1024) : bytes,
          request,
          name,
        );
      }
    },
  ),
  originFault(
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
  originFault(
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
  originFault(
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
  originFault(
    'check-disapproves',
    '`check` of an origin that works says that it doesn’t.',
    ['origin.check'],
    class extends ReferenceOrigin {
      override check() {
        return Promise.resolve({ ok: false, summary: 'resources', problem: 'It cannot be reached.' } as const);
      }
    },
  ),
  originFault(
    'close-does-nothing',
    '`close` leaves the connections of unread bodies.',
    ['origin.close-releases'],
    class extends ReferenceOrigin {
      override async close(): Promise<void> {}
    },
  ),
  originFault(
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
  ...fileFaults,
];
