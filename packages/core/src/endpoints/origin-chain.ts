import { type FieldPair, hasField, isSafeMethod } from '@tintype/http-cache';
import { BufferedBody, StreamedBody } from '../bodies.ts';
import type { Body, ByteStream } from '../contracts/body.ts';
import type { ProxyEvent } from '../contracts/observer.ts';
import { type Origin, OriginError } from '../contracts/origin.ts';
import { TransformError } from '../contracts/transformer.ts';
import type { Upstream } from '../contracts/upstream.ts';
import type { MayWait } from '../pipeline/background.ts';
import type { EndpointOrigin } from './endpoint.ts';
import { isTooLarge, limited } from './limited-body.ts';

/** What is asked of an endpoint's origins. */
export interface Question {
  readonly method: string;
  /** Path and query below the endpoint, beginning with a slash. */
  readonly rest: string;
  readonly fields: readonly FieldPair[];
  /**
   * Further fields for the origin that an entry is from: validators mean something to it alone. `source`
   * as an answer gave it.
   */
  readonly validators?: { readonly source: string; readonly fields: readonly FieldPair[] } | undefined;
  readonly body?: ByteStream | undefined;
  /** Bytes that an answer's body may have: any number unless given. */
  readonly maxBytes?: number | undefined;
  readonly signal: AbortSignal;
  /** Whether it may wait for a place at an origin; it may unless given. */
  readonly mayWait?: MayWait | undefined;
  /** Called when an origin's turn has come, after any wait for a place at it. */
  readonly onTurn?: () => void;
}

/** An origin's answer, as it came. */
export interface OriginAnswer {
  readonly status: number;
  readonly fields: readonly FieldPair[];
  readonly body: Body;
  /** The absolute URL that was asked. */
  readonly source: string;
  /** Whether validators went with the question. */
  readonly validated: boolean;
  /** Milliseconds since the epoch. */
  readonly requestedAt: number;
  readonly receivedAt: number;
  /** Lets the next question to this origin begin before all of the body has come: it comes at its reader's pace. */
  leave(): void;
}

export interface OriginChainOptions {
  readonly origins: readonly EndpointOrigin[];
  /** For origins of the web. */
  readonly upstream: Upstream | undefined;
  /** For all others, by scheme. */
  readonly byScheme: ReadonlyMap<string, Origin>;
  /** Waits for a place at an origin, given its base; none is needed unless given. @throws TransformError `overloaded` */
  readonly visit?: ((base: string, signal: AbortSignal, mayWait?: MayWait) => Promise<() => void>) | undefined;
  readonly clock: () => number;
  readonly emit: (event: ProxyEvent) => void;
}

/** Answers that make an origin count as failed. RFC 5861 §4. */
const FAILURES: ReadonlySet<number> = new Set([500, 502, 503, 504]);

/** An endpoint's origins, asked in their order until one has what is wanted. */
export class OriginChain {
  readonly #options: OriginChainOptions;

  constructor(options: OriginChainOptions) {
    this.#options = options;
  }

  /**
   * The first answer that is neither 404 nor a failure. Without one it is the first failure, because
   * what an origin could not say is not known to be missing; else the 404. Methods that change
   * something go to the first origin alone: done twice they could do harm.
   *
   * @throws OriginError if the first to fail gave no answer; `too-large` as soon as one has more than is
   *   allowed; TransformError `overloaded` if too many wait for one, ShedError if it may not wait; the signal's reason once that is
   *   aborted.
   */
  async ask(question: Question): Promise<OriginAnswer> {
    const { origins } = this.#options;
    const asked = isSafeMethod(question.method) && question.body === undefined ? origins : origins.slice(0, 1);
    let failed: { readonly answer: OriginAnswer } | { readonly error: unknown } | undefined;
    let missing: OriginAnswer | undefined;
    const giveUp = (): void => {
      discard(missing);
      if (failed !== undefined && 'answer' in failed) discard(failed.answer);
    };
    for (const origin of asked) {
      try {
        const answer = await this.#askOne(origin, question);
        // Held unread it would keep its place at a host that the next origin may be at, too.
        if (origin !== asked.at(-1) && (answer.status === 404 || FAILURES.has(answer.status))) answer.leave();
        if (answer.status === 404) {
          discard(missing);
          missing = answer;
        } else if (FAILURES.has(answer.status)) {
          if (failed === undefined) failed = { answer };
          else discard(answer);
        } else {
          giveUp();
          return answer;
        }
      } catch (error) {
        if (question.signal.aborted || isTooLarge(error) || TransformError.is(error)) {
          giveUp();
          throw error;
        }
        failed ??= { error };
      }
    }
    if (failed === undefined && missing !== undefined) return missing;
    discard(missing);
    if (failed !== undefined && 'answer' in failed) return failed.answer;
    throw failed?.error ?? new OriginError('misconfigured', 'This endpoint has no origin.');
  }

