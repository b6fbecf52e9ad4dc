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

/** An error of S3 as it comes over the wire. */
export function refuse(response: ServerResponse, status: number, code: string, more = '', headers = {}): void {
  response.writeHead(status, { 'content-type': 'application/xml', ...headers });
  response.end(`<?xml version="1.0"?><Error><Code>${code}</Code><Message>${code} it is.</Message>${more}</Error>`);
}

/** A bucket with nothing in it, as a listing. */
export function listNothing(response: ServerResponse): void {
  response.writeHead(200, { 'content-type': 'application/xml' });
  response.end('<?xml version="1.0"?><ListBucketResult><IsTruncated>false</IsTruncated></ListBucketResult>');
}
