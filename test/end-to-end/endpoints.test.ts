import { readFile } from 'node:fs/promises';
import type { RequestListener } from 'node:http';
import { connect } from 'node:net';
import { join } from 'node:path';
import { createProxy, type EndpointDefinition } from '@tintype/core';
import http from '@tintype/http';
import imgproxyUrl from '@tintype/imgproxy-url';
import memory from '@tintype/memory';
import sharp from '@tintype/sharp';
import { describe, expect, test } from 'vitest';
import { EndpointRig, Origin } from './endpoint-rig.ts';
import { PHOTOS } from './rig.ts';

const fresh: RequestListener = (_request, response) =>
  void response.writeHead(200, { 'Cache-Control': 'max-age=600', ETag: '"v1"' }).end('0123456789');

/** An origin and an endpoint at `/` before it, both gone at the end of the block. */
async function before(listener: RequestListener, more: Partial<EndpointDefinition> = {}) {
  const origin = await Origin.start(listener);
  const rig = await EndpointRig.start([{ path: '/', origins: [origin.base], ...more }]);
  return {
    origin,
    rig,
    async [Symbol.asyncDispose]() {
      await rig[Symbol.asyncDispose]();
      await origin[Symbol.asyncDispose]();
    },
  };
}

describe('towards the origin', () => {
  test('goes what belongs to the request from end to end, and Host is the origin’s', async () => {
    await using there = await before(fresh);
    await there.rig.ask('/a?b=%41&c', {
      headers: {
        host: 'evil.example',
        connection: 'keep-alive, x-hop',
        'x-hop': '1',
        te: 'trailers',
        'keep-alive': 'timeout=9',
        'proxy-authorization': 'Basic x',
        'x-own': 'kept',
        'accept-language': 'de',
        authorization: 'Basic YTpi',
      },
    });
    const { url, headers } = there.origin.requests[0] ?? { headers: {} };
    expect(url).toBe('/a?b=%41&c');
    expect(headers).toMatchObject({ 'x-own': 'kept', 'accept-language': 'de', authorization: 'Basic YTpi' });
    expect(`http://${headers.host}/`).toBe(there.origin.base);
    for (const name of ['x-hop', 'te', 'keep-alive', 'proxy-authorization']) expect(headers).not.toHaveProperty(name);
  });

  test.each([
    ...['forwarded', 'x-forwarded-for', 'x-forwarded-host', 'x-forwarded-proto', 'x-forwarded-scheme', 'x-real-ip'],
    ...['x-original-url', 'x-rewrite-url', 'x-http-method-override', 'x-method-override', 'cookie'],
    // A gateway to CGI takes an underscore for a hyphen.
    ...['x_forwarded_host', 'x_original_url', 'x_http-method_override', 'if_match', 'accept_language'],
    ...['x-forwarded', 'forwarded-for'],
  ])('a client cannot poison what all get by %s', async (name) => {
    await using there = await before((request, response) =>
      response.writeHead(200, { 'Cache-Control': 'max-age=600' }).end(String(request.headers[name])),
    );
    await there.rig.ask('/', { headers: { [name]: 'evil=1' } });
    expect((await there.rig.ask('/')).body).toBe('undefined');
  });

  test('cookies that the operator names go on, and each value has its own entries', async () => {
    const listener: RequestListener = (request, response) =>
      void response.writeHead(200, { 'Cache-Control': 'max-age=600' }).end(String(request.headers.cookie));
    await using there = await before(listener, { cookies: ['theme'] });
    const ask = (cookie: string) => there.rig.ask('/', { headers: { cookie } });
    expect((await ask('id=7; theme=dark')).body).toBe('theme=dark');
    expect((await ask('theme=light; id=8')).body).toBe('theme=light');
    expect(await ask('theme=dark; id=9')).toMatchObject({ body: 'theme=dark', headers: { age: '0' } });
  });

  test.each(['/../a', '/%2e%2e/a', '/a/%2E./b', '/a\\b', '/a%5cb', 'http://evil.example/a'])(
    '%s is refused, and nothing is asked',
    async (target) => {
      await using there = await before(fresh);
      const answer = await there.rig.talk(`GET ${target} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n`);
      expect(answer).toMatch(/^HTTP\/1\.1 400 /);
      expect(there.origin.requests).toHaveLength(0);
    },
  );

  test('goes the way that the request has come, and a loop is broken', async () => {
    await using there = await before(fresh);
    await there.rig.ask('/', { headers: { via: '1.1 near', 'cdn-loop': 'near' } });
    const { via = '', 'cdn-loop': loop } = there.origin.requests[0]?.headers ?? {};
    expect(via).toMatch(/^1\.1 near, 1\.1 tintype-/);
    expect((await there.rig.ask('/new', { headers: { 'cdn-loop': String(loop) } })).status).toBe(508);
    expect(there.origin.requests).toHaveLength(1);
  });

  test('a GET with a body is refused', async () => {
    await using there = await before(fresh, { methods: '*' });
    const text = 'GET / HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\nConnection: close\r\n\r\nx';
    expect(await there.rig.talk(text)).toMatch(/^HTTP\/1\.1 400 /);
  });
});

