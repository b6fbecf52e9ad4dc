import type { ByteStream } from '../contracts/body.ts';
import type { ImageRequest } from '../contracts/dialect.ts';
import type { EntryMetadata } from '../contracts/entry-metadata.ts';
import type { CacheOutcome } from '../contracts/observer.ts';
import type { ProxyRequest, ProxyResponse } from '../contracts/proxy.ts';
import { clientCacheControl } from './client-cache-control.ts';
import { noneMatch } from './conditional.ts';
import { contentDisposition } from './disposition.ts';
import type { Problem } from './problem.ts';

/** What is sent, apart from what describes it. */
export interface Payload {
  readonly body: Uint8Array | (() => ByteStream);
  /** See `ProxyResponse.expendable`. */
  readonly expendable?: boolean | undefined;
  /** Bytes, where known. */
  readonly size: number | undefined;
  /** Called when the body is not needed after all (HEAD, 304). */
  readonly discard?: () => void;
}

/** `Cache-Status`, RFC 9211 §2, with this cache's name. */
export function cacheStatus(outcome: CacheOutcome): string {
  switch (outcome.kind) {
    case 'hit':
      return `Tintype; hit; ttl=${outcome.ttl}${outcome.detail === undefined ? '' : `; detail=${outcome.detail}`}`;
    case 'miss':
      return missStatus(outcome);
    case 'bypass':
      return 'Tintype; fwd=bypass';
    case 'refused':
      return 'Tintype';
  }
}

function missStatus(outcome: Extract<CacheOutcome, { kind: 'miss' }>): string {
  const { reason, fwdStatus, stored, collapsed, detail } = outcome;
  const status = fwdStatus === undefined ? '' : `; fwd-status=${fwdStatus}`;
  const rest = detail === undefined ? '' : `; detail=${detail}`;
  return `Tintype; fwd=${reason}${status}${stored ? '; stored' : ''}${collapsed ? '; collapsed' : ''}${rest}`;
}

/** The answer with an image, or 304 where the client has it already. */
export function imageResponse(
  request: ProxyRequest,
  image: ImageRequest,
  metadata: EntryMetadata,
  payload: Payload,
  cache: CacheOutcome,
  vary: string,
  now: number,
): ProxyResponse {
  const headers: Record<string, string> = {
    'cache-control': clientCacheControl(image, metadata, now),
    'cache-status': cacheStatus(cache),
  };
  if (metadata.etag !== '') headers.etag = metadata.etag;
  const { vary: own } = image.response;
  if (own !== undefined) headers.vary = vary === '' ? own : `${vary}, ${own}`;
  else if (vary !== '') headers.vary = vary;
  const { storedAt, bornAt = storedAt } = metadata;
  // Something that was just made may be of a source with an age.
  if (cache.kind === 'hit' || now - bornAt >= 1_000) headers.age = age(bornAt, now);
  if (metadata.headers !== undefined) for (const [name, value] of metadata.headers) headers[name] = value;
  if (noneMatch(request.headers['if-none-match'], metadata.etag)) {
    payload.discard?.();
    return { status: 304, headers, body: undefined, cache };
  }
  headers['content-type'] = metadata.contentType;
  headers['content-disposition'] = contentDisposition(image, metadata.contentType);
  if (payload.size !== undefined) headers['content-length'] = String(payload.size);
  if (request.method === 'HEAD') {
    payload.discard?.();
    return { status: metadata.status, headers, body: undefined, cache };
  }
  const body = typeof payload.body === 'function' ? payload.body() : payload.body;
  return { status: metadata.status, headers, body, expendable: payload.expendable, cache };
}

/** RFC 9111 §5.1: whole seconds, never negative. */
function age(bornAt: number, now: number): string {
  return String(Math.max(0, Math.floor((now - bornAt) / 1_000)));
}

/** The answer without one: a sentence, never to be stored by anybody. */
export function problemResponse(request: ProxyRequest, problem: Problem, cache: CacheOutcome): ProxyResponse {
  const body = Buffer.from(`${problem.message}\n`);
  return {
    status: problem.status,
    headers: {
      'content-type': 'text/plain; charset=utf-8',
      'content-length': String(body.length),
      'cache-control': 'no-store',
      'cache-status': cacheStatus(cache),
      ...(problem.retryAfter === undefined ? {} : { 'retry-after': String(problem.retryAfter) }),
    },
    body: request.method === 'HEAD' ? undefined : body,
    cache,
    problem: { code: problem.code, ...(problem.cause === undefined ? {} : { cause: problem.cause }) },
  };
}
