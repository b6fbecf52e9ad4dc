import type { RequestListener } from 'node:http';
import { connect } from 'node:net';
import type { EndpointDefinition } from '@tintype/core';
import { describe, expect, test } from 'vitest';
import { EndpointRig, Origin } from './endpoint-rig.ts';

/** An origin and an endpoint at `/` before it, both gone at the end of the block. */
async function before(
  listener: RequestListener,
  more: Partial<EndpointDefinition> = {},
  settings: Readonly<Record<string, unknown>> = {},
) {
  const origin = await Origin.start(listener);
  const rig = await EndpointRig.start([{ path: '/', origins: [origin.base], ...more }], settings);
  return {
    origin,
    rig,
    async [Symbol.asyncDispose]() {
      await rig[Symbol.asyncDispose]();
      await origin[Symbol.asyncDispose]();
    },
  };
}

/** Answers when it is let go. */
function held(listener: RequestListener) {
  const { promise, resolve: go } = Promise.withResolvers<void>();
  const holding: RequestListener = async (request, response) => {
    await promise;
    listener(request, response);
  };
  return { holding, go };
}

describe('what all get', () => {
  test('is what is kept: who waited does not get what was for the one who asked', async () => {
    const { holding, go } = held((_request, response) =>
      response
        .writeHead(200, { 'Cache-Control': 'max-age=600, private="X-User"', 'Set-Cookie': 'id=7', 'X-User': '7' })
        .end('page'),
    );
    await using there = await before(holding, { setCookie: 'strip' });
    const asked = Array.from({ length: 20 }, () => there.rig.ask('/'));
    await expect.poll(() => there.origin.requests.length).toBe(1);
    go();
    const answers = await Promise.all(asked);
    const waited = answers.filter(({ headers }) => headers['cache-status']?.includes('collapsed'));
    expect(waited.length).toBeGreaterThan(0);
    for (const { headers, body } of waited) {
      expect(body).toBe('page');
      expect(headers).not.toHaveProperty('set-cookie');
      expect(headers).not.toHaveProperty('x-user');
    }
  });

  test.each([
    ['If-Match', '"other"', 412],
    ['If-Unmodified-Since', 'Sun, 06 Nov 1994 08:49:37 GMT', 412],
    ['Range', 'bytes=900-', 416],
  ])('is never the answer to one client’s %s', async (name, value, status) => {
    await using there = await before((request, response) => {
      const isParticular = request.headers[name.toLowerCase()] !== undefined;
      response.writeHead(isParticular ? status : 200, { 'Cache-Control': 'max-age=600' }).end(String(isParticular));
    });
    expect((await there.rig.ask('/', { headers: { [name]: value } })).status).toBe(status);
    expect(await there.rig.ask('/')).toMatchObject({ status: 200, body: 'false' });
  });

  test('gets no lifetime by a HEAD that it has not by a GET', async () => {
    const page = { 'Content-Type': 'text/html', ETag: '"v1"' };
    await using there = await before((_request, response) => response.writeHead(200, page).end('my account'), {
      defaultTtl: 600,
    });
    await there.rig.ask('/account/a.jpg');
    await there.rig.stored(1);
    await there.rig.ask('/account/a.jpg', { method: 'HEAD' });
    await there.rig.ask('/account/a.jpg');
    expect(there.origin.requests.map(({ method }) => method)).toEqual(['GET', 'HEAD', 'GET']);
  });

  test('is dropped when a HEAD says that it must no longer be kept', async () => {
    await using there = await before((_request, response) =>
      response.writeHead(200, { 'Cache-Control': 'max-age=9', ETag: '"v1"' }).end('old'),
    );
    await there.rig.ask('/');
    await there.rig.stored(1);
    there.rig.advance(20);
    there.origin.answer((_request, response) =>
      response.writeHead(200, { 'Cache-Control': 'no-store', ETag: '"v1"' }).end(),
    );
    await there.rig.ask('/', { method: 'HEAD' });
    await there.rig.ask('/');
    expect(there.origin.requests[2]?.headers).not.toHaveProperty('if-none-match');
  });

  test('stays when a client’s cookie was dropped, with origin cache control off', async () => {
    const image = { 'Content-Type': 'image/png', ETag: '"v1"' };
    const listener: RequestListener = (request, response) =>
      void response.writeHead(request.headers['if-none-match'] === '"v1"' ? 304 : 200, image).end();
    await using there = await before(listener, { originCacheControl: false, defaultTtl: 60 });
    await there.rig.ask('/');
    await there.rig.stored(1);
    there.rig.advance(100);
    await there.rig.ask('/', { headers: { cookie: 'id=7' } });
    expect((await there.rig.ask('/')).status).toBe(200);
    expect(there.origin.requests[2]?.headers['if-none-match']).toBe('"v1"');
  });
});