describe('towards the client', () => {
  test('goes any type of content with all of its fields, duplicates too, and without those of the connection', async () => {
    await using there = await before((_request, response) => {
      response.writeHead(200, [
        ...[
          'Content-Type',
          'text/html',
          'Cache-Control',
          'max-age=600',
          'Connection',
          'x-hop, keep-alive',
          'X-Hop',
          '1',
        ],
        ...['Link', '</a>', 'Link', '</b>', 'X-Odd-Case', 'ümlaut'],
      ]);
      response.end('<script>');
    });
    for (const status of ['fwd=uri-miss', 'hit']) {
      const { raw, headers, body } = await there.rig.ask('/page');
      expect(headers['cache-status']).toContain(status);
      expect(body).toBe('<script>');
      expect(raw).toContainEqual(['X-Odd-Case', 'ümlaut']);
      expect(raw.filter(([name]) => name === 'Link')).toEqual([
        ['Link', '</a>'],
        ['Link', '</b>'],
      ]);
      for (const name of ['x-hop', 'content-security-policy', 'x-content-type-options'])
        expect(headers).not.toHaveProperty(name);
    }
  });

  test('the member of a cache nearer to the origin stays before ours in Cache-Status', async () => {
    await using there = await before((_request, response) =>
      response.writeHead(200, { 'Cache-Status': 'Near; hit', 'Cache-Control': 'max-age=9' }).end(),
    );
    expect((await there.rig.ask('/')).headers['cache-status']).toMatch(/^Near; hit, Tintype;\s?fwd=uri-miss/);
  });

  test('a redirect is passed on and kept like any other answer', async () => {
    await using there = await before((_request, response) =>
      response.writeHead(301, { Location: '/new', 'Cache-Control': 'max-age=9' }).end(),
    );
    await there.rig.ask('/old');
    const { status, headers } = await there.rig.ask('/old');
    expect([status, headers.location]).toEqual([301, '/new']);
    expect(headers['cache-status']).toContain('hit');
  });
});

