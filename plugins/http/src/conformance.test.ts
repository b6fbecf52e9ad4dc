import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { type OriginResource, type OriginSubject, originConformance } from '@tintype/conformance';
import { describe, test } from 'vitest';
import { HttpOrigin } from './origin.ts';
import { DEFAULTS } from './servers.fixture.ts';

async function create(): Promise<OriginSubject> {
  const resources = new Map<string, OriginResource>();
  const sockets = new Set<object>();
  // Who keeps a connection must not find it closed in the moment of the next request.
  const server = createServer({ keepAliveTimeout: 600_000 }, (request, response) => {
    const resource = resources.get(request.url ?? '');
    if (resource === undefined) {
      response.writeHead(404, { 'set-cookie': 'a=b' }).end('Not found');
      return;
    }
    const etag = `"${resource.name}"`;
    if (request.headers['if-none-match'] === etag) {
      response.writeHead(304, { etag }).end();
      return;
    }
    response.writeHead(200, {
      etag,
      'content-type': resource.contentType,
      'content-length': resource.body.length,
      'set-cookie': 'a=b',
    });
    response.end(resource.body);
  });
  server.on('connection', (socket) => {
    sockets.add(socket);
    socket.once('close', () => sockets.delete(socket));
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const origin = () =>
    new HttpOrigin(
      { ...DEFAULTS, allowLoopbackSourceAddresses: true },
      { downloadTimeout: 600, isAllowed: () => true },
    );
  return {
    origin: origin(),
    another: origin,
    serve(resource) {
      resources.set(`/${resource.name}`, resource);
      return `${url}/${resource.name}`;
    },
    missing: `${url}/missing`,
    invalid: ['http:', 'http://', 'http://[::1', 'http://169.254.1.1/', 'http://10.0.0.1/'],
    leaks: () => (sockets.size > 0 ? [`${sockets.size} connections`] : []),
    async dispose() {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };
}

originConformance({ name: 'http', harness: { create }, runner: { describe, test } });
