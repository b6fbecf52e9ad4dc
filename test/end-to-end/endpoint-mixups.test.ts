import type { RequestListener, ServerResponse } from 'node:http';
import type { EndpointDefinition } from '@tintype/core';
import { describe, expect, test, vi } from 'vitest';
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
    /** Resolves when every request that was begun before waits for the origin, or has its answer. */
    async settled(): Promise<void> {
      await rig.ask('/settled', { headers: { 'cache-control': 'only-if-cached' } });
    },
    async [Symbol.asyncDispose]() {
      await rig[Symbol.asyncDispose]();
      await origin[Symbol.asyncDispose]();
    },
  };
}

describe('a 304', () => {
  test('is no word about what took the place of what was asked about', async () => {
    const held: ServerResponse[] = [];
    const answer = (response: ServerResponse, content: string): void => {
      response.writeHead(200, { 'Cache-Control': 'public, no-cache', ETag: `"${content}"` }).end(content);
    };
    await using there = await before((_request, response) => answer(response, 'one'));
    await there.rig.ask('/');
    await there.rig.stored(1);
    there.origin.answer((request, response) => {
      if (request.headers.authorization === undefined) held.push(response);
      else answer(response, 'the second');
    });
    const asking = there.rig.ask('/');
    await expect.poll(() => held.length).toBe(1);
    await there.rig.ask('/', { headers: { authorization: 'Basic eDp5' } });
    await there.rig.stored(2);
    const joining = there.rig.ask('/');
    await there.settled();
    held[0]?.writeHead(304, { ETag: '"one"' }).end();
    expect(await asking).toMatchObject({ body: 'one', headers: { etag: '"one"' } });
    // It has found the second one, and must ask about that.
    await expect.poll(() => held.length).toBe(2);
    held[1]?.writeHead(304, { ETag: '"the second"' }).end();
    expect(await joining).toMatchObject({ body: 'the second', headers: { etag: '"the second"' } });
    expect(there.origin.requests.at(-1)?.headers['if-none-match']).toBe('"the second"');
  });

  test('may say that the response varies from now on', async () => {
    await using there = await before((request, response) => {
      const fields = { 'Cache-Control': 'max-age=10', ETag: '"1"' };
      if (request.headers['if-none-match'] === undefined) response.writeHead(200, fields).end('un');
      else response.writeHead(304, { ...fields, 'Cache-Control': 'max-age=600', Vary: 'X-Lang' }).end();
    });
    const french = { headers: { 'x-lang': 'fr' } };
    await there.rig.ask('/', french);
    await there.rig.stored(1);
    there.rig.advance(20);
    await there.rig.ask('/', french);
    await expect
      .poll(async () => (await there.rig.ask('/', french)).headers['cache-status'])
      .toMatch(/^Tintype;hit;ttl=[56]\d\d$/);
    there.origin.answer((_request, response) => {
      response.writeHead(200, { 'Cache-Control': 'max-age=600', Vary: 'X-Lang' }).end('one');
    });
    expect((await there.rig.ask('/', { headers: { 'x-lang': 'en' } })).body).toBe('one');
  });
});

describe('HEAD, where the origin fails', () => {
  const old: RequestListener = (_request, response) => {
    response.writeHead(200, { 'Cache-Control': 'max-age=9', ETag: '"1"', 'Content-Length': '3' }).end('old');
  };

  test.each([
    ['an error', (response: ServerResponse) => void response.writeHead(503).end()],
    ['nothing', (response: ServerResponse) => void response.destroy()],
  ])('is answered as GET is, with what is stale, if it has %s', async (_what, fail) => {
    await using there = await before(old, { staleIfError: 600 }, { ttlByStatus: ['500-599=0'] });
    await there.rig.ask('/');
    await there.rig.stored(1);
    there.rig.advance(20);
    there.origin.answer((_request, response) => fail(response));
    const [get, head] = [await there.rig.ask('/'), await there.rig.ask('/', { method: 'HEAD' })];
    expect(head).toMatchObject({ status: 200, body: '', headers: { etag: '"1"', 'content-length': '3' } });
    expect(head.headers['cache-status']).toBe(get.headers['cache-status']);
    expect(head.headers['cache-status']).toContain('detail=sie');
  });

  test('and what is stale must not be used, is 504', async () => {
    await using there = await before((_request, response) => {
      response.writeHead(200, { 'Cache-Control': 'max-age=9, must-revalidate' }).end('old');
    });
    await there.rig.ask('/');
    await there.rig.stored(1);
    there.rig.advance(20);
    there.origin.answer((_request, response) => void response.destroy());
    expect((await there.rig.ask('/', { method: 'HEAD' })).status).toBe(504);
  });
});