describe('what is stored', () => {
  test('answers ranges and conditions', async () => {
    await using there = await before(fresh);
    await there.rig.ask('/');
    const ask = (headers: Record<string, string>) => there.rig.ask('/', { headers });
    expect(await ask({ range: 'bytes=2-4' })).toMatchObject({ status: 206, body: '234' });
    expect(await ask({ range: 'bytes=-2' })).toMatchObject({ status: 206, body: '89' });
    expect(await ask({ range: 'bytes=99-' })).toMatchObject({
      status: 416,
      headers: { 'cache-control': 'no-store', 'content-range': 'bytes */10', 'content-length': '0' },
      body: '',
    });
    expect(await ask({ 'if-none-match': '"v1"' })).toMatchObject({ status: 304, body: '' });
    expect(there.origin.requests).toHaveLength(1);
  });

  test('is asked about with the origin’s validators, and a 304 makes it fresh again', async () => {
    await using there = await before(fresh);
    await there.rig.ask('/');
    there.rig.advance(700);
    there.origin.answer((_request, response) =>
      response.writeHead(304, { ETag: '"v1"', 'Cache-Control': 'max-age=500', 'X-New': '1' }).end(),
    );
    const { status, body, headers } = await there.rig.ask('/');
    expect({ status, body, new: headers['x-new'] }).toEqual({ status: 200, body: '0123456789', new: '1' });
    expect(there.origin.requests[1]?.headers['if-none-match']).toBe('"v1"');
    await expect.poll(async () => (await there.rig.ask('/')).headers['cache-status']).toContain('hit');
    expect(there.origin.requests).toHaveLength(2);
  });

  test('is never what ended short, and the client notices', async () => {
    await using there = await before((request, response) => {
      response.writeHead(200, { 'Cache-Control': 'max-age=600', 'Content-Length': '10' });
      response.write('01234', () => request.socket.destroy());
    });
    await expect(there.rig.ask('/')).rejects.toThrow();
    there.origin.answer(fresh);
    expect(await there.rig.ask('/')).toMatchObject({ status: 200, body: '0123456789' });
  });

  test('is all of it, also if the client left in the middle', async () => {
    const more = Promise.withResolvers<void>();
    await using there = await before(async (_request, response) => {
      response.writeHead(200, { 'Cache-Control': 'max-age=600' }).write('01234');
      await more.promise;
      response.end('56789');
    });
    const socket = connect(there.rig.port, '127.0.0.1');
    socket.write('GET / HTTP/1.1\r\nHost: x\r\n\r\n');
    await new Promise((resolve) => socket.once('data', resolve));
    socket.destroy();
    more.resolve();
    await there.rig.stored(1);
    expect(await there.rig.ask('/')).toMatchObject({ body: '0123456789' });
    expect(there.origin.requests).toHaveLength(1);
  });

  test('stands in for an origin that cannot be reached, unless it must be validated', async () => {
    await using there = await before((request, response) =>
      response
        .writeHead(200, { 'Cache-Control': request.url === '/must' ? 'max-age=9, must-revalidate' : 'max-age=9' })
        .end('old'),
    );
    await there.rig.ask('/');
    await there.rig.ask('/must');
    await there.rig.stored(2);
    there.rig.advance(60);
    there.origin.answer((request) => void request.socket.destroy());
    const stale = await there.rig.ask('/');
    expect(stale).toMatchObject({ status: 200, body: 'old' });
    expect(stale.headers['cache-status']).toContain('detail=sie');
    expect((await there.rig.ask('/must')).status).toBe(504);
    expect((await there.rig.ask('/unknown')).status).toBe(502);
  });

  test('is all that only-if-cached wants', async () => {
    await using there = await before(fresh);
    const headers = { 'cache-control': 'only-if-cached' };
    expect((await there.rig.ask('/', { headers })).status).toBe(504);
    await there.rig.ask('/');
    expect((await there.rig.ask('/', { headers })).status).toBe(200);
    expect(there.origin.requests).toHaveLength(1);
  });

  test('is nothing after a 304 that was not asked for', async () => {
    await using there = await before((_request, response) =>
      response.writeHead(304, { 'Cache-Control': 'max-age=9' }).end(),
    );
    expect((await there.rig.ask('/')).status).toBe(502);
  });
});

