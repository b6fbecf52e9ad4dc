import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import type { ImageProxy, ProxyRequest, ProxyResponse } from '@tintype/core';
import { createLogger, type Logger } from './logger.ts';
import { type RunningServer, type ServerOptions, startServer } from './start-server.ts';

export const LOOPBACK = { kind: 'tcp', host: '127.0.0.1', port: 0 } as const;

/** A proxy that answers as it is told, and keeps what it was asked. */
export function proxyOf(handle: (request: ProxyRequest) => Promise<ProxyResponse>): ImageProxy & {
  readonly asked: ProxyRequest[];
} {
  const asked: ProxyRequest[] = [];
  return {
    asked,
    storage: undefined,
    open: async () => {},
    close: async () => {},
    check: async () => [],
    sign: (path) => path,
    handle(request) {
      asked.push(request);
      return handle(request);
    },
  };
}

/** A hit, as the pipeline answers it. */
export function image(body: ProxyResponse['body'], headers: Record<string, string> = {}): ProxyResponse {
  return {
    status: 200,
    headers: {
      'content-type': 'image/webp',
      ...(body instanceof Uint8Array ? { 'content-length': String(body.length) } : {}),
      'cache-status': 'Tintype; hit; ttl=60',
      etag: '"abc"',
      ...headers,
    },
    body,
    cache: { kind: 'hit', ttl: 60 },
  };
}

export type Line = Record<string, unknown> & { readonly level: number };

/** A logger whose lines can be looked at and waited for. */
export function capturedLog(level = 'debug'): {
  readonly logger: Logger;
  readonly lines: Line[];
  line(matches: (line: Line) => boolean): Promise<Line>;
} {
  const lines: Line[] = [];
  const waiting: (() => void)[] = [];
  const destination = {
    write(text: string) {
      lines.push(JSON.parse(text));
      for (const wake of waiting.splice(0)) wake();
    },
  };
  return {
    logger: createLogger({ level, format: 'json', destination }),
    lines,
    async line(matches) {
      for (;;) {
        const found = lines.find(matches);
        if (found !== undefined) return found;
        await new Promise<void>((resolve) => waiting.push(resolve));
      }
    },
  };
}

const running: RunningServer[] = [];

/** A server on a free port, closed by `closeServers`. */
export async function serve(
  proxy: ImageProxy,
  options: Partial<ServerOptions> = {},
): Promise<RunningServer & { readonly port: number }> {
  const server = await startServer(proxy, { bind: LOOPBACK, closeTimeout: 0.2, ...options });
  running.push(server);
  return { ...server, port: server.port ?? 0 };
}

export async function closeServers(): Promise<void> {
  await Promise.all(running.splice(0).map((server) => server.close()));
}

/** A connection that reads nothing until it is told to. */
export async function dial(port: number): Promise<Socket> {
  const socket = connect({ port, host: '127.0.0.1' });
  socket.pause();
  await once(socket, 'connect');
  return socket;
}

/** Sends bytes as they are and returns everything that comes until the server hangs up. */
export async function talk(port: number, text: string): Promise<string> {
  const socket = await dial(port);
  socket.write(Buffer.from(text, 'latin1'));
  return await everything(socket);
}

export async function everything(socket: Socket): Promise<string> {
  let received = '';
  socket.setEncoding('latin1').on('data', (chunk) => {
    received += chunk;
  });
  // A connection that is broken off is reset, which is an answer too.
  socket.on('error', () => {});
  socket.resume();
  if (!socket.closed) await once(socket, 'close');
  return received;
}

/** Waits until a connection has received `text`; leaves it open. */
export async function received(socket: Socket, text: string): Promise<string> {
  let all = '';
  socket.setEncoding('latin1');
  socket.resume();
  while (!all.includes(text)) {
    const [chunk] = await once(socket, 'data');
    all += chunk;
  }
  return all;
}

/** A GET whose connection ends with the answer. */
export function get(target: string, ...fields: string[]): string {
  return ['GET', target].join(' ') + [' HTTP/1.1', 'Host: test', 'Connection: close', ...fields, '', ''].join('\r\n');
}