describe('nobody can switch off that many wait for one', () => {
  const shared: RequestListener = (_request, response) =>
    void response.writeHead(200, { 'Cache-Control': 'max-age=600' }).end('shared');

  test.each<[string, Readonly<Record<string, string>>, RequestListener]>([
    ['a condition', { 'if-none-match': '"v1"' }, (_request, response) => void response.writeHead(304).end()],
    [
      'several ranges',
      { range: 'bytes=0-1,4-5' },
      (_request, response) =>
        void response.writeHead(206, { 'Content-Type': 'multipart/byteranges; boundary=x' }).end('--x--'),
    ],
    ['a cookie', { cookie: 'id=7' }, (_request, response) => void response.writeHead(200).end('page')],
    ['a moment of failure', {}, (_request, response) => void response.writeHead(503).end()],
  ])('by %s', async (_what, headers, listener) => {
    await using there = await before(listener);
    await there.rig.ask('/', { headers });
    // A failure is remembered for a second.
    there.rig.advance(2);
    const { holding, go } = held(shared);
    there.origin.answer(holding);
    const answers = Array.from({ length: 20 }, () => there.rig.ask('/'));
    await expect.poll(() => there.origin.requests.length).toBeGreaterThan(1);
    go();
    expect((await Promise.all(answers)).every(({ body }) => body === 'shared')).toBe(true);
    expect(there.origin.requests).toHaveLength(2);
  });

  test('by cookies that are dropped', async () => {
    const { holding, go } = held(shared);
    await using there = await before(holding);
    const answers = Array.from({ length: 20 }, (_, id) => there.rig.ask('/', { headers: { cookie: `id=${id}` } }));
    await expect.poll(() => there.origin.requests.length).toBeGreaterThan(0);
    go();
    expect((await Promise.all(answers)).every(({ body }) => body === 'shared')).toBe(true);
    expect(there.origin.requests).toHaveLength(1);
  });
});

describe('500 requests at the moment a hot entry expires', () => {
  async function expired(control: string) {
    const fresh: RequestListener = (_request, response) =>
      void response.writeHead(200, { 'Cache-Control': control }).end('content');
    const there = await before(fresh);
    await there.rig.ask('/');
    await there.rig.stored(1);
    there.rig.advance(61);
    const { holding, go } = held(fresh);
    there.origin.answer(holding);
    return { there, go, all: () => Array.from({ length: 500 }, () => there.rig.ask('/')) };
  }

  test('cost one question and no waiting where it may be used meanwhile', async () => {
    const { there, go, all } = await expired('max-age=60, stale-while-revalidate=600');
    await using _there = there;
    for (const { headers } of await Promise.all(all())) expect(headers['cache-status']).toContain('detail=swr');
    go();
    await there.rig.stored(2);
    expect(there.origin.requests).toHaveLength(2);
  });

  test('cost one question and are 500 answers where it may not', async () => {
    const { there, go, all } = await expired('max-age=60');
    await using _there = there;
    const asking = all();
    await expect.poll(() => there.origin.requests.length).toBe(2);
    await there.rig.ask('/', { headers: { 'cache-control': 'only-if-cached' } });
    go();
    expect(new Set((await Promise.all(asking)).map(({ body }) => body))).toEqual(new Set(['content']));
    expect(there.origin.requests).toHaveLength(2);
  });
});

describe('nobody gets what was answered before they asked', () => {
  /** Answers 1, 2, …; all of each but its end at once. */
  function halting(fields: Readonly<Record<string, string>>) {
    const ends: (() => void)[] = [];
    const listener: RequestListener = (_request, response) => {
      response.writeHead(200, fields).write(`${ends.length + 1}: `);
      ends.push(() => void response.end('end'));
    };
    return { listener, ends };
  }

  test('if it must be asked about at each use, though it is still on its way to others', async () => {
    const { listener, ends } = halting({ 'Cache-Control': 'no-cache', ETag: '"v"' });
    await using there = await before(listener);
    const first = there.rig.start('/');
    await first.begun;
    const later = there.rig.start('/');
    await later.begun;
    for (const end of ends) end();
    expect((await first.answer).body).toBe('1: end');
    expect((await later.answer).body).toBe('2: end');
  });

  test('but what is fresh is everybody’s while it is on its way', async () => {
    const { listener, ends } = halting({ 'Cache-Control': 'max-age=60' });
    await using there = await before(listener);
    const first = there.rig.start('/');
    await first.begun;
    const later = there.rig.start('/');
    await later.begun;
    for (const end of ends) end();
    expect((await first.answer).body).toBe('1: end');
    expect((await later.answer).body).toBe('1: end');
  });

  test('if a client wants it new, and its wishes count', async () => {
    const { listener, ends } = halting({ 'Cache-Control': 'max-age=60' });
    await using there = await before(listener, { clientCacheControl: 'obey' });
    const first = there.rig.start('/');
    await first.begun;
    const later = there.rig.ask('/', { headers: { 'cache-control': 'no-cache' } });
    await expect.poll(() => ends.length).toBe(2);
    for (const end of ends) end();
    expect((await later).body).toBe('2: end');
    await first.answer;
  });

  test.each([
    ['has come in part', true],
    ['has not come', false],
  ])('if the URL was changed since, when the answer %s', async (_what, hasBegun) => {
    const { listener, ends } = halting({ 'Cache-Control': 'max-age=60' });
    const waiting: (() => void)[] = [];
    await using there = await before(
      (request, response) => {
        if (request.method === 'POST') response.writeHead(204).end();
        else if (hasBegun) listener(request, response);
        else waiting.push(() => listener(request, response));
      },
      { methods: '*' },
    );
    const first = there.rig.start('/');
    if (hasBegun) await first.begun;
    else await expect.poll(() => waiting.length).toBe(1);
    expect((await there.rig.ask('/', { method: 'POST' })).status).toBe(204);
    there.rig.advance(1);
    const later = there.rig.ask('/');
    await expect.poll(() => there.origin.requests.length).toBe(3);
    await expect.poll(() => (hasBegun ? 2 : waiting.length)).toBe(2);
    for (const go of waiting) go();
    await expect.poll(() => ends.length).toBe(2);
    for (const end of ends) end();
    expect((await first.answer).body).toBe('1: end');
    expect((await later).body).toBe('2: end');
    // What was asked for before is not kept either, whichever of both came last.
    await expect
      .poll(async () => (await there.rig.ask('/', { headers: { 'cache-control': 'only-if-cached' } })).body)
      .toBe('2: end');
  });
});