describe('many clients at once', () => {
  test('wait for one answer that all may have', async () => {
    const go = Promise.withResolvers<void>();
    await using there = await before(async (_request, response) => {
      await go.promise;
      response.writeHead(200, { 'Cache-Control': 'max-age=600' }).end('shared');
    });
    const answers = Array.from({ length: 50 }, () => there.rig.ask('/'));
    await expect.poll(() => there.origin.requests.length).toBe(1);
    go.resolve();
    expect(new Set((await Promise.all(answers)).map(({ body }) => body))).toEqual(new Set(['shared']));
    expect(there.origin.requests).toHaveLength(1);
  });

  test.each([
    ['one asks and all get its answer', 'max-age=9', 'new'],
    ['all get the old one at once, while one is got', 'max-age=9, stale-while-revalidate=60', 'old'],
  ])('at the moment when a response expires, %s', async (_what, control, body) => {
    const go = Promise.withResolvers<void>();
    await using there = await before((_request, response) =>
      response.writeHead(200, { 'Cache-Control': control }).end('old'),
    );
    await there.rig.ask('/');
    await there.rig.stored(1);
    there.rig.advance(20);
    there.origin.answer(async (_request, response) => {
      await go.promise;
      response.writeHead(200, { 'Cache-Control': control }).end('new');
    });
    const answers = Array.from({ length: 500 }, () => there.rig.ask('/'));
    await expect.poll(() => there.origin.requests.length).toBe(2);
    if (body === 'old') await Promise.all(answers);
    go.resolve();
    expect(new Set((await Promise.all(answers)).map((answer) => answer.body))).toEqual(new Set([body]));
    expect(there.origin.requests).toHaveLength(2);
  });

  test('get the answer although the one who asked for it first has left', async () => {
    const go = Promise.withResolvers<void>();
    await using there = await before(async (_request, response) => {
      await go.promise;
      response.writeHead(200, { 'Cache-Control': 'max-age=600' }).end('late');
    });
    const first = connect(there.rig.port, '127.0.0.1');
    first.write('GET / HTTP/1.1\r\nHost: x\r\n\r\n');
    await expect.poll(() => there.origin.requests.length).toBe(1);
    const others = Array.from({ length: 5 }, () => there.rig.ask('/'));
    const left = new Promise((resolve) => first.once('close', resolve));
    first.destroy();
    await left;
    go.resolve();
    for (const { body } of await Promise.all(others)) expect(body).toBe('late');
  });

  test('do not wait for each other where the answer is for one alone', async () => {
    const waiting: (() => void)[] = [];
    await using there = await before((_request, response) => {
      const answer = () => response.writeHead(200, { 'Cache-Control': 'no-store' }).end('mine');
      if (there.origin.requests.length === 1) answer();
      else waiting.push(answer);
    });
    await there.rig.ask('/');
    const answers = Array.from({ length: 20 }, () => there.rig.ask('/'));
    // All of them are with the origin at the same time.
    await expect.poll(() => waiting.length).toBe(20);
    for (const answer of waiting) answer();
    expect((await Promise.all(answers)).every(({ body }) => body === 'mine')).toBe(true);
  });
});

describe('methods', () => {
  test('other than GET and HEAD are refused, unless the endpoint takes all', async () => {
    await using there = await before(fresh);
    expect((await there.rig.ask('/', { method: 'POST', body: 'x' })).status).toBe(405);
    expect(there.origin.requests).toHaveLength(0);
  });

  test('go on with their bodies, and what they change is forgotten', async () => {
    const bodies: string[] = [];
    const listener: RequestListener = async (request, response) => {
      let text = '';
      for await (const chunk of request) text += chunk;
      bodies.push(text);
      response.writeHead(200, { 'Cache-Control': 'max-age=600' }).end(request.method);
    };
    await using there = await before(listener, { methods: '*' });
    await there.rig.ask('/');
    await there.rig.stored(1);
    expect((await there.rig.ask('/')).headers['cache-status']).toContain('hit');
    expect((await there.rig.ask('/', { method: 'PUT', body: 'new' })).body).toBe('PUT');
    expect(bodies.at(-1)).toBe('new');
    expect((await there.rig.ask('/')).headers['cache-status']).toContain('fwd=uri-miss');
  });

  test.each(['TRACE', 'CONNECT'])('%s never goes on', async (method) => {
    await using there = await before(fresh, { methods: '*' });
    const text = `${method} / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n`;
    const answer = await there.rig.talk(text);
    expect(answer).not.toContain(' 200 ');
    // A CONNECT has no answer but the end of its connection.
    if (method === 'TRACE')
      expect(answer).toMatch(/^HTTP\/1\.1 405 .*\r\nallow: GET, HEAD, POST, .*are not passed on\./is);
    expect(there.origin.requests).toHaveLength(0);
  });

  test('the probes are ours, whatever an endpoint takes', async () => {
    await using there = await before(fresh, { methods: '*' });
    expect((await there.rig.ask('/livez')).body).toContain('running');
    expect((await there.rig.ask('/livez', { method: 'DELETE' })).status).toBe(405);
    expect(there.origin.requests).toHaveLength(0);
  });
});

