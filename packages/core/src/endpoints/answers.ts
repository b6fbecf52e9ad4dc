import {
  answerFromEntry,
  type CacheEntry,
  downstreamFields,
  type FieldPair,
  hasField,
  withoutFields,
} from '@tintype/http-cache';
import type { ByteStream } from '../contracts/body.ts';
import type { ProxyResponse } from '../contracts/proxy.ts';
import { StorageError } from '../contracts/storage-error.ts';
import { READ_WHOLE_BYTES } from '../pipeline/whole-body.ts';
import type { EndpointPolicies } from './endpoint.ts';
import { passedFields } from './fields.ts';
import type { Landing } from './landing.ts';
import { type Handling, passedAnswer, slice } from './passed-answer.ts';
import { hasNoContent, isParticular, type Passing } from './passing.ts';
import type { StoredResponse, StoredResponses } from './stored-responses.ts';

export interface AnswersOptions {
  readonly endpoint: EndpointPolicies;
  readonly stored: StoredResponses | undefined;
  readonly clock: () => number;
}

type Asking = Pick<Passing, 'request' | 'fields'>;

const RANGES: ReadonlySet<string> = new Set(['range', 'if-range']);

/** Makes answers to requests of what an endpoint has: stored, or on its way into the storage. */
export class Answers {
  readonly #options: AnswersOptions;

  constructor(options: AnswersOptions) {
    this.#options = options;
  }

  /** The answer from what is on its way, or already there. */
  fromSpool(
    { request, fields: asked }: Asking,
    { answer, entry, spool, size }: Landing & { kind: 'shared' },
    handling: Handling,
    verbatim: boolean,
  ): ProxyResponse {
    const { clock, endpoint } = this.#options;
    const how = { ...handling, stored: true };
    const { policy } = endpoint;
    // Who waited gets what is kept: what was for the one who asked is not in it. RFC 9111 §3.1, §5.2.2.7, §7.3.
    const fields =
      handling.collapsed === true
        ? downstreamFields(entry, clock(), policy)
        : passedFields(answer.fields, policy, answer.status < 400);
    // Read from at once: it may be disposed of in the next turn.
    const read = (): ByteStream => spool.read(request.signal);
    if (!verbatim && isParticular(asked)) {
      // Without the size no range can be placed; a server may ignore one.
      const head = size === undefined ? withoutFields(asked, RANGES) : asked;
      const made = answerFromEntry(entry, { method: 'GET', fields: head }, size ?? 0, clock(), endpoint.policy);
      if (made !== undefined && made.status !== entry.status) {
        const { span } = made;
        const body = !made.body ? undefined : span === undefined ? read() : slice(read(), span.first, span.last);
        return passedAnswer(made.status, made.fields, body, how);
      }
    }
    return passedAnswer(answer.status, fields, hasNoContent(answer.status) ? undefined : read(), how);
  }

  /** The answer from a stored body; `undefined` if it doesn't have what is asked for, or can't be read. */
  async fromStored(
    { request, fields }: Asking,
    stored: StoredResponse,
    entry: CacheEntry,
    handling: Handling,
  ): Promise<ProxyResponse | undefined> {
    const { clock, endpoint } = this.#options;
    const { body, size } = stored;
    const answer = answerFromEntry(entry, { method: request.method, fields }, size, clock(), endpoint.policy);
    if (answer === undefined || !answer.body || request.method === 'HEAD') {
      body.discard().catch(() => undefined);
      return answer === undefined ? undefined : passedAnswer(answer.status, answer.fields, undefined, handling);
    }
    const { span } = answer;
    const bytes = body.buffered ?? (size <= READ_WHOLE_BYTES ? await this.#options.stored?.whole(stored) : undefined);
    if (bytes === undefined && size <= READ_WHOLE_BYTES) return undefined;
    const all: readonly FieldPair[] =
      span !== undefined || hasField(answer.fields, 'content-length')
        ? answer.fields
        : [...answer.fields, ['Content-Length', String(size)]];
    let content: Uint8Array | ByteStream | undefined;
    if (bytes !== undefined) content = span === undefined ? bytes : bytes.subarray(span.first, span.last + 1);
    else if (span === undefined || span.last - span.first + 1 === size) content = this.#guarded(stored, body.stream());
    else content = await this.#part(stored, span.first, span.last);
    if (content === undefined) return undefined;
    return passedAnswer(answer.status, all, content, handling);
  }

  /** Some of a large body: from the storage alone, where it can give a part; `undefined` if that doesn't come. */
  async #part(stored: StoredResponse, first: number, last: number): Promise<Uint8Array | ByteStream | undefined> {
    const part = await this.#options.stored?.part(stored, first, last).catch((error: unknown) => {
      stored.body.discard().catch(() => undefined);
      throw error;
    });
    if (part === 'unavailable') return slice(this.#guarded(stored, stored.body.stream()), first, last);
    stored.body.discard().catch(() => undefined);
    return part instanceof Uint8Array ? part : part?.stream();
  }

  /** A stream that drops the entry if it turns out damaged on the way. */
  #guarded(stored: StoredResponse, stream: ByteStream): ByteStream {
    const chunks = stream[Symbol.asyncIterator]();
    const iterator: AsyncIterator<Uint8Array> = {
      next: async () => {
        try {
          return await chunks.next();
        } catch (error) {
          this.#dropIfCorrupt(stored, error);
          throw error;
        }
      },
      return: async () => {
        await chunks.return?.();
        return { done: true, value: undefined };
      },
    };
    return { [Symbol.asyncIterator]: () => iterator };
  }

  #dropIfCorrupt({ key }: StoredResponse, error: unknown): void {
    if (StorageError.is(error) && error.code === 'corrupt') void this.#options.stored?.remove(key);
  }
}
