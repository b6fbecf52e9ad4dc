import { once } from 'node:events';
import { readdir, readFile } from 'node:fs/promises';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { brotliCompressSync, constants, gzipSync } from 'node:zlib';
import { expect, test } from 'vitest';
import { ask, askInTime, failure, httpServer, openOrigin, tcpServer } from './servers.fixture.ts';

const IMAGES = new URL('../../../examples/demo/images/', import.meta.url);

test('a photograph arrives byte for byte, in pieces', async () => {
  const [name = ''] = (await readdir(IMAGES)).filter((each) => each.endsWith('.jpg') && !each.startsWith('trunc'));
  const photograph = await readFile(new URL(name, IMAGES));
  const server = await httpServer((_request, response) => response.end(photograph));
  const response = await ask(await openOrigin(), server.url, { maxBytes: photograph.length });
  expect(response.headers['content-length']).toBe(String(photograph.length));
  expect(photograph.equals(await response.body.bytes())).toBe(true);
});

test('an announced length above the limit is refused before a byte of it is read', async () => {
  const server = await httpServer((_request, response) => {
    response.writeHead(200, { 'content-length': '1001' }).write('x');
  });
  const error = await failure(ask(await openOrigin(), server.url, { maxBytes: 1_000 }));
  expect([error.code, error.message]).toEqual(['too-large', 'The source has more than the allowed 1000 bytes.']);
  const [socket] = server.sockets;
  if (socket?.destroyed === false) await once(socket, 'close');
});

test('a body of exactly the limit is fine, and one byte more is too large', async () => {
  const server = await httpServer((request, response) => {
    response.write('x'.repeat(500));
    response.end('x'.repeat(Number(request.url?.slice(1))));
  });
  const origin = await openOrigin();
  const whole = await ask(origin, `${server.url}/500`, { maxBytes: 1_000 });
  expect(await whole.body.bytes()).toHaveLength(1_000);
  const more = await ask(origin, `${server.url}/501`, { maxBytes: 1_000 });
  expect((await failure(more.body.bytes())).code).toBe('too-large');
});

test.each([
  ['gzip', gzipSync],
  ['x-gzip', gzipSync],
  ['br', brotliCompressSync],
])('%s is undone, and its fields are gone', async (coding, compress) => {
  const image = Buffer.from('<svg/>'.repeat(1_000));
  const server = await httpServer((_request, response) => {
    response.writeHead(200, { 'content-encoding': coding, etag: '"a"' }).end(compress(image));
  });
  const response = await ask(await openOrigin(), server.url, { maxBytes: image.length });
  expect(response.headers).not.toHaveProperty('content-encoding');
  expect(response.headers).not.toHaveProperty('content-length');
  expect(response.headers.etag).toBe('"a"');
  expect(image.equals(await response.body.bytes())).toBe(true);
});

const numbers = (bytes: number): Buffer =>
  Buffer.from(Uint32Array.from({ length: bytes / 4 }, (_, index) => index).buffer);

test('the memory of what is given back is freed, and nothing else', async () => {
  const content = numbers(4 * 1_048_576);
  const server = await httpServer((_request, response) => {
    response.writeHead(200, { 'content-length': content.length }).end(content);
  });
  const origin = await openOrigin();
  for (const givesBack of [true, false, true]) {
    const stream = (await ask(origin, server.url, { maxBytes: content.length })).body.stream();
    const chunks: Uint8Array[] = [];
    const copies: Uint8Array[] = [];
    for await (const chunk of stream) {
      chunks.push(chunk);
      copies.push(Buffer.from(chunk));
      // Whoever takes its time makes the parser pause.
      await nextTurn();
      if (givesBack) stream.recycle?.(chunk);
    }
    expect(content.equals(Buffer.concat(copies))).toBe(true);
    if (givesBack) expect(size(chunks)).toBeLessThan(content.length / 4);
    else expect(content.equals(Buffer.concat(chunks))).toBe(true);
  }
});

const size = (chunks: readonly Uint8Array[]): number => chunks.reduce((sum, { length }) => sum + length, 0);

test('what is given back twice, or came from elsewhere, is left alone', async () => {
  const content = numbers(1_048_576);
  const server = await httpServer((_request, response) => {
    response.writeHead(200, { 'content-length': content.length }).end(content);
  });
  const stream = (await ask(await openOrigin(), server.url, { maxBytes: content.length })).body.stream();
  const foreign = Buffer.allocUnsafeSlow(10);
  for await (const chunk of stream) {
    for (const each of [chunk, chunk, foreign]) stream.recycle?.(each);
  }
  expect(foreign).toHaveLength(10);
});

/** At its default quality the compressor takes seconds for a bomb. */
const quickBrotli = (bytes: Buffer): Buffer =>
  brotliCompressSync(bytes, { params: { [constants.BROTLI_PARAM_QUALITY]: 4 } });

