import { createServer, type Server } from 'node:http';
import type { Socket } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import { type Bind, type ImageProxy, whyNotListen } from '@tintype/core';
import type { HandlerOptions } from './handler-options.ts';
import { addressOf, listen } from './listen.ts';
import { answerMalformed } from './malformed-requests.ts';
import { type NodeHandler, nodeHandler } from './node-handler.ts';
import { RefusedConnections } from './refused-connections.ts';
import { allOf, RequestLog } from './request-log.ts';

/** How a server stops. Times are in seconds. */
export interface StopTimes {
  /**
   * How long `close()` still accepts connections, while `/readyz` says 503 already, so that load
   * balancers can notice. Default: 0.
   */
  readonly drainDelay?: number | undefined;
  /** How long `close()` then waits for answers in flight before it breaks them off. Default: 10. */
  readonly closeTimeout?: number | undefined;
}

/** Times are in seconds. */
export interface ServerOptions extends HandlerOptions, StopTimes {
  readonly bind: Bind;
  /**
   * How long an idle connection is kept. Longer than a load balancer's own limit. 0 closes each after
   * its answer. Default: 90.
   */
  readonly keepAliveTimeout?: number | undefined;
  /** For the request line and headers to arrive. Default: 10. */
  readonly headersTimeout?: number | undefined;
  /** For the whole request to arrive. Default: 10. */
  readonly requestTimeout?: number | undefined;
  /** For a client to take any of the bytes it is sent; 0 waits for ever. Default: 30. */
  readonly writeStallTimeout?: number | undefined;
  /** Connections at a time; more are closed at once. 0 sets no limit. Default: 2,048. */
  readonly maxConnections?: number | undefined;
  /** Bytes of the request line and headers. Default: 16,384. */
  readonly maxHeaderSize?: number | undefined;
}

export interface RunningServer {
  /** `http://127.0.0.1:8080`, or `unix:` and the path of a socket. */
  readonly address: string;
  /** The port in use (the one that was given out, for port 0); `undefined` for a socket file. */
  readonly port: number | undefined;
  /**
   * Stops: `/readyz` says 503 at once and every answer carries `Connection: close`; after the drain
   * delay nothing is accepted any more and idle connections are closed; answers in flight have until
   * the close time-out. Resolves when no connection is left. Calling it again waits for the same.
   *
   * The proxy stays open: `proxy.close()` afterwards is the caller's part.
   *
   * @param times where they differ from those it was started with
   */
  close(times?: StopTimes): Promise<void>;
}

/** How often it is looked for connections that have become idle while the server stops. */
const SWEEP_EVERY_MS = 50;
/** How long a connection may stay silent while the server stops: its request may be on the way. */
const SILENCE_MS = 250;

/**
 * Starts an HTTP server for a proxy, which the caller opens and closes. Resolves when it listens;
 * rejects with an error that says what to do if it cannot.
 */
export async function startServer(proxy: ImageProxy, options: ServerOptions): Promise<RunningServer> {
  const refusal = proxy.loopbackOnly ? whyNotListen(options.bind, 'The address') : undefined;
  if (refusal !== undefined) throw new Error(refusal);
  let draining = false;
  const headersTimeout = seconds(options.headersTimeout, 10);
  const requestTimeout = Math.max(headersTimeout, seconds(options.requestTimeout, 10));
  const keepAliveTimeout = seconds(options.keepAliveTimeout, 90);
  const server = createServer({
    keepAliveTimeout,
    headersTimeout,
    requestTimeout,
    // Node looks for late requests this often only.
    connectionsCheckingInterval: Math.max(50, Math.min(1_000, headersTimeout / 4)),
    maxHeaderSize: options.maxHeaderSize ?? 16_384,
    // Fields that come twice are joined, also those of which Node would drop the second.
    joinDuplicateHeaders: true,
  });
  const maxConnections = options.maxConnections ?? 2_048;
  if (maxConnections > 0) server.maxConnections = maxConnections;
  // In a cluster Node would hand it to the next process, round and round if all are full.
  Object.assign(server, { dropMaxConnection: true });

  const isReady = options.ready;
  const handler = nodeHandler(proxy, {
    ...options,
    ready: () => !draining && (isReady === undefined || isReady()),
    draining: () => draining || keepAliveTimeout === 0,
    freesBodies: true,
  });
  const silent = silentConnections(server);
  // One listener for both: with two, Node copies the list of listeners for every request.
  const onRequest: NodeHandler = (request, response) => {
    silent.delete(request.socket);
    handler(request, response);
  };
  server.on('request', onRequest);
  // "Expect: 100-continue" asks whether to send a body, and the answer is the refusal itself.
  server.on('checkContinue', onRequest);
  answerMalformed(
    server,
    allOf([
      options.logger === undefined ? undefined : new RequestLog(options.logger, options.prefix ?? ''),
      options.metrics,
    ]),
  );
  const refused = options.logger && new RefusedConnections(options.logger, maxConnections);
  server.on('drop', () => {
    refused?.add();
    options.metrics?.refusedConnection?.();
  });

  await listen(server, options.bind);
  server.on('error', (error) => options.logger?.error({ err: error }, 'The listening socket failed.'));

  const stop = async (times: StopTimes): Promise<void> => {
    draining = true;
    const drainDelay = seconds(times.drainDelay ?? options.drainDelay, 0);
    if (drainDelay > 0) await delay(drainDelay);
    const closed = new Promise<void>((resolve) => server.close(() => resolve()));
    const timers = [
      setTimeout(() => {
        for (const socket of silent) socket.destroy();
      }, SILENCE_MS),
      setInterval(() => server.closeIdleConnections(), SWEEP_EVERY_MS),
      setTimeout(() => server.closeAllConnections(), seconds(times.closeTimeout ?? options.closeTimeout, 10)),
    ];
    await closed;
    refused?.close();
    for (const timer of timers) clearTimeout(timer);
  };
  let stopped: Promise<void> | undefined;
  return {
    ...addressOf(server, options.bind),
    close(times = {}) {
      stopped ??= stop(times);
      return stopped;
    },
  };
}

/**
 * Connections that have not asked for anything yet (browsers open them in advance). Node takes them
 * for busy, so that they would delay a stop until the deadline. Whoever hears of a request takes its
 * connection out.
 */
function silentConnections(server: Server): Set<Socket> {
  const silent = new Set<Socket>();
  server.on('connection', (socket) => {
    silent.add(socket);
    socket.once('close', () => silent.delete(socket));
  });
  return silent;
}

function seconds(value: number | undefined, otherwise: number): number {
  return Math.round((value ?? otherwise) * 1000);
}
