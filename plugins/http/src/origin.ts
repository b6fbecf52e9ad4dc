import {
  type Body,
  BufferedBody,
  type CheckResult,
  type HttpFields,
  type Origin,
  OriginError,
  type OriginRequest,
  type OriginResponse,
  type OriginScope,
} from '@tintype/core';
import type { Dispatcher } from 'undici';
import { type BodyLimits, contentCoding, responseBody } from './body.ts';
import { Connections } from './connections.ts';
import { createDialer, type Lookup, systemLookup } from './dialer.ts';
import { asOriginError, tooLarge, tooSlow } from './failures.ts';
import { endToEndFields, hasCookie, requestFields, withoutCredentials } from './fields.ts';
import type { HttpOptions } from './options.ts';
import { RedirectChain } from './redirects.ts';
import { rejectionOf } from './rejection.ts';
import { parseSource, type Source } from './source.ts';

/** What may be replaced besides the options. */
export interface HttpOriginParts {
  /** Resolves host names; the system's resolver unless given. */
  readonly lookup?: Lookup;
}

/** The web as an origin: absolute `http` and `https` URLs, by GET over HTTP/1.1. */
export class HttpOrigin implements Origin {
  readonly schemes: readonly string[] = ['http', 'https'];
  readonly #options: HttpOptions;
  readonly #scope: OriginScope;
  readonly #lookup: Lookup;
  #connections: Connections | undefined;

  constructor(options: HttpOptions, scope: OriginScope, parts: HttpOriginParts = {}) {
    this.#options = options;
    this.#scope = scope;
    this.#lookup = parts.lookup ?? systemLookup;
  }

  async open(): Promise<void> {
    const settings = {
      rules: this.#options,
      lookup: this.#lookup,
      ignoreSslVerification: this.#options.ignoreSslVerification,
      timeoutMs: this.#scope.downloadTimeout * 1_000,
    };
    this.#connections ??= new Connections((pipelining) => createDialer({ ...settings, pipelining }));
  }

  /** Breaks off what is still running: whoever closes has waited for it before. */
  async close(): Promise<void> {
    const connections = this.#connections;
    this.#connections = undefined;
    await connections?.destroy();
  }

  async check(): Promise<CheckResult> {
    const options = this.#options;
    const classes = ['public'];
    if (options.allowLoopbackSourceAddresses) classes.push('loopback');
    if (options.allowPrivateSourceAddresses) classes.push('private');
    if (options.allowLinkLocalSourceAddresses) classes.push('link-local');
    const certificates = options.ignoreSslVerification ? ', any TLS certificate' : '';
    return { ok: true, summary: `http and https, ${classes.join(', ')} addresses${certificates}` };
  }