describe('several endpoints and origins', () => {
  test('the next origin is asked where one has nothing or fails; the longest path counts', async () => {
    await using empty = await Origin.start((_request, response) => response.writeHead(404).end());
    await using broken = await Origin.start((_request, response) => response.writeHead(503).end());
    await using full = await Origin.start((request, response) => response.end(request.url));
    await using rig = await EndpointRig.start([
      { path: '/', origins: [empty.base, broken.base, `${full.base}deep`] },
      { path: '/none', origins: [empty.base, empty.base] },
      { path: '/doubt', origins: [broken.base, empty.base] },
    ]);
    expect(await rig.ask('/x?y')).toMatchObject({ status: 200, body: '/deep/x?y' });
    expect((await rig.ask('/none/x')).status).toBe(404);
    expect((await rig.ask('/doubt/x')).status).toBe(503);
    expect((await rig.ask('/nonesuch')).body).toBe('/deep/nonesuch');
  });

  test('with a dialect the paths of an endpoint are images of sources in its folder', async () => {
    const photo = await readFile(join(PHOTOS, 'rocket.jpg'));
    await using origin = await Origin.start((request, response) => {
      if (request.url === '/photos/rocket.jpg') response.setHeader('Cache-Control', 'max-age=600').end(photo);
      else response.writeHead(404).end();
    });
    await using rig = await EndpointRig.start([
      { path: '/img', origins: [`${origin.base}photos/`], dialect: 'imgproxy-url' },
    ]);
    const first = await rig.ask('/img/_/rs:fit:60/plain/rocket.jpg@png');
    expect(first).toMatchObject({ status: 200, headers: { 'content-type': 'image/png' } });
    await rig.stored(1);
    expect((await rig.ask('/img/_/rs:fit:60/plain/rocket.jpg@png')).headers['cache-status']).toContain('hit');
    expect(origin.requests).toHaveLength(1);
    // Another server, or a way out of the folder.
    const outside = Buffer.from('../secret.jpg').toString('base64url');
    expect((await rig.ask(`/img/_/${outside}.png`)).status).toBe(400);
    expect((await rig.ask('/img/_/plain/http://evil.example/a.jpg')).status).toBe(404);
    expect((await rig.ask('/elsewhere')).status).toBe(404);
  });
});

test.each([
  ['known', true],
  ['unknown', false],
])(
  'with a dialect a source of %s length that is larger than allowed is a 422, and is not read to its end',
  async (_, known) => {
    const closed = Promise.withResolvers<void>();
    await using origin = await Origin.start((_request, response) => {
      response.on('close', closed.resolve);
      if (known) response.setHeader('Content-Length', 3_000);
      // Never the end.
      response.write(Buffer.alloc(2_500));
    });
    await using rig = await EndpointRig.start([{ path: '/img', origins: [origin.base], dialect: 'imgproxy-url' }], {
      maxSrcFileSize: 2_000,
    });
    // What is passed on has begun by the time that an unknown length shows.
    for (const mode of known ? ['w:20', 'raw:1'] : ['w:20']) {
      const answer = await rig.ask(`/img/_/${mode}/plain/large.jpg`);
      expect([mode, answer.status, answer.body]).toEqual([
        mode,
        422,
        expect.stringMatching(/ 2000 (bytes|are allowed)/),
      ]);
    }
    await closed.promise;
  },
);

test('without a key nothing but what is only passed on may be served beyond this machine', async () => {
  const origins = ['http://127.0.0.1:9/'];
  const plugins = [http, imgproxyUrl, memory, sharp];
  const only = await createProxy({ plugins, endpoints: [{ path: '/', origins }] });
  const images = await createProxy({ plugins, endpoints: [{ path: '/', origins, dialect: 'imgproxy-url' }] });
  expect([only.loopbackOnly, images.loopbackOnly]).toEqual([false, true]);
  await Promise.all([only.close(), images.close()]);
});

test('everything that is wrong with endpoints is told at once, each with its place', async () => {
  const wrong: unknown = [
    { path: 'photos', origins: [] },
    { path: '/a', origins: ['ftp'], orginCacheControl: true },
    { path: '/b', origins: ['http://u:p@h/'], edgeTtl: -1 },
    { path: '/c', origins: 'http://u:secret@h/' },
  ];
  const failure = await EndpointRig.start(wrong as EndpointDefinition[]).then(
    () => '',
    (error: Error) => error.message,
  );
  expect(failure).toContain('endpoints[0].origins in createProxy is empty');
  expect(failure).toContain('endpoints[0].path in createProxy is "photos"');
  expect(failure).toContain(
    'endpoints[1].orginCacheControl in createProxy is not known; the nearest is originCacheControl',
  );
  expect(failure).toContain('endpoints[2].edgeTtl in createProxy is -1; expected a number of seconds');
  expect(failure).toContain('endpoints[3].origins in createProxy is of the wrong type; expected a list of texts');
  expect(failure).not.toContain('secret');
});
