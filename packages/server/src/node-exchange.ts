import type { IncomingMessage, ServerResponse } from 'node:http';
import { performance } from 'node:perf_hooks';
import {
  type ByteStream,
  type CacheOutcome,
  freeExpendable,
  type HttpFields,
  type ProxyRequest,
  type ProxyResponse,
} from '@tintype/core';
import { giveUp } from './give-up.ts';
import { internalError } from './plain-answer.ts';
import { requestId } from './request-id.ts';
import { CLIENT_CLOSED_REQUEST, type RequestRecord, type RequestSink } from './request-log.ts';
import { headerList } from './security-headers.ts';

/** What all exchanges of a handler have in common. */
export interface ExchangeContext {
  readonly log: RequestSink | undefined;
  /** Milliseconds. */
  readonly writeStallTimeout: number;
  readonly draining: () => boolean;
  /** Whether bodies that nobody else holds are freed when they were sent. */
  readonly freesBodies: boolean;
}

/**
 * One request and its answer over `node:http`: the pipeline's view of the request, the sending of
 * the response, and the record for the log. One object for all three, because a hit is served some
 * ten thousand times a second.
 */
export class NodeExchange implements ProxyRequest, RequestRecord {
  readonly method: string;
  readonly target: string;
  readonly headers: HttpFields;
  readonly id: string;
  status = 0;
  bytes = 0;
  ms = 0;
  cache: CacheOutcome | undefined;
  problem: ProxyResponse['problem'];

  readonly #context: ExchangeContext;
  readonly #request: IncomingMessage;
  readonly #response: ServerResponse;
  readonly #startedAt = performance.now();
  #abort: AbortController | undefined;
  #closed = false;
  #continued = false;
  #watchingForStall = false;
  #wake: (() => void) | undefined;
  #expendable: Uint8Array | undefined;

