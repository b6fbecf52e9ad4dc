import { Readable } from 'node:stream';
import { type HttpFields, readable, StorageError } from '@tintype/core';
import type { Agent, Dispatcher } from 'undici';
import { AnswerError } from './errors.ts';
import { Identity } from './identity.ts';
import type { Login } from './login.ts';
import type { Credentials, SwiftOptions } from './options.ts';

/** Bytes of a refusal that are read so that its connection can be used again. */
const REFUSAL_BYTES = 64 * 1024;

/** One request to the account that was logged in to. */
export interface SwiftRequest {
  readonly method: 'GET' | 'HEAD' | 'PUT' | 'POST' | 'DELETE';
  readonly bucket: string;
  /** None: it is about the container. */
  readonly key?: string | undefined;
  readonly query?: Readonly<Record<string, string>> | undefined;
  readonly headers?: HttpFields | undefined;
  /** Bytes can be sent again; what comes piece by piece goes without a length, and once. */
  readonly body?: Uint8Array | AsyncIterable<Uint8Array> | undefined;
  /** Every other status is an `AnswerError`. */
  readonly expect: readonly number[];
  readonly signal: AbortSignal;
}

/** An answer with an expected status. */
export interface SwiftAnswer {
  readonly status: number;
  readonly headers: HttpFields;
  /** The body of an answer to GET. */
  readonly stream: Readable;
}

/**
 * Connections to one account. Nothing is sent again, except once with a new token where the old one
 * was refused.
 */
export class SwiftConnection {
  readonly #agent: Agent;
  readonly #identity: Identity;

  private constructor(agent: Agent, identity: Identity) {
    this.#agent = agent;
    this.#identity = identity;
  }

  /** Loads the HTTP client. No request yet. */
  static async open(credentials: Credentials, options: SwiftOptions): Promise<SwiftConnection> {
    const { Agent } = await import('undici');
    const timeout = options.timeoutSeconds * 1_000;
    const agent = new Agent({
      connections: options.maxSockets,
      allowH2: false,
      connect: { timeout: options.connectTimeoutSeconds * 1_000 },
      headersTimeout: timeout,
      bodyTimeout: timeout,
    });
    return new SwiftConnection(agent, new Identity(credentials, timeout));
  }

  /** @throws AnswerError, LoginError, StorageError where a body cannot be sent again, what undici throws, or the signal's reason. */
  async send(request: SwiftRequest): Promise<SwiftAnswer> {
    const login = await this.#identity.current(request.signal);
    let answer = await this.#dispatch(request, login);
    if (answer.statusCode === 401) {
      await finish(answer);
      if (request.body !== undefined && !(request.body instanceof Uint8Array)) {
        this.#identity.forget(login);
        throw new StorageError({
          code: 'unavailable',
          message: `Swift container ${request.bucket}: the token is not accepted any more, and a body that has begun cannot be sent again (HTTP 401).`,
        });
      }
      answer = await this.#dispatch(request, await this.#identity.instead(login, request.signal));
    }
    const { statusCode: status, body } = answer;
    const headers = answer.headers as HttpFields;
    const expected = request.expect.includes(status);
    if (!expected || request.method !== 'GET') await finish(answer);
    if (expected) return { status, headers, stream: readable(body) };
    throw new AnswerError(status, headers['retry-after'], headers['x-trans-id']);
  }

  /**
   * Whether there is a container, and whether this user may list it. Not by HEAD: Swift 2.30 sends
   * an end of chunks after its answer to that, where the next answer on the connection should begin.
   */
  async reach(bucket: string, signal: AbortSignal): Promise<void> {
    const query = { format: 'json', limit: '1' };
    const { stream } = await this.send({ method: 'GET', bucket, query, expect: [200], signal });
    for await (const _ of stream);
  }

  /** What the cluster says of itself, to anybody; `undefined` where it does not tell. */
  async info(signal: AbortSignal): Promise<unknown> {
    const { storageUrl } = await this.#identity.current(signal);
    // Beside the path of accounts: https://swift.example.com/info
    const { origin, pathname } = new URL(storageUrl);
    const path = `${pathname.replace(/\/v1(\.0)?(\/.*)?$/, '')}/info`;
    const { statusCode, body } = await this.#agent.request({ origin, path, method: 'GET', signal });
    if (statusCode === 200) return body.json();
    await body.dump({ limit: REFUSAL_BYTES });
    return undefined;
  }

  /** Breaks off what is still running. */
  async close(): Promise<void> {
    this.#identity.close();
    await this.#agent.destroy();
  }

  #dispatch(request: SwiftRequest, { token, storageUrl }: Login): Promise<Dispatcher.ResponseData> {
    const { method, bucket, key, query, headers, body, signal } = request;
    const { origin, pathname } = new URL(storageUrl);
    const object = key === undefined ? '' : `/${encodedPath(key)}`;
    return this.#agent.request({
      origin,
      path: `${pathname}/${encodeURIComponent(bucket)}${object}`,
      method,
      ...(query !== undefined && { query }),
      headers: { ...headers, 'x-auth-token': token },
      ...(body !== undefined && {
        body: body instanceof Uint8Array ? body : Readable.from(body, { objectMode: false }),
      }),
      signal,
    });
  }
}

/** A path of Swift: names as they are, whatever characters they have, and slashes between them. */
function encodedPath(key: string): string {
  return key.split('/').map(encodeURIComponent).join('/');
}

/** Reads what nobody wants, so that the connection can be used again. */
async function finish({ body }: Dispatcher.ResponseData): Promise<void> {
  await body.dump({ limit: REFUSAL_BYTES });
}
