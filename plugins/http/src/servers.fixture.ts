import { createServer, type RequestListener } from 'node:http';
import { type AddressInfo, createServer as createTcpServer, type Socket, type Server as TcpServer } from 'node:net';
import { type HttpFields, OriginError, type OriginResponse } from '@tintype/core';
import { onTestFinished } from 'vitest';
import type { HttpOptions } from './options.ts';
import { HttpOrigin, type HttpOriginParts } from './origin.ts';

/** The defaults of the option table, parsed. */
export const DEFAULTS: HttpOptions = {
  allowLoopbackSourceAddresses: false,
  allowPrivateSourceAddresses: false,
  allowLinkLocalSourceAddresses: false,
  maxRedirects: 10,
  userAgent: 'tintype',
  ignoreSslVerification: false,
};

interface Settings extends HttpOriginParts {
  readonly options?: Partial<HttpOptions>;
  readonly downloadTimeout?: number;
  readonly isAllowed?: (source: string) => boolean;
}

/** An open origin that may reach this machine, closed after the test. It waits for longer than a test may take. */
export async function openOrigin(settings: Settings = {}): Promise<HttpOrigin> {
  const { options, downloadTimeout = 600, isAllowed = () => true, ...parts } = settings;
  const origin = new HttpOrigin(
    { ...DEFAULTS, allowLoopbackSourceAddresses: true, ...options },
    { downloadTimeout, isAllowed },
    parts,
  );
  await origin.open();
  onTestFinished(() => origin.close());
  return origin;
}

interface Ask {
  readonly headers?: HttpFields;
  readonly maxBytes?: number;
  readonly signal?: AbortSignal;
}

export function ask(origin: HttpOrigin, source: string, request: Ask = {}): Promise<OriginResponse> {
  const { headers = {}, maxBytes = 1_000_000, signal = new AbortController().signal } = request;
  return origin.fetch(source, { headers, maxBytes, signal });
}

/** The error that `promise` rejects with, which must be an OriginError. */
export async function failure(promise: Promise<unknown>): Promise<OriginError> {
  try {
    await promise;
  } catch (error) {
    if (OriginError.is(error)) return error;
    throw error;
  }
  throw new Error('It was expected to fail.');
}

export interface Loopback {
  readonly port: number;
  readonly url: string;
  /** Of every connection that was accepted. */
  readonly sockets: Socket[];
}

/** Asks until the header has come in time: on a busy machine that may be late where only the body should be. */
export async function askInTime(origin: HttpOrigin, source: string, request: Ask = {}): Promise<OriginResponse> {
  for (;;) {
    try {
      return await ask(origin, source, request);
    } catch (error) {
      if (!OriginError.is(error) || error.code !== 'timeout') throw error;
    }
  }
}

/** A web server on 127.0.0.1 that lives as long as the test, and keeps idle connections for as long. */
export function httpServer(listener: RequestListener): Promise<Loopback> {
  return listen(createServer({ keepAliveTimeout: 600_000 }, listener), 'http');
}

/** A server that speaks bytes, for answers that no web server gives. */
export function tcpServer(onRequest: (socket: Socket, head: string) => void): Promise<Loopback> {
  const server = createTcpServer((socket) => {
    socket.on('error', () => {});
    let head = '';
    socket.on('data', (chunk) => {
      head += chunk.toString('latin1');
      if (!head.endsWith('\r\n\r\n')) return;
      const complete = head;
      head = '';
      onRequest(socket, complete);
    });
  });
  return listen(server, 'http');
}

export async function listen(server: TcpServer, scheme: string): Promise<Loopback> {
  const sockets: Socket[] = [];
  server.on('connection', (socket: Socket) => {
    sockets.push(socket);
    socket.on('error', () => {});
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  onTestFinished(async () => {
    for (const socket of sockets) socket.destroy();
    await new Promise((resolve) => server.close(resolve));
  });
  const { port } = server.address() as AddressInfo;
  return { port, url: `${scheme}://127.0.0.1:${port}`, sockets };
}
