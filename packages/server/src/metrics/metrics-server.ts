import { createServer } from 'node:http';
import type { Bind } from '@tintype/core';
import { addressOf, listen } from '../listen.ts';

const CONTENT_TYPE = 'text/plain; version=0.0.4; charset=utf-8';

export interface MetricsServerOptions {
  readonly bind: Bind;
  /** All metrics in Prometheus' text format, asked for at each scrape. */
  readonly text: () => Promise<string>;
}

export interface RunningMetricsServer {
  /** `http://127.0.0.1:9090`, or `unix:` and the path of a socket. */
  readonly address: string;
  close(): Promise<void>;
}

/**
 * Serves metrics apart from images, so that nobody sees them who sees images. Any path will do, as with
 * imgproxy.
 */
export async function startMetricsServer({ bind, text }: MetricsServerOptions): Promise<RunningMetricsServer> {
  const server = createServer((request, response) => {
    if (request.method !== 'GET' && request.method !== 'HEAD') {
      response.writeHead(405, { allow: 'GET, HEAD', 'content-type': 'text/plain; charset=utf-8' });
      response.end('Only GET and HEAD are answered here.\n');
      return;
    }
    text().then(
      (body) => {
        response.writeHead(200, {
          'content-type': CONTENT_TYPE,
          'content-length': Buffer.byteLength(body),
          'cache-control': 'no-store',
        });
        response.end(request.method === 'HEAD' ? undefined : body);
      },
      () => {
        response.writeHead(503, { 'content-type': 'text/plain; charset=utf-8', 'cache-control': 'no-store' });
        response.end('The metrics cannot be told now.\n');
      },
    );
  });
  await listen(server, bind, 'TINTYPE_PROMETHEUS_BIND');
  return {
    address: addressOf(server, bind).address,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}
