import { once } from 'node:events';
import type { IncomingMessage } from 'node:http';
import { expect, test } from 'vitest';
import { ask, failure, httpServer, openOrigin, tcpServer } from './servers.fixture.ts';

test('an image comes with its status, its bytes and its end-to-end fields', async () => {
  const image = Buffer.from('the bytes');
  const server = await tcpServer((socket) => {
    socket.write(
      'HTTP/1.1 200 OK\r\nContent-Type: image/png\r\nETag: "a"\r\nX-Many: 1\r\nx-many: 2\r\n' +
        'Connection: keep-alive, X-Private\r\nX-Private: secret\r\nKeep-Alive: timeout=5\r\nSet-Cookie: a=b\r\n' +
        `__proto__: x\r\nContent-Length: ${image.length}\r\n\r\n`,
    );
    socket.write(image);
  });
  const response = await ask(await openOrigin(), `${server.url}/a.png`);
  expect(response.status).toBe(200);
  expect(Object.entries(response.headers).sort()).toEqual([
    ['__proto__', 'x'],
    ['content-length', '9'],
    ['content-type', 'image/png'],
    ['etag', '"a"'],
    ['x-many', '1, 2'],
  ]);
  expect(response.finalUrl).toBeUndefined();
  expect(Buffer.from(await response.body.bytes())).toEqual(image);
});

test('the request has the fields that were asked for, and none that belong to the client connection', async () => {
  let heard: IncomingMessage | undefined;
  const server = await httpServer((request, response) => {
    heard = request;
    response.end();
  });
  const origin = await openOrigin({ options: { userAgent: 'pictures/1' } });
  const headers = {
    'if-none-match': '"a"',
    range: 'bytes=0-1',
    connection: 'x-hop',
    'x-hop': '1',
    te: 'trailers',
    host: 'evil.test',
    'x-forwarded-for': '10.0.0.1',
    forwarded: 'for=10.0.0.1',
    'accept-encoding': 'gzip',
    'content-length': '7',
    'x-absent': undefined,
  };
  await (await ask(origin, `${server.url}/a%2Fb//c?x=%41+&y`, { headers })).body.discard();
  expect(heard?.method).toBe('GET');
  expect(heard?.url).toBe('/a%2Fb//c?x=%41+&y');
  expect(heard?.headers).toEqual({
    accept: 'image/*,*/*;q=0.5',
    'accept-encoding': 'identity',
    'user-agent': 'pictures/1',
    'if-none-match': '"a"',
    range: 'bytes=0-1',
    host: `127.0.0.1:${server.port}`,
    connection: 'keep-alive',
  });
});

test('characters that HTTP cannot carry arrive encoded', async () => {
  const server = await httpServer((request, response) => response.end(request.url));
  const response = await ask(await openOrigin(), `${server.url}/my image ö.jpg?ü`);
  expect(Buffer.from(await response.body.bytes()).toString()).toBe('/my%20image%20%C3%B6.jpg?%C3%BC');
});

test.each([404, 410, 403, 500, 503])('status %i is a value', async (status) => {
  const server = await httpServer((_request, response) => response.writeHead(status).end('no'));
  const response = await ask(await openOrigin(), server.url);
  expect(response.status).toBe(status);
  await response.body.discard();
});

test('a 304 has no body and leaves the connection for the next request', async () => {
  const server = await httpServer((_request, response) => response.writeHead(304, { etag: '"a"' }).end());
  const origin = await openOrigin();
  for (let turn = 0; turn < 3; turn++) {
    const response = await ask(origin, server.url, { headers: { 'if-none-match': '"a"' } });
    expect([response.status, response.headers.etag, response.body.buffered?.length]).toEqual([304, '"a"', 0]);
    await response.body.discard();
    await new Promise((resolve) => setImmediate(resolve));
  }
  expect(server.sockets).toHaveLength(1);
});

test('a 304 and a 206 that nobody asked for are broken answers', async () => {
  const server = await httpServer((request, response) => {
    const status = Number(request.url?.slice(1));
    response.writeHead(status, status === 206 ? { 'content-range': 'bytes 0-1/9' } : {}).end();
  });
  const origin = await openOrigin();
  expect((await failure(ask(origin, `${server.url}/304`))).code).toBe('unavailable');
  expect((await failure(ask(origin, `${server.url}/206`))).code).toBe('unavailable');
  const asked = await ask(origin, `${server.url}/206`, { headers: { range: 'bytes=0-1' } });
  expect(asked.status).toBe(206);
  await asked.body.discard();
});

test('a 206 that does not say which part it is is a broken answer', async () => {
  const server = await httpServer((_request, response) => response.writeHead(206).end('ab'));
  const origin = await openOrigin();
  const error = await failure(ask(origin, server.url, { headers: { range: 'bytes=0-1' } }));
  expect(error.code).toBe('unavailable');
});

