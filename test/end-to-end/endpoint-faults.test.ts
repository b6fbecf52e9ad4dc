import type { RequestListener, ServerResponse } from 'node:http';
import type { EndpointDefinition } from '@tintype/core';
import { describe, expect, test } from 'vitest';
import { type Answer, EndpointRig, Origin } from './endpoint-rig.ts';
import { cat } from './source-rig.ts';

const image = { 'Content-Type': 'image/png', 'Cache-Control': 'max-age=60, stale-if-error=600' };
const good: RequestListener = (_request, response) => void response.writeHead(200, image).end(cat);

/** An origin and endpoints before it, gone at the end of the block. */
async function before(endpoint: Partial<EndpointDefinition>, listener: RequestListener = good, fault = '') {
  const origin = await Origin.start(listener);
  // Short only where it shall be over.
  const limits = fault === 'never answers' ? { downloadTimeout: 0.5 } : {};
  const rig = await EndpointRig.start([{ path: '/', origins: [origin.base], ...endpoint }], limits);
  return {
    origin,
    rig,
    /** An answer that came in time: within a short limit one may not, and that is remembered for a second. */
    async answered(path: string): Promise<Answer> {
      let answer = await rig.ask(path);
      while (answer.status === 504) {
        rig.advance(2);
        answer = await rig.ask(path);
      }
      expect(answer.status).toBe(200);
      return answer;
    },
    async [Symbol.asyncDispose]() {
      await rig[Symbol.asyncDispose]();
      await origin[Symbol.asyncDispose]();
    },
  };
}

/** Bytes that no server of Node's would send. */
const raw = (text: string) => (response: ServerResponse) => void response.socket?.end(text, 'latin1');

/** What an origin may do wrong before an answer of its has begun, and what a client is told of it. */
const faults: readonly [what: string, fail: (response: ServerResponse) => void, status: number][] = [
  ['is down', (response) => response.destroy(), 502],
  ['never answers', () => undefined, 504],
  ['answers 503', (response) => response.writeHead(503).end(), 503],
  ['sends garbage for a status line', raw('HTTP/9 OK\r\n\r\n'), 502],
  ['sends garbage for a header', raw('HTTP/1.1 200 OK\r\n\x01\x02: \x00\r\n\r\n'), 502],
  ['sends a header without end', raw(`HTTP/1.1 200 OK\r\nX: ${'x'.repeat(100_000)}\r\n\r\n`), 502],
  ['says two lengths', raw('HTTP/1.1 200 OK\r\nContent-Length: 3\r\nContent-Length: 4\r\n\r\nabcd'), 502],
  ['says a length that is none', raw('HTTP/1.1 200 OK\r\nContent-Length: many\r\n\r\nabcd'), 502],
  [
    'says a length and sends chunks',
    raw('HTTP/1.1 200 OK\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\r\n0\r\n\r\n'),
    502,
  ],
];

const kinds = [
  ['what is passed on', {}, '/a.png'],
  ['an image', { dialect: 'imgproxy-url' }, '/_/w:20/plain/a.png'],
] as const;

describe.each(kinds)('%s of an origin', (_kind, endpoint, path) => {
  test.each([
    ...faults,
    ['answers 304 unasked', (response: ServerResponse) => response.writeHead(304).end(), 502] as const,
  ])('that %s is an error, is not stored, and is there once the origin works again', async (what, fail, status) => {
    await using there = await before(endpoint, (_request, response) => fail(response), what);
    const failed = await there.rig.ask(path);
    // An image is an answer of our own: whose fault it is stands in its status.
    expect(failed.status).toBe('dialect' in endpoint && status === 503 ? 502 : status);
    expect(failed.headers['cache-status']).not.toMatch(/stored(?!=\?0)/);
    there.origin.answer(good);
    there.rig.advance(5);
    await there.answered(path);
  });

  test.each(faults)('that %s is answered with what is stale, where it may be', async (what, fail) => {
    await using there = await before(endpoint, good, what);
    const first = await there.answered(path);
    await there.rig.stored(1);
    there.rig.advance(90);
    there.origin.answer((_request, response) => fail(response));
    const stale = await there.rig.ask(path);
    expect(stale).toMatchObject({ status: 200, body: first.body });
    expect(stale.headers['cache-status']).toMatch(/hit; ?ttl=-\d+; ?detail=sie/);
    there.rig.advance(600);
    expect((await there.rig.ask(path)).status).toBeGreaterThanOrEqual(502);
  });

  test('that ends short is given to nobody as a whole, and not stored', async () => {
    await using there = await before(endpoint, (request, response) => {
      response.writeHead(200, { ...image, 'Content-Length': cat.length });
      response.write(cat.subarray(0, 2_000), () => request.socket.destroy());
    });
    if ('dialect' in endpoint) expect((await there.rig.ask(path)).status).toBe(502);
    else await expect(there.rig.ask(path)).rejects.toThrow();
    there.origin.answer(good);
    there.rig.advance(5);
    expect((await there.rig.ask(path)).status).toBe(200);
  });

  test('that redirects in a circle is not followed', async () => {
    await using there = await before(endpoint, (request, response) =>
      response.writeHead(302, { Location: request.url, 'Cache-Control': 'no-store' }).end(),
    );
    expect((await there.rig.ask(path)).status).toBe('dialect' in endpoint ? 502 : 302);
    expect(there.origin.requests).toHaveLength(1);
  });
});

test.each([
  ['HEAD', {}, {}],
  ['GET', { cache: false }, {}],
  ['HEAD', { cache: false }, {}],
  ['GET', { cache: false }, { range: 'bytes=0-1' }],
])(
  '%s, %j, %j: that nobody asked whether it has changed, and it has not, is an error',
  async (method, endpoint, headers) => {
    await using there = await before(endpoint, (_request, response) => void response.writeHead(304).end());
    expect((await there.rig.ask('/a', { method, headers })).status).toBe(502);
    const asked = { ...headers, 'if-none-match': '"v"' };
    expect((await there.rig.ask('/a', { method, headers: asked })).status).toBe(304);
  },
);

test('what an origin sends beyond the length that it says is no part of this answer, nor of the next', async () => {
  const evil = 'HTTP/1.1 200 OK\r\nCache-Control: max-age=600\r\nContent-Length: 4\r\n\r\nevil';
  await using there = await before({}, (_request, response) => {
    response.socket?.write(`HTTP/1.1 200 OK\r\nCache-Control: max-age=600\r\nContent-Length: 4\r\n\r\ngood${evil}`);
  });
  for (const _time of ['miss', 'hit']) expect((await there.rig.ask('/a')).body).toBe('good');
  there.origin.answer((_request, response) => response.end('next'));
  expect((await there.rig.ask('/b')).body).toBe('next');
});