test.each([
  ['HEAD', {}, 'Tintype;fwd=uri-miss;stored=?0'],
  ['POST', {}, 'Tintype;fwd=method'],
  ['GET', { cache: false }, 'Tintype;fwd=bypass'],
] as const)('that %s got no answer says that it was asked, and not that it was refused', async (method, more, said) => {
  await using there = await before((_request, response) => void response.destroy(), { methods: '*', ...more });
  const { status, headers } = await there.rig.ask('/', { method });
  expect([status, headers['cache-status']]).toEqual([502, said]);
});

test('a response that comes slowly takes the place of none that was asked for later', async () => {
  const held: ServerResponse[] = [];
  const begin = (response: ServerResponse, content: string): void => {
    response.writeHead(200, { 'Cache-Control': 'public, max-age=600' }).write(content);
  };
  await using there = await before((_request, response) => {
    begin(response, 'the first');
    held.push(response);
  });
  // Who has credentials waits for nobody.
  const secret = { headers: { authorization: 'Basic eDp5' } };
  const slow = there.rig.start('/', secret);
  await slow.begun;
  there.rig.advance(1);
  there.origin.answer((_request, response) => {
    begin(response, 'the second');
    response.end();
  });
  await there.rig.ask('/', secret);
  await there.rig.stored(1);
  held[0]?.end();
  await slow.answer;
  await there.settled();
  expect((await there.rig.ask('/')).body).toBe('the second');
});

test('what one client with credentials gets in the background ends no waiting together of the others', async () => {
  const answer = (response: ServerResponse): void => {
    response.writeHead(200, { 'Cache-Control': 'max-age=9, stale-while-revalidate=60' }).end('content');
  };
  await using there = await before((_request, response) => answer(response));
  await there.rig.ask('/');
  await there.rig.stored(1);
  there.rig.advance(20);
  const secret = { headers: { authorization: 'Basic eDp5' } };
  expect((await there.rig.ask('/', secret)).headers['cache-status']).toContain('detail=swr');
  await expect.poll(() => there.rig.events.filter(({ type }) => type === 'revalidated').length).toBe(1);
  there.rig.advance(100);
  const held: ServerResponse[] = [];
  there.origin.answer((_request, response) => void held.push(response));
  const asking = Array.from({ length: 5 }, () => there.rig.ask('/'));
  await expect.poll(() => held.length).toBeGreaterThan(0);
  await there.settled();
  for (const response of held) answer(response);
  expect((await Promise.all(asking)).map(({ body }) => body)).toEqual(Array(5).fill('content'));
  expect(held).toHaveLength(1);
});

test('a response in use is refreshed before it expires where the operator wants it, and nobody waits', async () => {
  await using there = await before(
    (_request, response) => {
      // It takes a second each time.
      there.rig.advance(1);
      response.writeHead(200, { 'Cache-Control': 'max-age=600' }).end('content');
    },
    {},
    { earlyRefresh: 100 },
  );
  await there.rig.ask('/');
  await there.rig.stored(1);
  there.rig.advance(590);
  const luck = vi.spyOn(Math, 'random').mockReturnValue(0.999_999);
  try {
    expect((await there.rig.ask('/')).headers['cache-status']).toMatch(/^Tintype;hit;ttl=\d+$/);
  } finally {
    luck.mockRestore();
  }
  await there.rig.stored(2);
  expect(there.origin.requests).toHaveLength(2);
  expect(there.rig.events).toContainEqual({ type: 'revalidated', outcome: 'changed', background: true });
});