test.each([
  ['garbage', 'SSH-2.0-OpenSSH_9.9\r\n\r\n'],
  ['a bad status line', 'HTTP/1.1 abc OK\r\n\r\n'],
  ['a field without a colon', 'HTTP/1.1 200 OK\r\nnonsense\r\n\r\n'],
  ['a field with a control character', 'HTTP/1.1 200 OK\r\nx: a\u0000b\r\n\r\n'],
  ['two different lengths', 'HTTP/1.1 200 OK\r\ncontent-length: 1\r\ncontent-length: 2\r\n\r\nab'],
  ['a switch of protocols', 'HTTP/1.1 101 Switching Protocols\r\nupgrade: x\r\nconnection: upgrade\r\n\r\n'],
  ['header fields without end', `HTTP/1.1 200 OK\r\nx: ${'a'.repeat(70_000)}\r\n\r\n`],
  ['nothing', ''],
])('%s is no answer', async (_what, answer) => {
  const server = await tcpServer((socket) => socket.end(answer, 'latin1'));
  const error = await failure(ask(await openOrigin(), server.url));
  expect(error.code).toBe('unavailable');
  expect(error.message).not.toContain('127.0.0.1');
});

test('early hints are passed over', async () => {
  const server = await httpServer((_request, response) => {
    response.writeEarlyHints({ link: '</a.css>; rel=preload' });
    response.end('image');
  });
  const response = await ask(await openOrigin(), server.url);
  expect(response.status).toBe(200);
  expect(response.headers.link).toBeUndefined();
  await response.body.discard();
});

test('a closed port, an unknown host and a missing open are unavailable', async () => {
  const origin = await openOrigin({
    lookup: async () => {
      throw Object.assign(new Error('getaddrinfo ENOTFOUND inside.corp'), { code: 'ENOTFOUND' });
    },
  });
  const unresolved = await failure(ask(origin, 'http://inside.corp/'));
  expect([unresolved.code, unresolved.message]).toEqual([
    'unavailable',
    'The host name of the source could not be resolved.',
  ]);
  const refused = await failure(ask(origin, 'http://127.0.0.1:1/'));
  expect([refused.code, refused.message]).toEqual(['unavailable', 'The source refused the connection.']);
  await origin.close();
  expect((await failure(ask(origin, 'http://127.0.0.1:1/'))).code).toBe('unavailable');
});

test('userinfo becomes basic credentials, and no message shows it', async () => {
  const heard: (string | undefined)[] = [];
  const server = await tcpServer((socket, head) => {
    heard.push(/^authorization: (.*)$/im.exec(head)?.[1]);
    socket.end();
  });
  const error = await failure(ask(await openOrigin(), `http://al%40ice:secret@127.0.0.1:${server.port}/`));
  expect(heard).toEqual([`Basic ${Buffer.from('al@ice:secret').toString('base64')}`]);
  expect(`${error.message} ${String(error.cause)}`).not.toMatch(/secret|YWx/);
});

test('a source outside of the allowed ones is not asked for', async () => {
  const server = await tcpServer((socket) => socket.end());
  const seen: string[] = [];
  const origin = await openOrigin({
    isAllowed: (source) => {
      seen.push(source);
      return false;
    },
  });
  const error = await failure(ask(origin, `http://u:p@127.0.0.1:${server.port}/a/../b?c#d`));
  expect(error.code).toBe('refused');
  expect(seen).toEqual([`http://127.0.0.1:${server.port}/b?c`]);
  expect(server.sockets).toEqual([]);
});

test('an abort before, during and after the header rejects with its reason', async () => {
  const server = await httpServer((request, response) => {
    if (request.url === '/body') response.writeHead(200, { 'content-length': '100' }).write('some');
    else response.on('close', () => {});
  });
  const origin = await openOrigin();
  const reason = new Error('nobody waits any more');

  await expect(ask(origin, server.url, { signal: AbortSignal.abort(reason) })).rejects.toBe(reason);
  expect(server.sockets).toEqual([]);

  const waiting = new AbortController();
  const pending = ask(origin, `${server.url}/never`, { signal: waiting.signal });
  while (server.sockets.length === 0) await new Promise((resolve) => setImmediate(resolve));
  waiting.abort(reason);
  await expect(pending).rejects.toBe(reason);

  const reading = new AbortController();
  const response = await ask(origin, `${server.url}/body`, { signal: reading.signal });
  const stream = response.body.stream()[Symbol.asyncIterator]();
  expect(Buffer.from((await stream.next()).value ?? []).toString()).toBe('some');
  reading.abort(reason);
  await expect(stream.next()).rejects.toBe(reason);
  for (const socket of server.sockets) if (!socket.destroyed) await once(socket, 'close');
});

test('an abort while a name is being resolved rejects at once', async () => {
  const origin = await openOrigin({ lookup: () => new Promise(() => {}) });
  const reason = new Error('nobody waits any more');
  const controller = new AbortController();
  const pending = ask(origin, 'http://slow.test/', { signal: controller.signal });
  setImmediate(() => controller.abort(reason));
  await expect(pending).rejects.toBe(reason);
});

test('close breaks off what is running', async () => {
  const server = await httpServer((_request, response) => {
    response.writeHead(200, { 'content-length': '100' }).write('some');
  });
  const origin = await openOrigin();
  const response = await ask(origin, server.url);
  await origin.close();
  expect((await failure(response.body.bytes())).code).toBe('unavailable');
});

test('check says what is open', async () => {
  const origin = await openOrigin({ options: { allowPrivateSourceAddresses: true, ignoreSslVerification: true } });
  expect(await origin.check()).toEqual({
    ok: true,
    summary: 'http and https, public, loopback, private addresses, any TLS certificate',
  });
});
