import { Readable } from 'node:stream';
import {
  BufferedBody,
  type ByteStream,
  type HeaderPair,
  OriginError,
  type Upstream,
  type UpstreamRequest,
  type UpstreamResponse,
  type UpstreamScope,
} from '@tintype/core';
import { Agent, buildConnector, type Dispatcher } from 'undici';
import type { AddressRules } from './addresses.ts';
import { responseBody } from './body.ts';
import { Connections } from './connections.ts';
import { createDialer, type Lookup, MAX_HEADER_BYTES, MAX_KEEP_ALIVE_MS, systemLookup } from './dialer.ts';
import { asOriginError, tooSlow } from './failures.ts';
import type { HttpOptions } from './options.ts';
import { rejectionOf } from './rejection.ts';
import { watchUse } from './reuse.ts';

/** What of the options of web origins counts. */
export type UpstreamOptions = AddressRules & Pick<HttpOptions, 'ignoreSslVerification'>;

/**
 * Servers that the operator named, over connections that no URL of a client's can lead anywhere else; where
 * clients choose among them, by the rules for the addresses of sources.
 */
export class HttpUpstream implements Upstream {
  readonly #options: UpstreamOptions;
  readonly #lookup: Lookup | undefined;
  readonly #seconds: number;
  readonly #idleSeconds: number;
  #connections: Connections | undefined;

  /** @param lookup resolves host names where addresses are checked; the system's resolver unless given. */
  constructor(options: UpstreamOptions, scope: UpstreamScope, lookup: Lookup = systemLookup) {
    const { downloadTimeout, idleTimeout, checksAddresses = false } = scope;
    this.#options = options;
    this.#lookup = checksAddresses ? lookup : undefined;
    this.#seconds = downloadTimeout;
    this.#idleSeconds = idleTimeout;
  }

  async open(): Promise<void> {
    this.#connections ??= new Connections((pipelining) => this.#pool(pipelining));
  }

  /** Breaks off what is still running: whoever closes has waited for it before. */
  async close(): Promise<void> {
    const connections = this.#connections;
    this.#connections = undefined;
    await connections?.destroy();
  }

  async send(request: UpstreamRequest): Promise<UpstreamResponse> {
    const { method, signal } = request;
    signal.throwIfAborted();
    const { statusCode: status, raw, body } = await this.#ask(request);
    const fields = pairsOf(raw);
    if (method === 'HEAD' || status === 204 || status === 205 || status === 304) {
      // Completed already: this doesn't cost the connection.
      body.destroy();
      return { status, fields, body: new BufferedBody(new Uint8Array(0)) };
    }
    const limits = { maxBytes: Number.POSITIVE_INFINITY, timeoutSeconds: this.#idleSeconds, signal };
    return { status, fields, body: responseBody(body, 'identity', limits) };
  }

  #pool(pipelining: 0 | 1): Agent {
    const timeout = this.#seconds * 1_000;
    const bodyTimeout = this.#idleSeconds * 1_000;
    const { ignoreSslVerification } = this.#options;
    if (this.#lookup !== undefined) {
      const settings = { rules: this.#options, lookup: this.#lookup, ignoreSslVerification, pipelining };
      return createDialer({ ...settings, timeoutMs: timeout, idleMs: bodyTimeout });
    }
    const dial = buildConnector({ allowH2: false, timeout, rejectUnauthorized: !ignoreSslVerification });
    return new Agent({
      allowH2: false,
      pipelining,
      maxHeaderSize: MAX_HEADER_BYTES,
      keepAliveMaxTimeout: MAX_KEEP_ALIVE_MS,
      // Own clocks: undici's are for single connections, and coarse.
      headersTimeout: 0,
      bodyTimeout,
      connect: (target, callback) =>
        dial(target, (...result) => {
          if (result[1] !== null) watchUse(result[1]);
          callback(...result);
        }),
    });
  }

  async #ask({ method, origin, target, fields, body: content, signal }: UpstreamRequest): Promise<Answer> {
    const connections = this.#connections;
    if (connections === undefined) throw new OriginError('unavailable', 'The connections to the origins are not open.');
    const late = new AbortController();
    const timer = setTimeout(() => late.abort(tooSlow(this.#seconds)), this.#seconds * 1_000);
    const either = AbortSignal.any([signal, late.signal]);
    const asked = connections.request({
      origin,
      path: target,
      // Any token is a method to undici, whatever its type says.
      method: method as Dispatcher.HttpMethod,
      headers: fields.flat(),
      body:
        content === undefined
          ? null
          : Readable.from(
              whileSending(content, () => timer.refresh()),
              { objectMode: false },
            ),
      signal: either,
    });
    try {
      // The client hears of an abort only once it is connected, hence the race.
      const { statusCode, headers, body } = await Promise.race([asked, rejectionOf(either)]);
      // Whoever reads hears of failures; without a listener one before the first read would be fatal.
      body.on('error', () => {});
      return { statusCode, raw: headers as unknown as readonly string[], body };
    } catch (error) {
      asked.then(
        ({ body }) => body.on('error', () => {}).destroy(),
        () => {},
      );
      signal.throwIfAborted();
      throw asOriginError(error, this.#seconds);
    } finally {
      clearTimeout(timer);
    }
  }
}

/** The time for an answer counts from the last byte that was sent. */
async function* whileSending(content: ByteStream, onChunk: () => void): ByteStream {
  for await (const chunk of content) {
    onChunk();
    yield chunk;
  }
  onChunk();
}

interface Answer {
  readonly statusCode: number;
  /** Names and values in turn. */
  readonly raw: readonly string[];
  readonly body: Dispatcher.ResponseData['body'];
}

function pairsOf(raw: readonly string[]): readonly HeaderPair[] {
  const pairs: HeaderPair[] = [];
  for (let index = 0; index + 1 < raw.length; index += 2) {
    pairs.push([raw[index] ?? '', (raw[index + 1] ?? '').trim()]);
  }
  return pairs;
}