  /**
   * Fetches `source` and follows redirects; each hop is checked anew (scheme, allowed sources, the
   * address when dialling), and credentials stay with the origin that they were meant for. A redirect
   * from https to http is followed, as curl and imgproxy do.
   *
   * Rejects with the reason of `request.signal` once that is aborted.
   */
  async fetch(source: string, request: OriginRequest): Promise<OriginResponse> {
    request.signal.throwIfAborted();
    let hop = parseSource(source);
    const chain = new RedirectChain(hop, this.#options.maxRedirects);
    let fields = requestFields(request.headers, this.#options.userAgent, hop.authorization);
    for (let redirected = false; ; redirected = true) {
      this.#assertAllowed(hop);
      const answer = await this.#ask(hop, fields, request.signal);
      const headers = endToEndFields(answer.rawHeaders);
      try {
        const next = chain.next(answer.statusCode, headers, hop);
        if (next === undefined) {
          const response = this.#respond(answer, headers, fields, request);
          const setsCookie = hasCookie(answer.rawHeaders);
          if (!redirected && !setsCookie) return response;
          return { ...response, ...(setsCookie && { setsCookie }), ...(redirected && { finalUrl: hop.href }) };
        }
        answer.body.destroy();
        if (next.origin !== hop.origin) fields = withoutCredentials(fields);
        hop = next;
      } catch (error) {
        answer.body.destroy();
        throw error;
      }
    }
  }

  #assertAllowed(hop: Source): void {
    if (!this.#scope.isAllowed(hop.href)) {
      throw new OriginError('refused', 'The source, or where it redirects to, is not among the allowed sources.');
    }
  }

  /** One request, repeated if need be, until the header of its final answer is there: at most `downloadTimeout`. */
  async #ask(hop: Source, headers: HttpFields, signal: AbortSignal): Promise<Answer> {
    const connections = this.#connections;
    if (connections === undefined) throw new OriginError('unavailable', 'The web origin is not open.');
    const seconds = this.#scope.downloadTimeout;
    const late = new AbortController();
    const timer = setTimeout(() => late.abort(tooSlow(seconds)), seconds * 1_000);
    const either = AbortSignal.any([signal, late.signal]);
    const asked = connections.request({
      origin: hop.origin,
      path: hop.target,
      method: 'GET',
      headers,
      signal: either,
    });
    try {
      // The client hears of an abort only once it is connected, hence the race.
      const { statusCode, headers: raw, body } = await Promise.race([asked, rejectionOf(either)]);
      // Whoever reads hears of failures; without a listener one before the first read would be fatal.
      body.on('error', () => {});
      return { statusCode, rawHeaders: raw as unknown as readonly string[], body };
    } catch (error) {
      // Lost the race: should an answer come nevertheless, its socket must not linger.
      asked.then(
        ({ body }) => body.on('error', () => {}).destroy(),
        () => {},
      );
      signal.throwIfAborted();
      throw asOriginError(error, seconds);
    } finally {
      clearTimeout(timer);
    }
  }

  #respond(answer: Answer, headers: HttpFields, asked: HttpFields, request: OriginRequest): OriginResponse {
    const { statusCode: status, body } = answer;
    assertAskedFor(status, headers, asked);
    if (status === 204 || status === 205 || status === 304) {
      // Completed already, so this doesn't cost the connection, unless a 205 brings content that it must not.
      body.destroy();
      return { status, headers, body: new BufferedBody(new Uint8Array(0)) };
    }
    const length = Number(headers['content-length'] ?? 0);
    if (status < 300 && length > request.maxBytes) throw tooLarge(request.maxBytes);
    const coding = contentCoding(headers['content-encoding']);
    const limits: BodyLimits = {
      maxBytes: request.maxBytes,
      timeoutSeconds: this.#scope.downloadTimeout,
      signal: request.signal,
    };
    const decoded: Body = responseBody(body, coding, limits);
    if (coding === 'identity') return { status, headers, body: decoded };
    if (status === 206) throw new OriginError('unavailable', 'The source sent a part of a compressed body.');
    const { 'content-encoding': _coding, 'content-length': _length, ...rest } = headers;
    return { status, headers: rest, body: decoded };
  }
}

interface Answer {
  readonly statusCode: number;
  /** Names and values in turn. */
  readonly rawHeaders: readonly string[];
  readonly body: Dispatcher.ResponseData['body'];
}

/** A part or a "not modified" that nobody asked for would be taken for the image itself. */
function assertAskedFor(status: number, headers: HttpFields, asked: HttpFields): void {
  if (status === 206 && asked.range === undefined) {
    throw new OriginError('unavailable', 'The source sent a part although the whole was asked for.');
  }
  if (status === 206 && headers['content-range'] === undefined && !isMultipart(headers)) {
    throw new OriginError('unavailable', 'The source sent a part without saying which.');
  }
  if (status === 304 && asked['if-none-match'] === undefined && asked['if-modified-since'] === undefined) {
    throw new OriginError('unavailable', 'The source answered 304 to a request without a condition.');
  }
}

function isMultipart(headers: HttpFields): boolean {
  return (headers['content-type'] ?? '').toLowerCase().startsWith('multipart/byteranges');
}