test.each([
  ['a failure', 503, undefined, undefined],
  ['what nobody keeps', 200, undefined, undefined],
  ['what is missing, kept or not', 404, 'max-age=60', 'max-age=60'],
  ['what is kept', 200, 'max-age=60', 'max-age=3600'],
])('of the time in browsers: %s', async (_what, status, says, sent) => {
  await using there = await before(
    (_request, response) =>
      response.writeHead(status, says === undefined ? {} : { 'Cache-Control': says }).end('content'),
    { browserTtl: 3600 },
  );
  expect((await there.rig.ask('/')).headers['cache-control']).toBe(sent);
  there.rig.advance(2);
  expect((await there.rig.ask('/')).headers['cache-control']).toBe(sent);
});

describe('a body that nobody reads any more', () => {
  /** Sends some bytes for ever; resolves when its client has hung up. */
  function dripping(chunk: Buffer) {
    const { promise: hungUp, resolve } = Promise.withResolvers<void>();
    const listener: RequestListener = (_request, response) => {
      response.writeHead(200, { 'Cache-Control': 'max-age=600' });
      const drip = setInterval(() => response.write(chunk), 20);
      response.once('close', () => {
        clearInterval(drip);
        resolve();
      });
    };
    return { listener, hungUp };
  }

  async function readAndLeave(port: number, bytes: number): Promise<void> {
    const socket = connect(port, '127.0.0.1');
    let read = 0;
    socket.write('GET / HTTP/1.1\r\nHost: x\r\n\r\n');
    await new Promise<void>((resolve) =>
      socket.on('data', ({ length }) => {
        read += length;
        if (read >= bytes) resolve();
      }),
    );
    socket.destroy();
  }

  test('is given up when it comes too slowly', async () => {
    const { listener, hungUp } = dripping(Buffer.from('x'));
    await using there = await before(listener, {}, { timeout: 1 });
    await readAndLeave(there.rig.port, 1);
    await hungUp;
  });

  test('is given up when it is longer than what may be kept', async () => {
    const { listener, hungUp } = dripping(Buffer.alloc(10_000));
    await using there = await before(listener, { maxStoredBytes: 50_000 });
    await readAndLeave(there.rig.port, 100_000);
    await hungUp;
  });
});

test('a body that is too long to be kept comes no faster than its reader takes it', async () => {
  const total = 96 * 1024 * 1024;
  const chunk = Buffer.alloc(64 * 1024, 7);
  let sent = 0;
  await using there = await before(
    (_request, response) => {
      response.writeHead(200, { 'Cache-Control': 'max-age=600' });
      const send = (): void => {
        while (sent < total) {
          sent += chunk.length;
          if (!response.write(chunk)) {
            response.once('drain', send);
            return;
          }
        }
        response.end();
      };
      send();
    },
    { maxStoredBytes: 100_000 },
  );
  const socket = connect(there.rig.port, '127.0.0.1');
  let received = 0;
  socket.write('GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n');
  await new Promise<void>((resolve) => socket.once('data', () => resolve()));
  socket.pause();
  let earlier = -1;
  await expect
    .poll(
      () => {
        const isStill = sent === earlier;
        earlier = sent;
        return isStill;
      },
      { interval: 500 },
    )
    .toBe(true);
  // What fits into sockets on the way, and one window.
  expect(sent).toBeLessThan(total / 2);
  socket.on('data', ({ length }) => {
    received += length;
  });
  socket.resume();
  await new Promise<void>((resolve) => socket.once('end', () => resolve()));
  expect(sent).toBe(total);
  expect(received).toBeGreaterThan(total - chunk.length);
  socket.destroy();
});
