import { expect, test } from 'vitest';
import { ask, failure, httpServer, openOrigin, tcpServer } from './servers.fixture.ts';

test.each([301, 302, 303, 307, 308])('a %i is followed, relative to where it came from', async (status) => {
  const server = await httpServer((request, response) => {
    if (request.url === '/a/b?x') response.writeHead(status, { location: '../c%2Fd?y=%41#z' }).end('moved');
    else response.end(request.url);
  });
  const response = await ask(await openOrigin(), `${server.url}/a/b?x`);
  expect(response.status).toBe(200);
  expect(response.finalUrl).toBe(`${server.url}/c%2Fd?y=%41`);
  expect(Buffer.from(await response.body.bytes()).toString()).toBe('/c%2Fd?y=%41');
});

test.each([300, 301, 302, 307])('a %i without a Location is the answer', async (status) => {
  const server = await httpServer((_request, response) => response.writeHead(status).end());
  const response = await ask(await openOrigin(), server.url);
  expect(response.status).toBe(status);
  await response.body.discard();
});

test('a 304 and a 300 with a Location lead nowhere', async () => {
  const server = await httpServer((request, response) => {
    response.writeHead(Number(request.url?.slice(1)), { location: 'http://10.0.0.1/' }).end();
  });
  const origin = await openOrigin();
  const headers = { 'if-none-match': '"a"' };
  for (const status of [300, 304]) {
    const response = await ask(origin, `${server.url}/${status}`, { headers });
    expect(response.status).toBe(status);
    await response.body.discard();
  }
});

test('as many redirects as allowed are followed, and one more is too many', async () => {
  let requests = 0;
  const server = await httpServer((request, response) => {
    requests++;
    const left = Number(request.url?.slice(1));
    if (left > 0) response.writeHead(302, { location: `/${left - 1}` }).end();
    else response.end('image');
  });
  const origin = await openOrigin({ options: { maxRedirects: 3 } });
  const response = await ask(origin, `${server.url}/3`);
  expect(response.finalUrl).toBe(`${server.url}/0`);
  await response.body.discard();
  requests = 0;
  expect((await failure(ask(origin, `${server.url}/4`))).code).toBe('too-many-redirects');
  expect(requests).toBe(4);
  const none = await openOrigin({ options: { maxRedirects: 0 } });
  expect((await failure(ask(none, `${server.url}/1`))).code).toBe('too-many-redirects');
});

test('a circle is noticed before the limit', async () => {
  let requests = 0;
  const server = await httpServer((request, response) => {
    requests++;
    response.writeHead(302, { location: request.url === '/a' ? '/b#1' : '/a#2' }).end();
  });
  const error = await failure(ask(await openOrigin(), `${server.url}/a`));
  expect([error.code, error.message]).toEqual(['too-many-redirects', 'The source redirects in a circle.']);
  expect(requests).toBe(2);
});

test('each hop is asked of the allowed sources', async () => {
  const other = await tcpServer((socket) => socket.end());
  const server = await httpServer((_request, response) => {
    response.writeHead(302, { location: `${other.url}/b` }).end();
  });
  const origin = await openOrigin({ isAllowed: (source) => source.startsWith(server.url) });
  expect((await failure(ask(origin, `${server.url}/a`))).code).toBe('refused');
  expect(other.sockets).toEqual([]);
});

test('credentials stay within their origin, also when the way leads back', async () => {
  const heard: [string | undefined, string | undefined, string | undefined][] = [];
  const other = await httpServer((request, response) => {
    heard.push([request.url, request.headers.authorization, request.headers.cookie]);
    response.writeHead(302, { location: `http://mallory:x@127.0.0.1:${server.port}/3` }).end();
  });
  const server = await httpServer((request, response) => {
    heard.push([request.url, request.headers.authorization, request.headers.cookie]);
    if (request.url === '/1') response.writeHead(302, { location: '/2' }).end();
    else if (request.url === '/2') response.writeHead(302, { location: `${other.url}/other` }).end();
    else response.end('image');
  });
  const headers = { cookie: 'session=1' };
  const response = await ask(await openOrigin(), `http://alice:secret@127.0.0.1:${server.port}/1`, { headers });
  await response.body.discard();
  const basic = `Basic ${Buffer.from('alice:secret').toString('base64')}`;
  expect(heard).toEqual([
    ['/1', basic, 'session=1'],
    ['/2', basic, 'session=1'],
    ['/other', undefined, undefined],
    ['/3', undefined, undefined],
  ]);
});

test('a Location in UTF-8 is understood, and one that is no URL is a broken answer', async () => {
  const server = await tcpServer((socket, head) => {
    const path = head.split(' ')[1];
    const location = { '/1': '/ö', '/2': 'http://[', '/3': 'http://' }[path ?? ''];
    if (location === undefined) socket.end('HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length: 0\r\n\r\n');
    else
      socket.end(
        `HTTP/1.1 302 Found\r\nconnection: close\r\nlocation: ${location}\r\ncontent-length: 0\r\n\r\n`,
        'utf8',
      );
  });
  const origin = await openOrigin();
  expect((await ask(origin, `${server.url}/1`)).finalUrl).toBe(`${server.url}/%C3%B6`);
  expect((await failure(ask(origin, `${server.url}/2`))).code).toBe('unavailable');
  expect((await failure(ask(origin, `${server.url}/3`))).code).toBe('unavailable');
});

test('the endless body of a redirect is not read', async () => {
  const server = await httpServer((request, response) => {
    if (request.url === '/b') {
      response.end('image');
      return;
    }
    response.writeHead(302, { location: '/b' });
    response.write('x'.repeat(10_000));
  });
  const response = await ask(await openOrigin(), `${server.url}/a`);
  expect(Buffer.from(await response.body.bytes()).toString()).toBe('image');
  const [first] = server.sockets;
  if (first?.destroyed === false) await new Promise((resolve) => first.once('close', resolve));
});
