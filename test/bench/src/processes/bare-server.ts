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
      /** One body for every request. */
      readonly body: Uint8Array;
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
      ? (_request, response) => {
          response.writeHead(200, headers);
          response.end(setup.body);
        }
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

serveCalls({ start, cpu: () => process.cpuUsage() });