test.each([
  ['gzip', gzipSync],
  ['br', quickBrotli],
])('a %s bomb ends at the limit of decoded bytes', async (coding, compress) => {
  const bomb = compress(Buffer.alloc(64 * 1024 * 1024));
  expect(bomb.length).toBeLessThan(100_000);
  const server = await httpServer((_request, response) => {
    response.writeHead(200, { 'content-encoding': coding }).end(bomb);
  });
  const response = await ask(await openOrigin(), server.url, { maxBytes: 100_000 });
  let seen = 0;
  const error = await failure(
    (async () => {
      for await (const chunk of response.body.stream()) seen += chunk.length;
    })(),
  );
  expect(error.code).toBe('too-large');
  expect(seen).toBeLessThanOrEqual(100_000);
});

test.each(['gzip', 'br'])('a truncated or damaged %s body is unavailable', async (coding) => {
  const compressed = coding === 'gzip' ? gzipSync('image'.repeat(100)) : brotliCompressSync('image'.repeat(100));
  const server = await httpServer((request, response) => {
    const sent = request.url === '/short' ? compressed.subarray(0, -5) : Buffer.from('no compressed bytes at all');
    response.writeHead(200, { 'content-encoding': coding }).end(sent);
  });
  const origin = await openOrigin();
  const short = await failure((await ask(origin, `${server.url}/short`)).body.bytes());
  expect([short.code, short.message]).toEqual(['unavailable', 'The compressed body of the source ended too early.']);
  const damaged = await failure((await ask(origin, `${server.url}/damaged`)).body.bytes());
  expect([damaged.code, damaged.message]).toEqual(['unavailable', 'The compressed body of the source is damaged.']);
});

test.each(['zstd', 'gzip, gzip', 'compress'])('the coding %s is unavailable', async (coding) => {
  const server = await httpServer((_request, response) =>
    response.writeHead(200, { 'content-encoding': coding }).end(),
  );
  expect((await failure(ask(await openOrigin(), server.url))).code).toBe('unavailable');
});

test.each([
  ['an announced length', 'HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\nsome'],
  ['chunks', 'HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n4\r\nsome\r\n'],
  ['a chunk', 'HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n64\r\nsome'],
  ['an announced length and a goodbye', 'HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length: 100\r\n\r\nsome'],
])('a body cut off within %s throws from its stream', async (_what, answer) => {
  const server = await tcpServer((socket) => socket.end(answer));
  const response = await ask(await openOrigin(), server.url);
  const error = await failure(response.body.bytes());
  expect(error.code).toBe('unavailable');
});

test('a broken chunk throws from the stream', async () => {
  const server = await tcpServer((socket) => {
    socket.write('HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n4\r\nsome\r\nxyz\r\n');
  });
  const response = await ask(await openOrigin(), server.url);
  expect((await failure(response.body.bytes())).code).toBe('unavailable');
});

test('an unread body whose connection breaks fails only when it is read', async () => {
  const server = await tcpServer((socket) => {
    socket.write('HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\nsome');
    setImmediate(() => socket.resetAndDestroy());
  });
  const response = await ask(await openOrigin(), server.url);
  const [socket] = server.sockets;
  if (socket?.destroyed === false) await once(socket, 'close');
  expect((await failure(response.body.bytes())).code).toBe('unavailable');
});

test('a discarded body and one given up in the middle free their connections', async () => {
  const server = await httpServer((_request, response) => {
    response.writeHead(200, { 'content-length': '1000000' }).write('x'.repeat(1_000));
  });
  const origin = await openOrigin();
  const discarded = await ask(origin, server.url);
  await discarded.body.discard();
  const left = await ask(origin, server.url);
  for await (const _chunk of left.body.stream()) break;
  expect(server.sockets).toHaveLength(2);
  for (const socket of server.sockets) if (!socket.destroyed) await once(socket, 'close');
});

test('a body that was read to its end leaves its connection for the next request', async () => {
  const server = await httpServer((_request, response) => response.end('image'));
  const origin = await openOrigin();
  for (let turn = 0; turn < 3; turn++) {
    await (await ask(origin, server.url)).body.bytes();
    await new Promise((resolve) => setImmediate(resolve));
  }
  expect(server.sockets).toHaveLength(1);
});

test('a slow reader holds the source back instead of filling the memory', async () => {
  let sent = 0;
  const server = await httpServer((_request, response) => {
    sent = 0;
    const chunk = Buffer.alloc(64 * 1024);
    const write = (): void => {
      while (sent < 64 * 1024 * 1024) {
        sent += chunk.length;
        if (!response.write(chunk)) {
          response.once('drain', write);
          return;
        }
      }
      response.end();
    };
    write();
  });
  const origin = await openOrigin({ downloadTimeout: 0.3 });
  const response = await askInTime(origin, server.url, { maxBytes: 100_000_000 });
  const stream = response.body.stream()[Symbol.asyncIterator]();
  await stream.next();
  let before = -1;
  while (before !== sent) {
    before = sent;
    await new Promise((resolve) => setTimeout(resolve, 200));
  }
  expect(sent).toBeLessThan(32 * 1024 * 1024);
  // The clock runs for the source alone: a reader that pauses longer than the time-out loses nothing.
  await new Promise((resolve) => setTimeout(resolve, 1_200));
  let read = 0;
  for (let step = await stream.next(); !step.done; step = await stream.next()) read += step.value.length;
  expect(read).toBeGreaterThan(60 * 1024 * 1024);
});
