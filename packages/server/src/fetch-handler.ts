import { performance } from 'node:perf_hooks';
import type { ByteStream, HttpFields, ImageProxy, ProxyRequest, ProxyResponse } from '@tintype/core';
import { frontAnswer, NOT_MOUNTED_HERE } from './front-answers.ts';
import { giveUp } from './give-up.ts';
import type { HandlerOptions } from './handler-options.ts';
import { internalError } from './plain-answer.ts';
import { requestId } from './request-id.ts';
import { allOf, CLIENT_CLOSED_REQUEST, RequestLog } from './request-log.ts';
import { headerList } from './security-headers.ts';
import { checkedPrefix, targetBelow } from './target.ts';

export type FetchHandler = (request: Request) => Promise<Response>;

/** How the sending of a body ended: how much was sent, whether the client went away, what broke it. */
interface Ending {
  readonly bytes: number;
  readonly gone?: boolean;
  readonly cause?: unknown;
}

/**
 * Serves a proxy as a web-standard handler (Hono, and every runtime that takes one). It never
 * rejects. The target is the request's URL as it is written there; a `Request` that was made from
 * text has already resolved dot segments, so refusing them is up to whoever received the text.
 */
export function fetchHandler(proxy: ImageProxy, options: HandlerOptions = {}): FetchHandler {
  const prefix = checkedPrefix(options.prefix ?? '');
  const ready = options.ready ?? (() => true);
  const log = allOf([
    options.logger === undefined ? undefined : new RequestLog(options.logger, prefix, options, proxy),
    options.metrics,
  ]);

  return async (request) => {
    const startedAt = performance.now();
    const { method } = request;
    const url = targetOf(request.url);
    const target = targetBelow(prefix, url);
    const id = requestId(request.headers.get('x-request-id') ?? undefined);

    const answer =
      target === undefined
        ? NOT_MOUNTED_HERE
        : (frontAnswer(method, target, ready, proxy) ?? (await ask(proxy, request, target)));
    const { response, sent } = respond(answer, request, id);

    if (log !== undefined) {
      void sent.then(({ answer: { status, cache, problem }, bytes, gone, cause }) =>
        log.write({
          method,
          target: target ?? url,
          id,
          status: gone === true ? CLIENT_CLOSED_REQUEST : status,
          bytes,
          ms: performance.now() - startedAt,
          cache,
          problem: cause === undefined ? problem : { code: 'body-broken', cause },
        }),
      );
    }
    return response;
  };
}

async function ask(proxy: ImageProxy, request: Request, target: string): Promise<ProxyResponse> {
  const asked: ProxyRequest = {
    method: request.method,
    target,
    headers: fieldsOf(request.headers),
    ...(request.body === null ? {} : { body: request.body }),
    get signal() {
      return request.signal;
    },
  };
  try {
    return await proxy.handle(asked);
  } catch (cause) {
    return internalError(cause);
  }
}

interface Responded {
  readonly response: Response;
  readonly sent: Promise<Ending & { readonly answer: ProxyResponse }>;
}

function respond(answer: ProxyResponse, request: Request, id: string): Responded {
  const { status } = answer;
  const body = request.method === 'HEAD' ? undefined : answer.body;
  const { promise, resolve } = Promise.withResolvers<Ending>();
  try {
    const headers = pairs(headerList(answer, request.method, id));
    let sent: Uint8Array<ArrayBuffer> | ReadableStream<Uint8Array> | null = null;
    if (body instanceof Uint8Array) sent = body as Uint8Array<ArrayBuffer>;
    else if (body !== undefined) sent = readable(body, lengthIn(answer), resolve);
    const response = new Response(sent, { status, headers });
    if (!(sent instanceof ReadableStream)) resolve({ bytes: body instanceof Uint8Array ? body.length : 0 });
    if (body !== answer.body) void giveUp(answer.body);
    return { response, sent: promise.then((ending) => ({ ...ending, answer })) };
  } catch (cause) {
    void giveUp(answer.body);
    // A header or status that cannot be sent. What is made here always can.
    return respond(internalError(cause), request, id);
  }
}

/** A stream of the web over a pulled one: one chunk is fetched when one is wanted, none ahead. */
function readable(
  body: ByteStream,
  length: number | undefined,
  ended: (ending: Ending) => void,
): ReadableStream<Uint8Array> {
  const chunks = body[Symbol.asyncIterator]();
  let bytes = 0;
  return new ReadableStream<Uint8Array>(
    {
      async pull(controller) {
        try {
          const next = await chunks.next();
          if (next.done !== true) {
            bytes += next.value.length;
            if (length !== undefined && bytes > length) {
              await chunks.return?.();
              throw new Error(`The body is longer than the ${length} bytes of its content-length.`);
            }
            controller.enqueue(next.value);
            return;
          }
          if (length !== undefined && bytes < length) {
            throw new Error(`The body ended after ${bytes} of the ${length} bytes of its content-length.`);
          }
          controller.close();
          ended({ bytes });
        } catch (cause) {
          controller.error(cause);
          ended({ bytes, cause });
        }
      },
      async cancel() {
        ended({ bytes, gone: true });
        await chunks.return?.();
      },
    },
    { highWaterMark: 0 },
  );
}

/** Path and query of an absolute URL, not parsed again: parsing could change them. */
function targetOf(url: string): string {
  const authority = url.indexOf('//') + 2;
  const start = url.slice(authority).search(/[/?#]/);
  if (start < 0) return '/';
  const target = url.slice(authority + start).split('#', 1)[0] ?? '';
  return target.startsWith('/') ? target : `/${target}`;
}

function fieldsOf(headers: Headers): HttpFields {
  const fields: Record<string, string> = {};
  headers.forEach((value, name) => {
    if (name !== 'set-cookie') fields[name] = value;
  });
  return fields;
}

function pairs(list: readonly string[]): Headers {
  const headers = new Headers();
  for (let index = 0; index + 1 < list.length; index += 2) {
    headers.append(list[index] ?? '', list[index + 1] ?? '');
  }
  headers.set('date', new Date().toUTCString());
  return headers;
}

function lengthIn({ headers }: ProxyResponse): number | undefined {
  const value = headers['content-length'];
  return value === undefined ? undefined : Number(value);
}