  constructor(request: IncomingMessage, response: ServerResponse, target: string, context: ExchangeContext) {
    this.method = request.method ?? 'GET';
    this.target = target;
    this.headers = fieldsOf(request);
    this.id = requestId(this.headers['x-request-id']);
    this.#context = context;
    this.#request = request;
    this.#response = response;
    response.on('close', () => this.#onClose());
  }

  /** Made when somebody asks for it: a hit from memory never does. */
  get signal(): AbortSignal {
    if (this.#abort === undefined) {
      this.#abort = new AbortController();
      if (this.#closed) this.#abort.abort(clientGone());
    }
    return this.#abort.signal;
  }

  get rawHeaders(): readonly string[] {
    return this.#request.rawHeaders;
  }

  /** Read at the pace of whoever takes it. A client that waits for a word first gets it when it is. */
  get body(): ByteStream | undefined {
    const request = this.#request;
    if (!hasBody(request)) return undefined;
    if (request.headers.expect !== undefined && !this.#continued) {
      this.#continued = true;
      this.#response.writeContinue();
    }
    return request;
  }

  /** Sends an answer. Never throws. */
  send(answer: ProxyResponse, closeAfterwards = false): void {
    if (this.#closed) {
      void giveUp(answer.body);
      return;
    }
    const { body } = answer;
    this.status = answer.status;
    this.cache = answer.cache;
    this.problem = answer.problem;
    const headers = headerList(answer, this.method, this.id);
    if (closeAfterwards || this.#context.draining()) headers.push('connection', 'close');
    try {
      this.#response.writeHead(answer.status, headers);
    } catch (cause) {
      void giveUp(body);
      if (answer.status === 500 || this.#response.headersSent) this.#breakOff('unsendable', cause);
      else this.send(internalError(cause), closeAfterwards);
      return;
    }
    if (this.method === 'HEAD' || body === undefined) {
      this.#response.end();
      void giveUp(body);
    } else if (body instanceof Uint8Array) {
      this.bytes = body.length;
      if (answer.expendable === true && this.#context.freesBodies) this.#expendable = body;
      this.#response.end(body);
      this.#watchForStall();
    } else {
      this.#pump(body, lengthIn(answer)).catch((cause: unknown) => this.#breakOff('body-broken', cause));
    }
  }

  /** The pipeline rejected, which it must not. */
  fail(cause: unknown): void {
    this.send(internalError(cause));
  }

  /** Sends chunk by chunk, no faster than the client reads. */
  async #pump(body: ByteStream, length: number | undefined): Promise<void> {
    const response = this.#response;
    const recycles = this.#context.freesBodies && body.recycle !== undefined;
    for await (const chunk of body) {
      if (this.#closed) return;
      // More than was announced would be taken for the beginning of the next answer.
      if (length !== undefined && this.bytes + chunk.length > length) {
        throw new Error(`The body is longer than the ${length} bytes of its content-length.`);
      }
      this.bytes += chunk.length;
      if (!response.write(chunk, recycles ? this.#recycling(body, chunk) : undefined)) {
        this.#watchForStall();
        await this.#drained();
        if (this.#closed) return;
      }
    }
    if (this.#closed) return;
    if (length !== undefined && this.bytes < length) {
      throw new Error(`The body ended after ${this.bytes} of the ${length} bytes of its content-length.`);
    }
    response.end();
    this.#watchForStall();
  }

  /** Gives a chunk back when the socket is done with it; not where that failed: who knows what still holds it then. */
  #recycling(body: ByteStream, chunk: Uint8Array): (error?: Error | null) => void {
    return (error) => {
      if (error) return;
      try {
        body.recycle?.(chunk);
      } catch (cause) {
        // Nobody would catch it here, and the process would end.
        this.#breakOff('body-broken', cause);
      }
    };
  }

  #drained(): Promise<void> {
    return new Promise((resolve) => {
      this.#wake = resolve;
      this.#response.once('drain', resolve);
    });
  }

  /** If not everything has gone to the client yet: counts the time without any progress. */
  #watchForStall(): void {
    const response = this.#response;
    const { writeStallTimeout } = this.#context;
    // The response's own length: what is sent in chunks lies outside of the socket at first.
    if (this.#watchingForStall || response.writableLength === 0 || writeStallTimeout === 0) return;
    this.#watchingForStall = true;
    response.setTimeout(writeStallTimeout, () => {
      // With nothing to write it is the pipeline that is slow, and that has its own deadlines.
      if (response.writableLength > 0) this.#breakOff('client-stalled', undefined);
    });
  }

  /** Ends the connection without ending the answer, so that nobody takes a part for the whole. */
  #breakOff(code: string, cause: unknown): void {
    if (this.#closed) return;
    this.problem = { code, cause };
    this.#response.destroy();
  }

  #onClose(): void {
    if (this.#closed) return;
    this.#closed = true;
    if (!this.#response.writableFinished) {
      if (this.problem === undefined || this.status === 0) this.status = CLIENT_CLOSED_REQUEST;
      this.#abort?.abort(clientGone());
      this.#wake?.();
    } else if (this.#expendable !== undefined) {
      // Only what has gone to the system: a socket that was cut off may hold the rest.
      freeExpendable(this.#expendable);
    }
    const { log } = this.#context;
    if (log === undefined) return;
    this.ms = performance.now() - this.#startedAt;
    log.write(this);
  }
}

/** Whether a request brings content. RFC 9112 §6. */
export function hasBody({ headers }: IncomingMessage): boolean {
  const length = headers['content-length'];
  return (length !== undefined && Number(length) !== 0) || headers['transfer-encoding'] !== undefined;
}

function clientGone(): DOMException {
  return new DOMException('The client has closed the connection.', 'AbortError');
}

/** Node's record, except `set-cookie`: a request has none, and it would be a list. */
function fieldsOf(request: IncomingMessage): HttpFields {
  const { 'set-cookie': unexpected } = request.headers;
  if (unexpected === undefined) return request.headers as HttpFields;
  const { 'set-cookie': _, ...fields } = request.headers;
  return fields as HttpFields;
}

function lengthIn({ headers }: ProxyResponse): number | undefined {
  const value = headers['content-length'];
  return value === undefined ? undefined : Number(value);
}
