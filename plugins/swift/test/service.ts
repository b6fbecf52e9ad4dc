import type { IncomingMessage, ServerResponse } from 'node:http';

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
