import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { onTestFinished } from 'vitest';

/** A service for one test. */
export interface ScriptedService {
  readonly endpoint: string;
  readonly requests: readonly IncomingMessage[];
}

/** What it says to a request. */
export type Answering = (request: IncomingMessage, response: ServerResponse) => void;

/** A service that says what a test wants it to say: what no server can be brought to. Gone with the test. */
export async function service(answer: Answering): Promise<ScriptedService> {
  const requests: IncomingMessage[] = [];
  // One that closed idle connections would fail a request that comes in the same moment.
  const server = createServer({ keepAliveTimeout: 0 }, (request, response) => {
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
