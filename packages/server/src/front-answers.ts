import type { ImageProxy, ProxyResponse } from '@tintype/core';
import { plainAnswer } from './plain-answer.ts';
import { pathOf, whyRefused } from './target.ts';

const ALIVE = plainAnswer(200, 'The proxy is running.');
const READY = plainAnswer(200, 'The proxy is ready.');
const NOT_READY = plainAnswer(503, 'The proxy is not ready: it is starting or stopping.');
const NO_ICON = plainAnswer(404, 'There is no icon here.', { problem: { code: 'no-icon' } });

const WRONG_METHOD = plainAnswer(405, 'Only GET and HEAD are answered here.', {
  headers: { allow: 'GET, HEAD' },
  problem: { code: 'method-not-allowed' },
});

/** Where an endpoint takes every method that may go on. */
const NOT_PASSED_ON = plainAnswer(405, 'CONNECT and TRACE are not passed on.', {
  headers: { allow: 'GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS' },
  problem: { code: 'method-not-allowed' },
});

/** What is outside the prefix at which the proxy is mounted. */
export const NOT_MOUNTED_HERE: ProxyResponse = plainAnswer(404, 'There is nothing under this path.', {
  problem: { code: 'outside-prefix' },
});

/** A GET with a body means something else to every server on its way (RFC 9110 §9.3.1). */
const BODY_REFUSED: ProxyResponse = plainAnswer(400, 'A request with a body is not answered here.', {
  problem: { code: 'request-body' },
});

/** The answer to a request with a body where none is taken. */
export function refusedBody(method: string): ProxyResponse | undefined {
  return method === 'GET' || method === 'HEAD' ? BODY_REFUSED : undefined;
}

/**
 * The answer to what needs no pipeline: the probes, wrong methods and targets; `undefined` for the
 * rest. Touches no storage and allocates nothing for a good request.
 *
 * @param ready what `/readyz` tells
 * @param proxy what may have endpoints that take more than GET and HEAD
 */
export function frontAnswer(
  method: string,
  target: string,
  ready: () => boolean,
  proxy: Pick<ImageProxy, 'takes'>,
): ProxyResponse | undefined {
  if (method !== 'GET' && method !== 'HEAD' && (isProbe(target) || proxy.takes?.(method, target) !== true)) {
    return !isProbe(target) && proxy.takes?.('POST', target) === true ? NOT_PASSED_ON : WRONG_METHOD;
  }
  const refusal = whyRefused(target);
  if (refusal !== undefined) return plainAnswer(400, refusal, { problem: { code: 'bad-target' } });
  switch (pathOf(target)) {
    case '/livez':
    case '/health':
      return ALIVE;
    case '/readyz':
      return ready() ? READY : NOT_READY;
    case '/favicon.ico':
      return proxy.takes?.(method, target) === true ? undefined : NO_ICON;
    default:
      return undefined;
  }
}

/** Whether a path is asked for by machines all day, so that its log line is worth `debug` only. */
export function isProbe(target: string): boolean {
  const path = pathOf(target);
  return path === '/livez' || path === '/readyz' || path === '/health';
}
