import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { onTestFinished } from 'vitest';

export interface Service {
  readonly endpoint: string;
  readonly requests: readonly IncomingMessage[];
}

/** A service that says what a test wants it to say: what no server can be brought to. */
export async function service(answer: (request: IncomingMessage, response: ServerResponse) => void): Promise<Service> {
  const requests: IncomingMessage[] = [];
  const server = createServer((request, response) => {
    requests.push(request);
    request.resume();
    answer(request, response);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => {
    server.closeAllConnections();
    return new Promise<void>((resolve) => server.close(() => resolve()));
  });
  return { endpoint: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, requests };
}

/** A refusal of Swift as it comes over the wire. */
export function refuse(response: ServerResponse, status: number, headers: Readonly<Record<string, string>> = {}): void {
  response.writeHead(status, { 'content-type': 'text/html; charset=UTF-8', 'x-trans-id': 'tx0', ...headers });
  response.end(`<html><h1>${status}</h1></html>`);
}

/** Logins of version 1 that all succeed. @returns whether it was one. */
export function logsIn(request: IncomingMessage, response: ServerResponse, token = 'a-token'): boolean {
  if (request.url !== '/auth/v1.0') return false;
  response.writeHead(200, {
    'x-auth-token': token,
    'x-storage-url': `http://${request.headers.host}/v1/AUTH_test`,
    'x-auth-token-expires': '3600',
  });
  response.end();
  return true;
}