  /** The path and query below the endpoint of a URL that an answer names; `undefined` if it lies elsewhere. */
  restOf(url: string): string | undefined {
    const base = this.#options.origins.find((origin) => url.startsWith(origin.base))?.base;
    return base === undefined ? undefined : `/${url.slice(base.length)}`;
  }

  async #askOne(origin: EndpointOrigin, question: Question): Promise<OriginAnswer> {
    const { visit } = this.#options;
    if (visit === undefined) return this.#askNow(origin, question, () => undefined);
    const leave = await visit(origin.base, question.signal, question.mayWait);
    try {
      const answer = await this.#askNow(origin, question, leave);
      return { ...answer, body: notingEnd(answer.body, leave) };
    } catch (error) {
      leave();
      throw error;
    }
  }

  async #askNow(origin: EndpointOrigin, question: Question, leave: () => void): Promise<OriginAnswer> {
    const { clock, emit } = this.#options;
    question.onTurn?.();
    const started = performance.now();
    const requestedAt = clock();
    const source = origin.base + question.rest.slice(1);
    const validators = question.validators?.source === source ? question.validators.fields : [];
    const fields = [...question.fields, ...validators];
    const answer = await (origin.web === undefined
      ? this.#fetch(origin, source, question, fields)
      : this.#send(origin.web, question, fields));
    emit({ type: 'fetched', scheme: origin.scheme, status: answer.status, ms: performance.now() - started });
    const reads = question.method === 'GET' || question.method === 'HEAD';
    if (answer.status === 304 && reads && !isConditional(fields)) {
      discard(answer);
      throw new OriginError('unavailable', 'The source answered 304 to a request without a condition.');
    }
    const body = answer.status === 200 ? limited(answer, question.maxBytes) : answer.body;
    return { ...answer, body, source, validated: validators.length > 0, requestedAt, receivedAt: clock(), leave };
  }

  async #send(
    web: NonNullable<EndpointOrigin['web']>,
    { method, rest, body, signal }: Question,
    fields: readonly FieldPair[],
  ): Promise<Pick<OriginAnswer, 'status' | 'fields' | 'body'>> {
    const { upstream } = this.#options;
    if (upstream === undefined) throw new OriginError('misconfigured', 'No plugin asks origins of the web.');
    return upstream.send({
      method,
      origin: web.origin,
      target: web.path + rest.slice(1),
      fields,
      signal,
      ...(body === undefined ? {} : { body }),
    });
  }

  /** By an origin that is used for sources, too: it has credentials of its own and reads only. */
  async #fetch(
    { scheme }: EndpointOrigin,
    source: string,
    { method, maxBytes = Number.POSITIVE_INFINITY, signal }: Question,
    fields: readonly FieldPair[],
  ): Promise<Pick<OriginAnswer, 'status' | 'fields' | 'body'>> {
    const origin = this.#options.byScheme.get(scheme);
    if (origin === undefined) throw new OriginError('misconfigured', `No origin takes ${scheme}://.`);
    if (method !== 'GET' && method !== 'HEAD') {
      return { status: 405, fields: [['Allow', 'GET, HEAD']], body: new BufferedBody(new Uint8Array(0)) };
    }
    const headers: Record<string, string> = {};
    for (const [name, value] of fields) if (TOLD.has(name.toLowerCase())) headers[name.toLowerCase()] = value;
    const request = { headers, maxBytes, signal };
    const response = await origin.fetch(source, request);
    const pairs = Object.entries(response.headers).flatMap(([name, value]) =>
      value === undefined ? [] : [[name, value] as const],
    );
    if (method === 'GET') return { status: response.status, fields: pairs, body: response.body };
    response.body.discard().catch(() => undefined);
    return { status: response.status, fields: pairs, body: new BufferedBody(new Uint8Array(0)) };
  }
}

/** Whether it may be answered with 304. RFC 9110 §15.4.5. */
function isConditional(fields: readonly FieldPair[]): boolean {
  return hasField(fields, 'if-none-match') || hasField(fields, 'if-modified-since');
}

/** The same body; `ended` is called once nothing more comes of it. */
function notingEnd(body: Body, ended: () => void): Body {
  if (body.buffered !== undefined) {
    ended();
    return body;
  }
  return new StreamedBody(
    async function* () {
      try {
        yield* body.stream();
      } finally {
        ended();
      }
    },
    () => {
      ended();
      return body.discard();
    },
  );
}

/** What such an origin is told of a request; a client's credentials are none of its business. */
const TOLD: ReadonlySet<string> = new Set(['if-none-match', 'if-modified-since', 'range', 'if-range']);

/** Gives up a body that nobody reads, and waits for nothing. */
export function discard(answer: Pick<OriginAnswer, 'body'> | undefined): void {
  answer?.body.discard().catch(() => undefined);
}
