// A server that sources come from: files of a folder, with their length, and nothing else.
import { createReadStream } from 'node:fs';
import { stat } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { serveCalls } from './calls.ts';

export interface WebOriginSetup {
  /** `/<name>` is answered by that file in it. */
  readonly folder: string;
}

function start({ folder }: WebOriginSetup): Promise<{ readonly port: number }> {
  const server = createServer({ keepAliveTimeout: 90_000 }, async (request, response) => {
    const file = join(folder, request.url ?? '');
    const { size } = await stat(file);
    response.writeHead(200, { 'content-type': 'image/jpeg', 'content-length': size });
    await pipeline(createReadStream(file), response);
  });
  return new Promise((resolve) => {
    server.listen(0, '127.0.0.1', () => resolve({ port: (server.address() as AddressInfo).port }));
  });
}

serveCalls({ start });
