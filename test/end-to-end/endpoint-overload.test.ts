import type { RequestListener, ServerResponse } from 'node:http';
import type { EndpointDefinition } from '@tintype/core';
import { describe, expect, test } from 'vitest';
import { EndpointRig, Origin } from './endpoint-rig.ts';
import { heldTimers } from './held-timers.ts';
import { cat } from './source-rig.ts';

/** An origin and an endpoint at `/` before it, both gone at the end of the block. */
async function before(
  listener: RequestListener,
  settings: Readonly<Record<string, unknown>> = {},
  more: Partial<EndpointDefinition> = {},
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

const KEPT = { 'Cache-Control': 'max-age=600' };

describe('an origin', () => {
  test('is asked no more at a time than downloads are allowed', async () => {
    let most = 0;
    const waiting = new Set<ServerResponse>();
    await using there = await before(
      (_request, response) => {
        waiting.add(response);
        most = Math.max(most, waiting.size);
      },
      { maxDownloadsPerHost: 2 },
    );
    const asked = Array.from({ length: 6 }, (_, at) => there.rig.ask(`/${at}`));
    let answered = 0;
    while (answered < 6) {
      await expect.poll(() => waiting.size).toBeGreaterThan(answered < 5 ? 1 : 0);
      for (const response of waiting) {
        waiting.delete(response);
        response.writeHead(200, KEPT).end('content');
        answered += 1;
        break;
      }
    }
    expect((await Promise.all(asked)).map(({ status }) => status)).toEqual(Array(6).fill(200));
    expect(most).toBe(2);
  });

  test('that too many wait for is not asked, and the answer is 503', async () => {
    const waiting: ServerResponse[] = [];
    await using there = await before((_request, response) => void waiting.push(response), {
      maxDownloadsPerHost: 1,
      requestsQueueSize: 1,
    });
    const asked = ['/1', '/2', '/3'].map((path) => there.rig.ask(path));
    // Whichever of them comes last.
    const refused = await Promise.race(asked);
    expect(refused).toMatchObject({ status: 503, headers: { 'retry-after': '1', 'cache-control': 'no-store' } });
    for (const count of [1, 2]) {
      await expect.poll(() => waiting.length).toBe(count);
      waiting[count - 1]?.writeHead(200, KEPT).end('content');
    }
    expect((await Promise.all(asked)).map(({ status }) => status).sort()).toEqual([200, 200, 503]);
  });

  test('that too many wait for has its stale responses used, where that is allowed', async () => {
    await using there = await before(
      (_request, response) => void response.writeHead(200, { 'Cache-Control': 'max-age=9' }).end('old'),
      { maxDownloadsPerHost: 1, requestsQueueSize: 1, overloadStatus: '429' },
      { staleIfError: 600 },
    );
    await there.rig.ask('/stale');
    await there.rig.stored(1);
    there.rig.advance(20);
    const waiting: ServerResponse[] = [];
    there.origin.answer((_request, response) => void waiting.push(response));
    const others = ['/1', '/2', '/3'].map((path) => there.rig.ask(path));
    expect((await Promise.race(others)).status).toBe(429);
    const stale = await there.rig.ask('/stale');
    expect(stale).toMatchObject({ status: 200, body: 'old' });
    expect(stale.headers['cache-status']).toContain('detail=sie');
    there.origin.answer((_request, response) => void response.end());
    for (const response of waiting) response.end();
    await Promise.all(others);
  });

  test('is free for the next as soon as the header of what is for one client has come', async () => {
    const ends: (() => void)[] = [];
    await using there = await before(
      (_request, response) => {
        response.writeHead(200, { 'Cache-Control': 'private' }).write('some');
        ends.push(() => void response.end());
      },
      { maxDownloadsPerHost: 1 },
    );
    const slow = there.rig.start('/1');
    await slow.begun;
    const next = there.rig.start('/2');
    await next.begun;
    for (const end of ends) end();
    await Promise.all([slow.answer, next.answer]);
  });

  test('is free for the next as soon as what comes is too long to be kept', async () => {
    const ends: (() => void)[] = [];
    await using there = await before(
      (_request, response) => {
        // In many pieces.
        response.writeHead(200, KEPT).write('content'.repeat(100_000));
        ends.push(() => void response.end());
      },
      { maxDownloadsPerHost: 1 },
      { maxStoredBytes: 1_000 },
    );
    const slow = there.rig.start('/1');
    await slow.begun;
    const next = there.rig.start('/2');
    await next.begun;
    for (const end of ends) end();
    await Promise.all([slow.answer, next.answer]);
  });
});

test.each([404, 503])(
  'an origin that answers %i does not stand in the way of the next one at its host',
  async (status) => {
    await using origin = await Origin.start((request, response) => {
      const isFirst = request.url?.startsWith('/one/') === true;
      response.writeHead(isFirst ? status : 200, KEPT).end(isFirst ? 'nothing'.repeat(100_000) : 'content');
    });
    const origins = [`${origin.base}one/`, `${origin.base}two/`];
    await using rig = await EndpointRig.start([{ path: '/', origins }], { maxDownloadsPerHost: 1 });
    expect(await rig.ask('/a')).toMatchObject({ status: 200, body: 'content' });
    expect(origin.requests.map(({ url }) => url)).toEqual(['/one/a', '/two/a']);
  },
);

describe('a failure', () => {
  const failing: RequestListener = (_request, response) => void response.writeHead(503).end('busy');

  test('is remembered for a moment: who asks the same gets it without the origin being asked', async () => {
    await using there = await before(failing, { ttlByStatus: ['503=5'] });
    expect(await there.rig.ask('/')).toMatchObject({ status: 503, body: 'busy' });
    const again = await there.rig.ask('/');
    expect(again).toMatchObject({ status: 503, headers: { 'cache-control': 'no-store' } });
    expect(again.headers['cache-status']).toMatch(/^Tintype;hit;ttl=\d;detail=negative$/);
    expect(there.origin.requests).toHaveLength(1);
    there.rig.advance(6);
    there.origin.answer((_request, response) => void response.end('well'));
    expect((await there.rig.ask('/')).body).toBe('well');
    expect((await there.rig.ask('/')).body).toBe('well');
  });

  test.each(['no-cache', 'max-age=0'])('is no answer to a client that says %s where that is obeyed', async (wish) => {
    await using there = await before(failing, { ttlByStatus: ['503=60'] }, { clientCacheControl: 'obey' });
    // Fields tell questions apart: this one is the same both times.
    const headers = { 'cache-control': wish };
    await there.rig.ask('/', { headers });
    there.origin.answer((_request, response) => void response.end('well'));
    expect(await there.rig.ask('/', { headers })).toMatchObject({ status: 200, body: 'well' });
  });

  test('to answer at all is remembered too', async () => {
    await using there = await before((request) => request.destroy(), { ttlByStatus: ['502=5'] });
    expect((await there.rig.ask('/')).status).toBe(502);
    expect((await there.rig.ask('/')).status).toBe(502);
    expect(there.origin.requests).toHaveLength(1);
  });

  test('of one client is none of those who ask with other fields', async () => {
    await using there = await before(
      (request, response) => void response.writeHead(request.headers['x-odd'] === undefined ? 200 : 500).end(),
      { ttlByStatus: ['500=60'] },
    );
    expect((await there.rig.ask('/', { headers: { 'x-odd': '1' } })).status).toBe(500);
    expect((await there.rig.ask('/')).status).toBe(200);
  });

  test.each([
    ['the origin says itself for how long it is right', 503, { 'Cache-Control': 'no-store' }],
    ['it is no failure but an answer', 403, {}],
  ])('is not remembered where %s', async (_what, status, fields) => {
    await using there = await before((_request, response) => void response.writeHead(status, fields).end(), {
      ttlByStatus: ['400-599=60'],
    });
    await there.rig.ask('/');
    await there.rig.ask('/');
    expect(there.origin.requests).toHaveLength(2);
  });

  test('is forgotten when the URL was changed', async () => {
    await using there = await before(
      (request, response) => void response.writeHead(request.method === 'GET' ? 503 : 204).end(),
      { ttlByStatus: ['503=60'] },
      { methods: '*' },
    );
    await there.rig.ask('/');
    await there.rig.ask('/', { method: 'PUT' });
    await there.rig.ask('/');
    expect(there.origin.requests.map(({ method }) => method)).toEqual(['GET', 'PUT', 'GET']);
  });

  test('that a stale response stands in for costs the origin one request in that time', async () => {
    await using there = await before(
      (_request, response) => void response.writeHead(200, { 'Cache-Control': 'max-age=9' }).end('old'),
      { ttlByStatus: ['503=60'] },
      { staleIfError: 600 },
    );
    await there.rig.ask('/');
    await there.rig.stored(1);
    there.rig.advance(20);
    there.origin.answer(failing);
    for (let time = 0; time < 3; time++) expect((await there.rig.ask('/')).body).toBe('old');
    expect(there.origin.requests).toHaveLength(2);
  });

  test.each([
    ['no-store', { 'Cache-Control': 'no-store' }],
    ['Retry-After', { 'Retry-After': '0' }],
  ])('that a stale response stands in for is asked about again where it says %s', async (_what, fields) => {
    await using there = await before(
      (_request, response) => void response.writeHead(200, { 'Cache-Control': 'max-age=9' }).end('old'),
      { ttlByStatus: ['503=60'] },
      { staleIfError: 600 },
    );
    await there.rig.ask('/');
    await there.rig.stored(1);
    there.rig.advance(20);
    there.origin.answer((_request, response) => void response.writeHead(503, fields).end('busy'));
    for (let time = 0; time < 3; time++) expect((await there.rig.ask('/')).body).toBe('old');
    expect(there.origin.requests).toHaveLength(4);
  });
});

describe('a refresh in the background', () => {
  const REFRESHED = { 'Cache-Control': 'max-age=9, stale-while-revalidate=600' };
  const outcomes = ({ events }: EndpointRig) =>
    events.flatMap((event) => (event.type === 'revalidated' && event.background ? [event.outcome] : []));

  test('takes no place that a request could wait for, and is counted as left', async () => {
    await using there = await before((_request, response) => void response.writeHead(200, REFRESHED).end('old'), {
      maxDownloadsPerHost: 1,
    });
    await there.rig.ask('/stale');
    await there.rig.stored(1);
    there.rig.advance(20);
    const held: ServerResponse[] = [];
    there.origin.answer((_request, response) => void held.push(response));
    const first = there.rig.ask('/1');
    await expect.poll(() => held.length).toBe(1);
    // The only place is taken, and nobody waits for it yet.
    expect((await there.rig.ask('/stale')).headers['cache-status']).toContain('detail=swr');
    const second = there.rig.ask('/2');
    held[0]?.writeHead(200, KEPT).end();
    await expect.poll(() => held.length).toBe(2);
    held[1]?.writeHead(200, KEPT).end();
    await Promise.all([first, second]);
    expect(there.origin.requests.map(({ url }) => url)).toEqual(['/stale', '/1', '/2']);
    expect(outcomes(there.rig)).toEqual(['shed']);
    there.origin.answer((_request, response) => void response.writeHead(200, REFRESHED).end('new'));
    await there.rig.ask('/stale');
    await expect.poll(() => outcomes(there.rig)).toEqual(['shed', 'changed']);
  });

  test('waits for its place as any request does once one has joined it', async () => {
    const held: ServerResponse[] = [];
    const hold: RequestListener = (_request, response) => void held.push(response);
    await using first = await Origin.start((_request, response) => void response.writeHead(200, REFRESHED).end('old'));
    await using second = await Origin.start(hold);
    const endpoints = [
      { path: '/', origins: [first.base, second.base] },
      { path: '/second', origins: [second.base] },
    ];
    await using rig = await EndpointRig.start(endpoints, { maxDownloadsPerHost: 1 });
    await rig.ask('/stale');
    await rig.stored(1);
    rig.advance(20);
    const busy = rig.ask('/second/busy');
    await expect.poll(() => held.length).toBe(1);
    const gate = Promise.withResolvers<void>();
    first.answer(async (_request, response) => {
      await gate.promise;
      response.writeHead(404).end();
    });
    expect((await rig.ask('/stale')).headers['cache-status']).toContain('detail=swr');
    await expect.poll(() => first.requests.length).toBe(2);
    // Too old to be used meanwhile by now.
    rig.advance(700);
    const joining = rig.ask('/stale');
    // By the time that this one is answered the one before it waits.
    expect((await rig.ask('/stale', { headers: { 'cache-control': 'only-if-cached' } })).status).toBe(504);
    gate.resolve();
    held[0]?.end('busy');
    await expect.poll(() => held.length).toBe(2);
    held[1]?.writeHead(200, KEPT).end('from the second');
    expect(await joining).toMatchObject({ status: 200, body: 'from the second' });
    await busy;
  });
});

test('what comes is joined by nobody any more once it is too long to be kept, however many pieces it came in', async () => {
  const open: ServerResponse[] = [];
  await using there = await before(
    (_request, response) => {
      response.writeHead(200, KEPT).write('one piece');
      open.push(response);
    },
    {},
    { maxStoredBytes: 4 },
  );
  const first = there.rig.start('/');
  await first.begun;
  const second = there.rig.start('/');
  await second.begun;
  expect(there.origin.requests).toHaveLength(2);
  for (const response of open) response.end();
  await Promise.all([first.answer, second.answer]);
});

test.each([
  ['what is passed on', {}, '/cat.png'],
  ['an image', { dialect: 'imgproxy-url' }, '/_/w:20/plain/cat.png'],
])(
  'an origin that never answers the first who asks is asked once more for those who wait: %s',
  async (_what, endpoint, path) => {
    let asked = 0;
    await using there = await before(
      (_request, response) => {
        asked += 1;
        if (asked > 1) response.writeHead(200, { ...KEPT, 'Content-Type': 'image/png' }).end(cat);
      },
      { fetchAgainAfter: 77 },
      endpoint,
    );
    const again = heldTimers(77);
    const asking = Array.from({ length: 20 }, () => there.rig.ask(path));
    await expect.poll(() => asked).toBe(1);
    // By the time that this one is answered the others wait.
    await there.rig.ask(path, { headers: { 'cache-control': 'only-if-cached' } });
    again.goOff();
    const answers = await Promise.all(asking);
    expect(new Set(answers.map(({ status, body }) => `${status} ${body}`)).size).toBe(1);
    expect(answers[0]?.status).toBe(200);
    expect(asked).toBe(2);
  },
);

test.each([
  ['what is passed on', {}, '/cat.png'],
  ['an image', { dialect: 'imgproxy-url' }, '/_/w:20/plain/cat.png'],
])('it is so, too, for who comes when it has hung for long already: %s', async (_what, endpoint, path) => {
  let asked = 0;
  await using there = await before(
    (_request, response) => {
      asked += 1;
      if (asked > 1) response.writeHead(200, { ...KEPT, 'Content-Type': 'image/png' }).end(cat);
    },
    { fetchAgainAfter: 77 },
    endpoint,
  );
  const again = heldTimers(77);
  const first = there.rig.ask(path);
  await expect.poll(() => asked).toBe(1);
  again.goOff();
  const answers = await Promise.all([first, there.rig.ask(path), there.rig.ask(path)]);
  expect(answers.map(({ status }) => status)).toEqual([200, 200, 200]);
  expect(asked).toBe(2);
});

test('lifetimes are shortened by different shares, so that what came together does not expire together', async () => {
  await using there = await before(
    (_request, response) => void response.writeHead(200, { 'Cache-Control': 'max-age=1000' }).end(),
    { ttlJitter: 0.5 },
  );
  const paths = Array.from({ length: 20 }, (_, at) => `/${at}`);
  for (const path of paths) await there.rig.ask(path);
  await there.rig.stored(paths.length);
  const lifetimes = new Set<number>();
  for (const path of paths) {
    const { headers } = await there.rig.ask(path);
    lifetimes.add(Number(/ttl=(\d+)/.exec(headers['cache-status'] ?? '')?.[1]));
  }
  // Twenty of five hundred: that all are the same has a chance of one in 10^51.
  expect(lifetimes.size).toBeGreaterThan(1);
  expect(Math.max(...lifetimes)).toBeLessThanOrEqual(1_000);
  expect(Math.min(...lifetimes)).toBeGreaterThan(400);
});
