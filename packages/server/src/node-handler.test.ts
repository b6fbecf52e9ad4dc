import { createHash, randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { createServer, request as httpRequest, ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { StreamedBody } from '@tintype/core';
import { afterEach, describe, expect, it, onTestFinished, vi } from 'vitest';
import {
  capturedLog,
  closeServers,
  dial,
  everything,
  get,
  image,
  proxyOf,
  received,
  serve,
  talk,
} from './loopback.fixture.ts';
import { nodeHandler } from './node-handler.ts';
import { CONTENT_SECURITY_POLICY } from './security-headers.ts';

afterEach(closeServers);

const BYTES = randomBytes(20_000);
const NEW_ID = /^[A-Za-z0-9_-]{16}-[0-9a-z]+$/;

async function* oneChunk() {
  yield BYTES;
}

describe('an answer', () => {
  it('has the bytes and headers of the pipeline, and what protects browsers', async () => {
    const { address } = await serve(proxyOf(async () => image(BYTES, { age: '3' })));
    const response = await fetch(`${address}/unsafe/plain/local:///a.jpg`);
    expect(Buffer.from(await response.arrayBuffer()).equals(BYTES)).toBe(true);
    expect(Object.fromEntries(response.headers)).toMatchObject({
      'content-type': 'image/webp',
      'content-length': '20000',
      'cache-status': 'Tintype; hit; ttl=60',
      etag: '"abc"',
      age: '3',
      'x-content-type-options': 'nosniff',
      'content-security-policy': CONTENT_SECURITY_POLICY,
      'x-request-id': expect.stringMatching(NEW_ID),
      date: expect.any(String),
    });
  });

  it('keeps a policy that the pipeline has set', async () => {
    const { address } = await serve(proxyOf(async () => image(BYTES, { 'content-security-policy': 'sandbox' })));
    const response = await fetch(`${address}/a`);
    expect(response.headers.get('content-security-policy')).toBe('sandbox');
  });

  it('has a length even where the pipeline names none', async () => {
    const hit = { ...image(undefined), headers: {} };
    const { port } = await serve(
      proxyOf(async ({ target }) => ({ ...hit, body: target === '/a' ? BYTES : undefined })),
    );
    expect(await talk(port, get('/a'))).toContain('content-length: 20000\r\n');
    const empty = await talk(port, get('/b'));
    expect(empty).toContain('content-length: 0\r\n');
    expect(empty).not.toContain('chunked');
  });

  it('to HEAD has the headers of GET and no body', async () => {
    const { port } = await serve(proxyOf(async () => ({ ...image(undefined, { 'content-length': '20000' }) })));
    const answer = await talk(port, get('/a').replace('GET', 'HEAD'));
    expect(answer).toContain('content-length: 20000\r\n');
    expect(answer.endsWith('\r\n\r\n')).toBe(true);
  });

  it('to HEAD has no body and releases the stream even if the pipeline gave one', async () => {
    let released = false;
    const body = new StreamedBody(oneChunk, () => {
      released = true;
    }).stream();
    const { port } = await serve(proxyOf(async () => image(body, { 'content-length': '20000' })));
    const answer = await talk(port, get('/a').replace('GET', 'HEAD'));
    expect(answer.endsWith('\r\n\r\n')).toBe(true);
    expect(released).toBe(true);
  });

  it('with 304 has neither body nor length', async () => {
    const { port } = await serve(proxyOf(async () => ({ ...image(undefined), status: 304 })));
    const answer = await talk(port, get('/a', 'If-None-Match: "abc"'));
    expect(answer).toMatch(/^HTTP\/1\.1 304 /);
    expect(answer).not.toMatch(/content-length|transfer-encoding/i);
    expect(answer.endsWith('\r\n\r\n')).toBe(true);
  });

  it('of a pipeline that fails is one sentence that tells nothing, and the log tells all', async () => {
    const log = capturedLog();
    const proxy = proxyOf(async () => {
      throw new Error('secret inside https://user:pw@host/');
    });
    const { address } = await serve(proxy, { logger: log.logger });
    const response = await fetch(`${address}/a`);
    expect(response.status).toBe(500);
    expect(response.headers.get('cache-control')).toBe('no-store');
    expect(await response.text()).toBe('The server failed to answer this request.\n');
    expect(await log.line(({ status }) => status === 500)).toMatchObject({
      level: 50,
      problem: 'internal',
      cause: { type: 'Error', message: 'secret inside https://***@host/' },
    });
  });

  it('of a pipeline that throws at once, or makes headers that cannot be sent, is a 500', async () => {
    const throwing = proxyOf(() => {
      throw new Error('at once');
    });
    expect((await fetch(`${(await serve(throwing)).address}/a`)).status).toBe(500);
    const unsendable = proxyOf(async () => image(BYTES, { 'content-disposition': 'a\r\nb: c' }));
    expect((await fetch(`${(await serve(unsendable)).address}/a`)).status).toBe(500);
  });
});

describe('the request of the pipeline', () => {
  it.each(['/sig/plain/http://host/%7Ea//b?x=%20y&z', '/s/%C3%A4/%e4?a%2'])(
    'has the target as received: %s',
    async (t) => {
      const proxy = proxyOf(async () => image(BYTES));
      const { port } = await serve(proxy);
      await talk(port, get(t));
      expect(proxy.asked[0]?.target).toBe(t);
    },
  );

  it('has joined header fields by lower-case name, without set-cookie', async () => {
    const proxy = proxyOf(async () => image(BYTES));
    const { port } = await serve(proxy);
    const twice = ['Accept: image/webp', 'ACCEPT: image/*', 'User-Agent: one', 'User-Agent: two'];
    await talk(port, get('/a', ...twice, 'Set-Cookie: a=b', 'If-None-Match: "x"'));
    expect(proxy.asked[0]?.headers).toMatchObject({
      accept: 'image/webp, image/*',
      'user-agent': 'one, two',
      'if-none-match': '"x"',
    });
    expect(proxy.asked[0]?.headers).not.toHaveProperty('set-cookie');
  });
});

describe('refused before the pipeline', () => {
  const proxy = proxyOf(async () => image(BYTES));

  it.each(['POST', 'PUT', 'DELETE', 'OPTIONS', 'PATCH', 'TRACE'])(
    '%s, with 405 and what is allowed',
    async (method) => {
      const { port } = await serve(proxy);
      const answer = await talk(port, get('/a').replace('GET', method));
      expect(answer).toMatch(/^HTTP\/1\.1 405 /);
      expect(answer).toContain('allow: GET, HEAD\r\n');
      expect(proxy.asked).toHaveLength(0);
    },
  );

  it.each(['/a/../b', '/a/%2E%2e/b', '/a\\b', '/a%5cb', '/a%00b', 'http://test/a', '//../x'])(
    'the target %j, with 400, the protecting headers and a sentence',
    async (target) => {
      const { port } = await serve(proxy);
      const answer = await talk(port, get(target));
      expect(answer).toMatch(/^HTTP\/1\.1 400 /);
      expect(answer).toContain('x-content-type-options: nosniff\r\n');
      expect(answer).toContain('content-security-policy: ');
      expect(answer).toMatch(/\r\n\r\nThe .+\.\n$/);
      expect(proxy.asked).toHaveLength(0);
    },
  );

  const smuggled = 'GET /smuggled HTTP/1.1\r\nHost: test\r\n\r\n';
  it.each([
    [`Content-Length: ${smuggled.length}`, smuggled],
    ['Transfer-Encoding: chunked', `${smuggled.length.toString(16)}\r\n${smuggled}\r\n0\r\n\r\n`],
    ['Content-Length: 1000000', smuggled],
  ])('a GET with a body (%s): the connection ends, and the body is not taken for a request', async (field, body) => {
    const { port } = await serve(proxy);
    const socket = await dial(port);
    socket.write(`GET /a HTTP/1.1\r\nHost: test\r\n${field}\r\n\r\n${body}`);
    const answer = await everything(socket);
    expect(answer).toMatch(/^HTTP\/1\.1 400 /);
    expect(answer.match(/HTTP\/1\.1/g)).toHaveLength(1);
    expect(answer.toLowerCase()).toContain('connection: close\r\n');
    expect(proxy.asked).toHaveLength(0);
  });

  it('"Expect: 100-continue" is answered with the refusal and not with an invitation', async () => {
    const { port } = await serve(proxy);
    const answer = await talk(
      port,
      'POST /a HTTP/1.1\r\nHost: test\r\nExpect: 100-continue\r\nContent-Length: 9\r\n\r\n',
    );
    expect(answer).toMatch(/^HTTP\/1\.1 405 /);
  });

  it('a GET whose Content-Length is 0 is no refusal', async () => {
    const fine = proxyOf(async () => image(BYTES));
    const { port } = await serve(fine);
    expect(await talk(port, get('/a', 'Content-Length: 0'))).toMatch(/^HTTP\/1\.1 200 /);
  });
});

describe('the request id', () => {
  it.each(['abc-123_X', 'a'.repeat(128)])('of the client is echoed and logged: %s', async (id) => {
    const log = capturedLog();
    const { address } = await serve(
      proxyOf(async () => image(BYTES)),
      { logger: log.logger },
    );
    const response = await fetch(`${address}/a`, { headers: { 'x-request-id': id } });
    expect(response.headers.get('x-request-id')).toBe(id);
    expect(await log.line((line) => line.status === 200)).toMatchObject({ id });
  });

  it.each(['', 'a b', 'a"b', '<x>', 'a'.repeat(129), 'a,b'])('of the client is replaced if it is %j', async (id) => {
    const { address } = await serve(proxyOf(async () => image(BYTES)));
    const response = await fetch(`${address}/a`, { headers: { 'x-request-id': id } });
    expect(response.headers.get('x-request-id')).toMatch(NEW_ID);
  });
});

describe('a streamed body', () => {
  it('arrives whole, in order, no faster than the client reads', async () => {
    const total = 400;
    const chunk = randomBytes(64 * 1024);
    let pulled = 0;
    const body = (async function* () {
      for (; pulled < total; pulled++) yield chunk;
    })();
    const length = String(total * chunk.length);
    const { port } = await serve(proxyOf(async () => image(body, { 'content-length': length })));
    const socket = await dial(port);
    socket.write(get('/a'));
    // The client reads nothing: the pipeline must come to rest long before the end.
    let before = -1;
    while (pulled !== before || pulled === 0) {
      before = pulled;
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
    expect(pulled).toBeLessThan(total);
    const hash = createHash('sha256');
    const expected = createHash('sha256');
    for (let index = 0; index < total; index++) expected.update(chunk);
    const all = Buffer.from(await everything(socket), 'latin1');
    hash.update(all.subarray(all.indexOf('\r\n\r\n') + 4));
    expect(hash.digest('hex')).toBe(expected.digest('hex'));
  });

  it.each(['with', 'without'])('that breaks ends the connection without an end (%s a length)', async (length) => {
    const log = capturedLog();
    const breaking = async function* () {
      yield BYTES;
      throw new Error('the disk is gone');
    };
    const headers: Record<string, string> = length === 'with' ? { 'content-length': '40000' } : {};
    const { port, address } = await serve(
      proxyOf(async () => image(breaking(), headers)),
      { logger: log.logger },
    );
    const text = await talk(port, get('/a'));
    expect(text).not.toContain('\r\n0\r\n\r\n');
    expect(await log.line(({ problem }) => problem === 'body-broken')).toMatchObject({
      level: 50,
      status: 200,
      cause: { message: 'the disk is gone' },
    });
    await expect(fetch(`${address}/a`).then((response) => response.arrayBuffer())).rejects.toThrow();
  });

  it.each([
    ['shorter', '20001'],
    ['longer', '19999'],
  ])('that is %s than its content-length ends the connection', async (_, length) => {
    const body = (async function* () {
      yield BYTES;
    })();
    const log = capturedLog();
    const { port } = await serve(
      proxyOf(async () => image(body, { 'content-length': length })),
      { logger: log.logger },
    );
    const socket = await dial(port);
    socket.write('GET /a HTTP/1.1\r\nHost: test\r\n\r\n');
    const text = await everything(socket);
    expect(text.length).toBeLessThan(BYTES.length + 1_000);
    await log.line(({ problem }) => problem === 'body-broken');
  });
});

describe('a client that goes away', () => {
  it('while the pipeline works aborts its signal, and is 499 in the log', async () => {
    const log = capturedLog();
    const { promise: started, resolve: start } = Promise.withResolvers<void>();
    const proxy = proxyOf(async ({ signal }) => {
      start();
      await once(signal, 'abort');
      throw signal.reason;
    });
    const { port } = await serve(proxy, { logger: log.logger });
    const socket = await dial(port);
    socket.write(get('/a'));
    await started;
    socket.destroy();
    const line = await log.line(({ status }) => status === 499);
    expect(line).toMatchObject({ level: 30, method: 'GET', url: '/a', bytes: 0 });
    expect(proxy.asked[0]?.signal.aborted).toBe(true);
    expect(proxy.asked[0]?.signal.reason).toMatchObject({ name: 'AbortError' });
  });

  it('before anybody asked for the signal is told to whoever asks later', async () => {
    const log = capturedLog();
    const { promise: asked, resolve: ask } = Promise.withResolvers<void>();
    const proxy = proxyOf(() => {
      ask();
      return new Promise(() => {});
    });
    const { port } = await serve(proxy, { logger: log.logger });
    const socket = await dial(port);
    socket.write(get('/a'));
    await asked;
    socket.destroy();
    await log.line(({ status }) => status === 499);
    expect(proxy.asked[0]?.signal.aborted).toBe(true);
  });

  it('in the middle of a stream releases what feeds it', async () => {
    const log = capturedLog();
    const { promise: released, resolve: release } = Promise.withResolvers<void>();
    const body = (async function* () {
      try {
        for (;;) yield randomBytes(64 * 1024);
      } finally {
        release();
      }
    })();
    const { port } = await serve(
      proxyOf(async () => image(body)),
      { logger: log.logger },
    );
    const socket = await dial(port);
    socket.write(get('/a'));
    await received(socket, '\r\n\r\n');
    socket.destroy();
    await released;
    const line = await log.line(({ status }) => status === 499);
    expect(line.bytes).toBeGreaterThan(0);
  });

  it('before the answer came has the stream released', async () => {
    const log = capturedLog();
    const answer = Promise.withResolvers<void>();
    const asked = Promise.withResolvers<void>();
    const released = Promise.withResolvers<void>();
    const body = new StreamedBody(oneChunk, () => released.resolve()).stream();
    const proxy = proxyOf(async () => {
      asked.resolve();
      await answer.promise;
      return image(body);
    });
    const { port } = await serve(proxy, { logger: log.logger });
    const socket = await dial(port);
    socket.write(get('/a'));
    await asked.promise;
    socket.destroy();
    await log.line(({ status }) => status === 499);
    answer.resolve();
    await released.promise;
  });

  it('aborts the requests that it has pipelined behind the first, too', async () => {
    const log = capturedLog();
    const second = Promise.withResolvers<void>();
    const proxy = proxyOf(({ target }) => {
      if (target === '/second') second.resolve();
      return new Promise(() => {});
    });
    const { port } = await serve(proxy, { logger: log.logger });
    const socket = await dial(port);
    socket.write('GET /first HTTP/1.1\r\nHost: test\r\n\r\nGET /second HTTP/1.1\r\nHost: test\r\n\r\n');
    await second.promise;
    socket.destroy();
    await log.line(({ url }) => url === '/first');
    expect(await log.line(({ url }) => url === '/second')).toMatchObject({ status: 499 });
    expect(proxy.asked.map(({ signal }) => signal.aborted)).toEqual([true, true]);
  });

  it('after its answer aborts nothing', async () => {
    const log = capturedLog();
    const proxy = proxyOf(async ({ signal }) => {
      signal.throwIfAborted();
      return image(BYTES);
    });
    const { port } = await serve(proxy, { logger: log.logger });
    await talk(port, get('/a'));
    expect(await log.line(({ url }) => url === '/a')).toMatchObject({ status: 200 });
    expect(proxy.asked[0]?.signal.aborted).toBe(false);
  });

  const big = randomBytes(16 * 1024 * 1024);
  const endless = async function* () {
    for (;;) yield big.subarray(0, 64 * 1024);
  };
  it.each([
    ['a body in memory', () => image(big)],
    ['a stream', () => image(endless(), { 'content-length': '1000000000' })],
    ['a stream in chunks', () => image(endless())],
  ])('and one that stays but does not read %s is disconnected after the write-stall time-out', async (_, answer) => {
    const log = capturedLog();
    const { port } = await serve(
      proxyOf(async () => answer()),
      { logger: log.logger, writeStallTimeout: 0.2 },
    );
    const socket = await dial(port);
    socket.on('error', () => {});
    socket.write(get('/a'));
    expect(await log.line(({ url }) => url === '/a')).toMatchObject({ level: 40, problem: 'client-stalled' });
  });

  it('and a slow pipeline is not taken for a client that reads nothing', async () => {
    // The time is over when we say so: this client may be slow, too.
    const watched: { readonly response: ServerResponse; readonly isOver: () => void }[] = [];
    const timeout = vi.spyOn(ServerResponse.prototype, 'setTimeout').mockImplementation(function (
      this: ServerResponse,
      _ms,
      isOver = () => undefined,
    ) {
      watched.push({ response: this, isOver });
      return this;
    });
    onTestFinished(() => timeout.mockRestore());
    const length = 200 * 64 * 1024;
    const arrived = Promise.withResolvers<void>();
    const body = (async function* () {
      for (let index = 0; index < 200; index++) yield randomBytes(64 * 1024);
      await arrived.promise;
      for (const { response, isOver } of watched) {
        while (response.writableLength > 0) await new Promise((resolve) => setImmediate(resolve));
        isOver();
      }
      yield Buffer.from('the end');
    })();
    const { port } = await serve(
      proxyOf(async () => image(body)),
      { writeStallTimeout: 0.15 },
    );
    const socket = await dial(port);
    let received = 0;
    socket.on('data', (chunk) => {
      received += chunk.length;
      if (received > length) arrived.resolve();
    });
    socket.write(get('/a'));
    expect((await everything(socket)).endsWith('7\r\nthe end\r\n0\r\n\r\n')).toBe(true);
    expect(watched).toHaveLength(1);
    expect(timeout).toHaveBeenCalledWith(150, expect.any(Function));
  });
});

describe('mounted elsewhere', () => {
  it('answers below its prefix only, and cuts it off', async () => {
    const proxy = proxyOf(async () => image(BYTES));
    const log = capturedLog();
    const { address } = await serve(proxy, { prefix: '/images', logger: log.logger });
    expect((await fetch(`${address}/images/s3cr3t/plain/a?b=c`)).status).toBe(200);
    expect(proxy.asked[0]?.target).toBe('/s3cr3t/plain/a?b=c');
    expect((await fetch(`${address}/other`)).status).toBe(404);
    expect((await fetch(`${address}/images/livez`)).status).toBe(200);
    expect(await log.line(({ status }) => status === 200)).toMatchObject({ url: '/images/***/plain/a?b=c' });
  });

  it('keeps the headers that a framework has set before', async () => {
    const handler = nodeHandler(proxyOf(async () => image(BYTES)));
    const server = createServer((request, response) => {
      response.setHeader('X-Powered-By', 'a framework');
      handler(request, response);
    }).listen(0, '127.0.0.1');
    await once(server, 'listening');
    const { port } = server.address() as AddressInfo;
    const [response] = await once(httpRequest({ port, path: '/a' }).end(), 'response');
    response.resume();
    expect(response.headers).toMatchObject({ 'x-powered-by': 'a framework', etag: '"abc"', 'content-length': '20000' });
    server.close();
    server.closeAllConnections();
  });
});

describe('a body that nobody else holds', () => {
  const expendable = () => {
    const body = Buffer.from(LARGE);
    return { ...image(body), body, expendable: true };
  };
  /** More than a socket takes at once. */
  const LARGE = randomBytes(8 * 1024 * 1024);

  /** A server whose handler may free, what it has answered with, and when its responses are over. */
  async function handling(freesBodies: boolean | undefined) {
    const answers: Uint8Array[] = [];
    const proxy = proxyOf(async () => {
      const answer = expendable();
      answers.push(answer.body);
      return answer;
    });
    const over = Promise.withResolvers<void>();
    const handler = nodeHandler(proxy, { freesBodies });
    const server = createServer((request, response) => {
      handler(request, response);
      response.on('close', () => over.resolve());
    });
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    return { port: (server.address() as AddressInfo).port, answers, over: over.promise, server };
  }

  it('is freed once it was sent, and a client that reads slowly gets all of it', async () => {
    const { port, answers, over, server } = await handling(true);
    const socket = await dial(port);
    socket.write(get('/a'));
    await once(socket, 'readable');
    expect(answers[0]).toHaveLength(LARGE.length);
    const text = await everything(socket);
    expect(text.slice(text.indexOf('\r\n\r\n') + 4) === LARGE.toString('latin1')).toBe(true);
    await over;
    expect(answers[0]).toHaveLength(0);
    server.close();
  });

  it('stays if the client went away before it had all of it', async () => {
    const { port, answers, over, server } = await handling(true);
    const socket = await dial(port);
    socket.write(get('/a'));
    await once(socket, 'readable');
    socket.destroy();
    await over;
    expect(answers[0]).toHaveLength(LARGE.length);
    server.close();
  });

  it('stays where others may listen in', async () => {
    const { port, answers, over, server } = await handling(undefined);
    await talk(port, get('/a'));
    await over;
    expect(answers[0]).toHaveLength(LARGE.length);
    server.close();
  });

  it('is freed by a server that has its connections for itself', async () => {
    const answer = expendable();
    const { address } = await serve(proxyOf(async () => answer));
    const response = await fetch(`${address}/a`);
    expect(Buffer.from(await response.arrayBuffer()).equals(LARGE)).toBe(true);
    await closeServers();
    expect(answer.body).toHaveLength(0);
  });
});

describe('a streamed body that takes back what was sent', () => {
  const CHUNKS = 64;
  const all = randomBytes(CHUNKS * 65_536);

  /** Bytes of one answer, and how many of its chunks came back, which are destroyed then. */
  function recycled() {
    const state = { back: 0, given: 0 };
    const body = {
      async *[Symbol.asyncIterator]() {
        for (; state.given < CHUNKS; state.given++)
          yield Buffer.from(all.subarray(state.given * 65_536, (state.given + 1) * 65_536));
      },
      recycle(chunk: Uint8Array) {
        state.back++;
        chunk.fill(0);
      },
    };
    return { state, answer: { ...image(undefined), headers: {}, body } };
  }

  it('has all of it back, and a client that reads slowly gets what was meant', async () => {
    const { state, answer } = recycled();
    const { port } = await serve(proxyOf(async () => answer));
    const request = httpRequest({ port, host: '127.0.0.1' }).end();
    const [response] = await once(request, 'response');
    const read: Buffer[] = [];
    for await (const chunk of response) {
      read.push(chunk);
      await new Promise(setImmediate);
    }
    await closeServers();
    expect(Buffer.concat(read).equals(all)).toBe(true);
    expect(state).toEqual({ back: CHUNKS, given: CHUNKS });
  });

  it('has nothing back of an answer that waits for the one before it', async () => {
    const { state, answer } = recycled();
    const turn = Promise.withResolvers<void>();
    const begun = Promise.withResolvers<void>();
    const second = { ...answer, headers: { 'content-length': `${all.length}` } };
    const { port } = await serve(
      proxyOf(async ({ target }) => {
        if (target === '/b') {
          begun.resolve();
          return second;
        }
        await turn.promise;
        return image(BYTES);
      }),
    );
    const socket = await dial(port);
    socket.write('GET /a HTTP/1.1\r\nHost: test\r\n\r\n');
    socket.write(get('/b'));
    await begun.promise;
    // By then its first chunk waits for its turn.
    for (let turns = 0; turns < 20; turns++) await new Promise(setImmediate);
    expect(state.back).toBe(0);
    turn.resolve();
    const text = await everything(socket);
    await closeServers();
    expect(Buffer.from(text.slice(-all.length), 'latin1').equals(all)).toBe(true);
    expect(state).toEqual({ back: CHUNKS, given: CHUNKS });
  });

  it('and that fails at it breaks its own answer off, and nothing else', async () => {
    const { answer } = recycled();
    const failing = {
      ...answer.body,
      recycle() {
        throw new Error('not mine');
      },
    };
    const log = capturedLog();
    const { port } = await serve(
      proxyOf(async ({ target }) => (target === '/a' ? { ...answer, body: failing } : image(BYTES))),
      { logger: log.logger },
    );
    expect((await talk(port, get('/a'))).length).toBeLessThan(all.length);
    await log.line(({ problem }) => problem === 'body-broken');
    expect(await talk(port, get('/b'))).toContain('content-length: 20000\r\n');
  });

  it('has none of it back where others may listen in', async () => {
    const { state, answer } = recycled();
    const server = createServer(nodeHandler(proxyOf(async () => answer)));
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    await talk((server.address() as AddressInfo).port, get('/a'));
    server.close();
    expect(state).toEqual({ back: 0, given: CHUNKS });
  });
});
