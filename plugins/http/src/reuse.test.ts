import type { Socket } from 'node:net';
import type { UpstreamRequest } from '@tintype/core';
import { expect, onTestFinished, test } from 'vitest';
import type { HttpOrigin } from './origin.ts';
import { ask, DEFAULTS, failure, type Loopback, openOrigin, tcpServer } from './servers.fixture.ts';
import { HttpUpstream } from './upstream.ts';

const OK = 'HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nimage';

/** Answers, closes or whatever else a request is worth. */
type Conduct = (socket: Socket, request: { readonly onConnection: number; readonly nth: number }) => void;

interface Heard extends Loopback {
  /** The first line of every request, behind the number of its connection. */
  readonly requests: string[];
}

async function server(conduct: Conduct): Promise<Heard> {
  const requests: string[] = [];
  const counts = new Map<Socket, number>();
  const loopback = await tcpServer((socket, head) => {
    const onConnection = (counts.get(socket) ?? 0) + 1;
    counts.set(socket, onConnection);
    requests.push(`${loopback.sockets.indexOf(socket)} ${head.slice(0, head.indexOf(' HTTP'))}`);
    conduct(socket, { onConnection, nth: requests.length });
  });
  return { ...loopback, requests };
}

/** Asks, reads all, and leaves a connection that is kept. */
async function warm(origin: HttpOrigin, url: string): Promise<void> {
  expect(await text(await ask(origin, url))).toBe('image');
  await new Promise((resolve) => setImmediate(resolve));
}

async function text({ body }: { readonly body: { bytes(): Promise<Uint8Array> } }): Promise<string> {
  return Buffer.from(await body.bytes()).toString();
}

const closings: readonly (readonly [string, (socket: Socket) => void])[] = [
  ['closes', (socket) => socket.end()],
  ['resets', (socket) => socket.resetAndDestroy()],
];

test.each(closings)(
  'a server that %s a kept connection under a request is asked again over a new one',
  async (_, close) => {
    const heard = await server((socket, { onConnection }) => {
      if (onConnection === 1) socket.write(OK);
      else close(socket);
    });
    const origin = await openOrigin();
    await warm(origin, `${heard.url}/a`);
    expect(await text(await ask(origin, `${heard.url}/b`))).toBe('image');
    expect(heard.requests).toEqual(['0 GET /a', '0 GET /b', '1 GET /b']);
  },
);

test('a new connection is made although another one that is kept is free: it may be as closed', async () => {
  const together = Promise.withResolvers<void>();
  const answered = Promise.withResolvers<void>();
  let slow: Socket | undefined;
  const heard = await server((socket, { nth }) => {
    if (nth === 2) together.resolve();
    if (nth <= 2) together.promise.then(() => socket.write(OK));
    else if (nth === 3) slow = socket;
    else if (nth > 4) socket.write(OK);
    else {
      slow?.write(OK);
      answered.promise.then(() => socket.resetAndDestroy());
    }
  });
  const origin = await openOrigin();
  await Promise.all([warm(origin, `${heard.url}/a`), warm(origin, `${heard.url}/b`)]);
  const first = warm(origin, `${heard.url}/c`);
  const second = ask(origin, `${heard.url}/d`);
  await first;
  answered.resolve();
  expect(await text(await second)).toBe('image');
  expect(heard.sockets).toHaveLength(3);
  expect(heard.requests.at(-1)).toBe('2 GET /d');
});

test.each(closings)('a server that %s every time is asked twice, and then it is an error', async (_, close) => {
  const heard = await server((socket, { nth }) => {
    if (nth === 1) socket.write(OK);
    else close(socket);
  });
  const origin = await openOrigin();
  await warm(origin, `${heard.url}/a`);
  const error = await failure(ask(origin, `${heard.url}/b`));
  expect([error.code, error.message]).toEqual(['unavailable', 'The source broke the connection off.']);
  expect(heard.requests).toEqual(['0 GET /a', '0 GET /b', '1 GET /b']);
});

