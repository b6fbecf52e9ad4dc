import type { IncomingMessage, ServerResponse } from 'node:http';
import type { ImageProxy } from '@tintype/core';
import { frontAnswer, NOT_MOUNTED_HERE, refusedBody } from './front-answers.ts';
import type { HandlerOptions } from './handler-options.ts';
import { type ExchangeContext, hasBody, NodeExchange } from './node-exchange.ts';
import { allOf, RequestLog } from './request-log.ts';
import { checkedPrefix, targetBelow } from './target.ts';

export interface NodeHandlerOptions extends HandlerOptions {
  /**
   * Seconds after which a client that takes none of the bytes it is sent is disconnected; 0 waits
   * for ever. Default: 30.
   */
  readonly writeStallTimeout?: number | undefined;
  /**
   * Frees bodies that nobody else holds once they were sent: a third of what a hit from a file costs. Only
   * for responses that nobody listens in on: who keeps such a body (a middleware that caches) is left with
   * nothing. Default: no.
   */
  readonly freesBodies?: boolean | undefined;
  /** Whether the server is stopping: answers then carry `Connection: close`. Default: never. */
  readonly draining?: (() => boolean) | undefined;
}

export type NodeHandler = (request: IncomingMessage, response: ServerResponse) => void;

/**
 * Serves a proxy as a handler for `node:http` and what is built upon it (Express, Connect, Fastify's
 * `reply.raw`). It answers every request: GET and HEAD by the proxy, the probes itself, the rest
 * with 4xx. The proxy must be open, and closing it is the caller's part.
 */
export function nodeHandler(proxy: ImageProxy, options: NodeHandlerOptions = {}): NodeHandler {
  const prefix = checkedPrefix(options.prefix ?? '');
  const ready = options.ready ?? always;
  const context: ExchangeContext = {
    log: allOf([
      options.logger === undefined ? undefined : new RequestLog(options.logger, prefix, options, proxy),
      options.metrics,
    ]),
    writeStallTimeout: (options.writeStallTimeout ?? 30) * 1000,
    draining: options.draining ?? never,
    freesBodies: options.freesBodies ?? false,
  };

  return (request, response) => {
    const url = request.url ?? '';
    const target = targetBelow(prefix, url);
    const exchange = new NodeExchange(request, response, target ?? url, context);
    const body = hasBody(request);
    const answer =
      target === undefined
        ? NOT_MOUNTED_HERE
        : (frontAnswer(exchange.method, target, ready, proxy) ?? (body ? refusedBody(exchange.method) : undefined));
    if (answer !== undefined) {
      // A body that nobody reads would be taken for the next request.
      exchange.send(answer, body);
      return;
    }
    try {
      proxy.handle(exchange).then(
        (response) => exchange.send(response),
        (cause: unknown) => exchange.fail(cause),
      );
    } catch (cause) {
      exchange.fail(cause);
    }
  };
}

function always(): boolean {
  return true;
}

function never(): boolean {
  return false;
}
