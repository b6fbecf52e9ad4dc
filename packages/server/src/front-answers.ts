import type { ProxyResponse } from '@tintype/core';
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

/** What is outside the prefix at which the proxy is mounted. */
export const NOT_MOUNTED_HERE: ProxyResponse = plainAnswer(404, 'There is nothing under this path.', {
  problem: { code: 'outside-prefix' },
});

/** A GET with a body means something else to every server on its way (RFC 9110 §9.3.1). */
export const BODY_REFUSED: ProxyResponse = plainAnswer(400, 'A request with a body is not answered here.', {
  problem: { code: 'request-body' },
});

/**
 * The answer to what needs no pipeline: the probes, wrong methods and targets; `undefined` for the
 * rest. Touches no storage and allocates nothing for a good request.
 *
 * @param ready what `/readyz` tells
 */
export function frontAnswer(method: string, target: string, ready: () => boolean): ProxyResponse | undefined {
  if (method !== 'GET' && method !== 'HEAD') return WRONG_METHOD;
  const refusal = whyRefused(target);
  if (refusal !== undefined) return plainAnswer(400, refusal, { problem: { code: 'bad-target' } });
  switch (pathOf(target)) {
    case '/livez':
    case '/health':
      return ALIVE;
    case '/readyz':
      return ready() ? READY : NOT_READY;
    case '/favicon.ico':
      return NO_ICON;
    default:
      return undefined;
  }
}

/** Whether a path is asked for by machines all day, so that its log line is worth `debug` only. */
export function isProbe(target: string): boolean {
  const path = pathOf(target);
  return path === '/livez' || path === '/readyz' || path === '/health';
}
