import { expect, test } from 'vitest';
import { ask, askInTime, failure, httpServer, openOrigin, tcpServer } from './servers.fixture.ts';

const SHORT = { downloadTimeout: 0.15 };

test('a name that is never resolved times out', async () => {
  const origin = await openOrigin({ ...SHORT, lookup: () => new Promise(() => {}) });
  const error = await failure(ask(origin, 'http://slow.test/'));
  expect([error.code, error.message]).toEqual(['timeout', 'The source did not answer within 0.15 seconds.']);
});

test('a TLS handshake that is never answered times out', async () => {
  const server = await tcpServer(() => {});
  const error = await failure(ask(await openOrigin(SHORT), `https://127.0.0.1:${server.port}/`));
  expect(error.code).toBe('timeout');
});

test('a header that never comes times out and frees the connection', async () => {
  const server = await tcpServer(() => {});
  const error = await failure(ask(await openOrigin(SHORT), server.url));
  expect(error.code).toBe('timeout');
  const [socket] = server.sockets;
  if (socket?.destroyed === false) await new Promise((resolve) => socket.once('close', resolve));
});

test('a header that drips in, and endless interim answers, time out all the same', async () => {
  const server = await tcpServer((socket, head) => {
    if (head.startsWith('GET /drip')) socket.write('HTTP/1.1 200 OK\r\n');
    const timer = setInterval(() => {
      if (head.startsWith('GET /drip')) socket.write('x: y\r\n');
      else socket.write('HTTP/1.1 103 Early Hints\r\n\r\n');
    }, 20);
    socket.on('close', () => clearInterval(timer));
  });
  const origin = await openOrigin(SHORT);
  expect((await failure(ask(origin, `${server.url}/drip`))).code).toBe('timeout');
  expect((await failure(ask(origin, `${server.url}/hints`))).code).toBe('timeout');
});

test('a gap in the body times out', async () => {
  const server = await httpServer((_request, response) => {
    response.writeHead(200, { 'content-length': '100' }).write('some');
  });
  const response = await askInTime(await openOrigin(SHORT), server.url);
  expect((await failure(response.body.bytes())).code).toBe('timeout');
});

test('a body that takes longer than the time-out, but has no gap of that length, is waited for', async () => {
  const server = await httpServer((_request, response) => {
    response.flushHeaders();
    let left = 15;
    const timer = setInterval(() => {
      response.write('x');
      if (--left === 0) {
        clearInterval(timer);
        response.end();
      }
    }, 100);
  });
  const response = await askInTime(await openOrigin({ downloadTimeout: 1 }), server.url);
  expect(await response.body.bytes()).toHaveLength(15);
});
