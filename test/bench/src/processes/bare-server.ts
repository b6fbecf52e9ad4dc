// The reference: `node:http` and nothing else.
import { readFile } from 'node:fs';
import { createServer, type RequestListener } from 'node:http';
import type { AddressInfo } from 'node:net';
import { serveCalls } from './calls.ts';

export type BareSetup = {
  /** Names and values in turn, as they are sent. */
  readonly headers: readonly string[];
} & (
  | {
      readonly body: Uint8Array;
      /** `/<number>` is answered by the copy of the body with that number, of so many; 1: every request by the same. */
      readonly copies: number;
    }
  | {
      /** `/<name>` is answered by `fs.readFile` of that file. */
      readonly folder: string;
    }
);

function start(setup: BareSetup): Promise<{ readonly port: number }> {
  const headers = [...setup.headers];
  const listener: RequestListener =
    'body' in setup
      ? fromMemory(headers, setup.body, setup.copies)
      : (request, response) => {
          readFile(setup.folder + request.url, (error, body) => {
            if (error) throw error;
            response.writeHead(200, headers);
            response.end(body);
          });
        };
  const server = createServer({ keepAliveTimeout: 90_000 }, listener);
  return new Promise((resolve) => {
    server.listen(0, '127.0.0.1', () => resolve({ port: (server.address() as AddressInfo).port }));
  });
}

/** As many bodies as there are names, since what lies in the processor's cache is sent in less time. */
function fromMemory(headers: string[], body: Uint8Array, copies: number): RequestListener {
  const bodies = Array.from({ length: copies }, () => Buffer.from(body));
  return (request, response) => {
    response.writeHead(200, headers);
    response.end(copies === 1 ? bodies[0] : bodies[Number(request.url?.slice(1))]);
  };
}

serveCalls({ start, cpu: () => process.cpuUsage() });