test.each(closings)('a server that %s a new connection has heard the request, and is asked once', async (_, close) => {
  const heard = await server(close);
  expect((await failure(ask(await openOrigin(), `${heard.url}/a`))).code).toBe('unavailable');
  expect(heard.requests).toEqual(['0 GET /a']);
});

test('an answer that has begun is not asked for again', async () => {
  const heard = await server((socket, { nth }) => {
    if (nth === 1) socket.write(OK);
    else socket.end('HTTP/1.1 200 O');
  });
  const origin = await openOrigin();
  await warm(origin, `${heard.url}/a`);
  expect((await failure(ask(origin, `${heard.url}/b`))).code).toBe('unavailable');
  expect(heard.requests).toEqual(['0 GET /a', '0 GET /b']);
});

test('the new connection goes only where it may: its address is looked up and checked anew', async () => {
  const heard = await server((socket, { onConnection }) => {
    if (onConnection === 1) socket.write(OK);
    else socket.resetAndDestroy();
  });
  const addresses = ['127.0.0.1', '169.254.169.254'];
  const origin = await openOrigin({
    lookup: async () => [{ address: addresses.shift() ?? '10.0.0.1', family: 4 }],
  });
  const url = `http://evil.test:${heard.port}`;
  await warm(origin, `${url}/a`);
  expect((await failure(ask(origin, `${url}/b`))).code).toBe('refused');
  expect(addresses).toEqual([]);
});

test('who gives up while it is asked again is heard', async () => {
  const asked = Promise.withResolvers<void>();
  const heard = await server((socket, { nth, onConnection }) => {
    if (nth === 1) socket.write(OK);
    else if (onConnection > 1) socket.resetAndDestroy();
    else asked.resolve();
  });
  const origin = await openOrigin();
  await warm(origin, `${heard.url}/a`);
  const client = new AbortController();
  const pending = ask(origin, `${heard.url}/b`, { signal: client.signal });
  await Promise.race([asked.promise, pending]);
  const reason = new Error('nobody waits any more');
  client.abort(reason);
  await expect(pending).rejects.toBe(reason);
});

test.each([false, true])('of what endpoints pass on, what is safe is sent again, nothing else: %s', async (checks) => {
  const heard = await server((socket, { onConnection }) => {
    if (onConnection === 1) socket.write(OK);
    else socket.resetAndDestroy();
  });
  const options = { ...DEFAULTS, allowLoopbackSourceAddresses: true };
  const upstream = new HttpUpstream(options, { downloadTimeout: 600, idleTimeout: 600, checksAddresses: checks });
  await upstream.open();
  onTestFinished(() => upstream.close());
  const { signal } = new AbortController();
  const send = (method: string, target: string, extra: Partial<UpstreamRequest> = {}) =>
    upstream.send({ method, origin: heard.url, target, fields: [], signal, ...extra });
  const kept = async (target: string) => {
    expect(await text(await send('GET', target))).toBe('image');
    await new Promise((resolve) => setImmediate(resolve));
  };
  const body = async function* () {
    yield Buffer.from('some\r\n\r\n');
  };

  await kept('/a');
  expect(await text(await send('GET', '/b'))).toBe('image');
  expect(heard.requests).toEqual(['0 GET /a', '0 GET /b', '1 GET /b']);

  for (const method of ['POST', 'DELETE']) {
    await kept('/c');
    const { length } = heard.requests;
    expect((await failure(send(method, '/d'))).code).toBe('unavailable');
    expect(heard.requests.slice(length).map((line) => line.slice(2))).toEqual([`${method} /d`]);
  }
  await kept('/c');
  const { length } = heard.sockets;
  const fields = [['content-length', '8']] as const;
  expect((await failure(send('POST', '/e', { fields, body: body() }))).code).toBe('unavailable');
  expect(heard.sockets).toHaveLength(length);
});
