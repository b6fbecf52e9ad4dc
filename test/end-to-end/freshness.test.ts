import type { ServerResponse } from 'node:http';
import { describe, expect, test } from 'vitest';
import { heldTimers } from './held-timers.ts';
import { type Rig, temporaryFolder } from './rig.ts';
import { cat, outcome, rocket, startRig, startSource, url } from './source-rig.ts';

describe.each(['memory', 'fs'])('in %s', (storage) => {
  const settings = async () => ({
    cacheUse: storage,
    ...(storage === 'fs' ? { cacheFsRoot: await temporaryFolder() } : {}),
  });

  test('an unchanged source costs a question, and no transform', async () => {
    const { origin } = await startSource({ 'cache-control': 'max-age=60' });
    const rig = await startRig(await settings());
    const first = await rig.get(url(origin));
    expect(first.headers.get('cache-control')).toBe('max-age=60');
    expect(outcome(first)).toBe('Tintype; fwd=uri-miss; stored');
    const bytes = Buffer.from(await first.arrayBuffer());
    await rig.stored(1);
    rig.advance(59.5);
    expect(outcome(await rig.get(url(origin)))).toBe('Tintype; hit; ttl=0');
    rig.advance(2);
    const again = await rig.get(url(origin));
    expect(outcome(again)).toBe('Tintype; fwd=stale; fwd-status=304; stored');
    expect(again.headers.get('etag')).toBe(first.headers.get('etag'));
    expect(Buffer.from(await again.arrayBuffer()).equals(bytes)).toBe(true);
    await expect.poll(async () => outcome(await rig.get(url(origin)))).toMatch(/^Tintype; hit; ttl=(?:60|[45]\d)$/);
    expect(rig.count('transformed')).toBe(1);
    expect(origin.requests.map(({ headers }) => headers['if-none-match'])).toEqual([undefined, '"1"']);
  });

  test('a changed source replaces the variant', async () => {
    const { origin, state } = await startSource({ 'cache-control': 'max-age=60' });
    const rig = await startRig(await settings());
    const first = await rig.get(url(origin));
    await rig.stored(1);
    state.headers = { etag: '"2"', 'cache-control': 'max-age=60' };
    state.body = rocket;
    rig.advance(61);
    const second = await rig.get(url(origin));
    expect(outcome(second)).toBe('Tintype; fwd=stale; fwd-status=200; stored');
    expect(second.headers.get('etag')).not.toBe(first.headers.get('etag'));
    await rig.stored(2);
    expect(outcome(await rig.get(url(origin)))).toMatch(/^Tintype; hit/);
  });
});

describe('stale-while-revalidate', () => {
  test('500 requests at the moment a hot entry expires: nobody waits, and the source is asked once', async () => {
    const { origin, state } = await startSource({ 'cache-control': 'max-age=60, stale-while-revalidate=60' });
    const rig = await startRig();
    await rig.get(url(origin));
    await rig.stored(1);
    rig.advance(61);
    const gate = Promise.withResolvers<void>();
    origin.answer(async (_request, response) => {
      await gate.promise;
      response.sendDate = false;
      response.writeHead(200, { ...state.headers, etag: '"2"' }).end(rocket);
    });
    const answers = await Promise.all(Array.from({ length: 500 }, () => rig.get(url(origin))));
    for (const answer of answers) expect(outcome(answer)).toMatch(/^Tintype; hit; ttl=-\d+; detail=swr$/);
    await expect.poll(() => origin.requests.length).toBe(2);
    gate.resolve();
    await rig.stored(2);
    await expect.poll(async () => outcome(await rig.get(url(origin)))).toMatch(/^Tintype; hit; ttl=(?:60|[45]\d)$/);
    expect(origin.requests).toHaveLength(2);
  });

  test('a refresh that there is no room for is left to a later request, and nobody waits for either', async () => {
    const { origin, state } = await startSource({ 'cache-control': 'max-age=60, stale-while-revalidate=600' });
    const rig = await startRig({ workers: 1 });
    const paths = [url(origin, 'w:20', 'a.png'), url(origin, 'w:20', 'b.png')] as const;
    for (const path of paths) await rig.get(path);
    await rig.stored(2);
    rig.advance(61);
    const gate = Promise.withResolvers<void>();
    origin.answer(async (_request, response) => {
      await gate.promise;
      response.sendDate = false;
      response.writeHead(304, state.headers).end();
    });
    for (const path of paths) expect(outcome(await rig.get(path))).toMatch(/hit; ttl=-\d+; detail=swr$/);
    await expect.poll(() => origin.requests.length).toBe(3);
    const refreshes = () =>
      rig.events.flatMap((event) => (event.type === 'revalidated' && event.background ? [event.outcome] : []));
    expect(refreshes()).toEqual(['shed']);
    gate.resolve();
    await expect.poll(refreshes).toEqual(['shed', 'same']);
    expect(outcome(await rig.get(paths[1]))).toMatch(/detail=swr$/);
    await expect.poll(refreshes).toEqual(['shed', 'same', 'same']);
  });

  test('without it, 500 requests are one question and 500 answers', async () => {
    const { origin, state } = await startSource({ 'cache-control': 'max-age=60' });
    const rig = await startRig();
    await rig.get(url(origin));
    await rig.stored(1);
    rig.advance(61);
    const gate = Promise.withResolvers<void>();
    origin.answer(async (_request, response) => {
      await gate.promise;
      response.sendDate = false;
      response.writeHead(304, state.headers).end();
    });
    const asked = Array.from({ length: 500 }, () => rig.get(url(origin)));
    await expect.poll(() => rig.proxy.load?.().waiting).toBe(500);
    gate.resolve();
    const answers = await Promise.all(asked);
    expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([200]));
    expect(origin.requests).toHaveLength(2);
    expect(rig.count('transformed')).toBe(1);
  });

  test('A4, D9: beside s-maxage it does not count', async () => {
    const { origin } = await startSource({ 'cache-control': 's-maxage=60, stale-while-revalidate=60' });
    const rig = await startRig();
    await rig.get(url(origin));
    await rig.stored(1);
    rig.advance(61);
    expect(outcome(await rig.get(url(origin)))).toBe('Tintype; fwd=stale; fwd-status=304; stored');
  });

  test('the operator can say it where sources do not', async () => {
    const { origin } = await startSource({ 'cache-control': 'max-age=60' });
    const rig = await startRig({ staleWhileRevalidate: 30 });
    await rig.get(url(origin));
    await rig.stored(1);
    rig.advance(80);
    expect(outcome(await rig.get(url(origin)))).toContain('detail=swr');
  });
});

test('a source that hangs for the first who asks hangs for nobody: it is asked once more for those who wait', async () => {
  const { origin, state } = await startSource({ 'cache-control': 'max-age=60' });
  origin.answer((_request, response) => {
    if (origin.requests.length > 1) response.writeHead(200, state.headers).end(cat);
  });
  const rig = await startRig({ fetchAgainAfter: 77 });
  const again = heldTimers(77);
  const asking = Array.from({ length: 20 }, () => rig.get(url(origin)));
  await expect.poll(() => [origin.requests.length, rig.proxy.load?.().waiting]).toEqual([1, 20]);
  again.goOff();
  const answers = await Promise.all(asking);
  expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([200]));
  expect(origin.requests).toHaveLength(2);
});

test('nor does it hang for who comes when it has hung for long already', async () => {
  const { origin, state } = await startSource({ 'cache-control': 'max-age=60' });
  origin.answer((_request, response) => {
    if (origin.requests.length > 1) response.writeHead(200, state.headers).end(cat);
  });
  const rig = await startRig({ fetchAgainAfter: 77 });
  const again = heldTimers(77);
  const first = rig.get(url(origin));
  await expect.poll(() => [origin.requests.length, rig.proxy.load?.().waiting]).toEqual([1, 1]);
  again.goOff();
  expect(origin.requests).toHaveLength(1);
  const answers = await Promise.all([first, rig.get(url(origin)), rig.get(url(origin))]);
  expect(answers.map(({ status }) => status)).toEqual([200, 200, 200]);
  expect(origin.requests).toHaveLength(2);
});

describe('a source that fails', () => {
  const faults: [string, (response: ServerResponse) => void, number][] = [
    ['is down', (response) => response.destroy(), 502],
    ['answers 503', (response) => response.writeHead(503).end(), 502],
    [
      'is truncated',
      (response) =>
        response.writeHead(200, { 'content-length': '100000' }).write(cat.subarray(0, 50), () => response.destroy()),
      502,
    ],
    [
      'sends garbage for a header',
      (response) => response.socket?.end('HTTP/1.1 200 OK\r\n\x01\x02: \x00\r\n\r\n'),
      502,
    ],
    [
      'says two lengths',
      (response) => response.socket?.end('HTTP/1.1 200 OK\r\nContent-Length: 3\r\nContent-Length: 4\r\n\r\nabcd'),
      502,
    ],
    [
      'says a length that is none',
      (response) => response.socket?.end('HTTP/1.1 200 OK\r\nContent-Length: many\r\n\r\nabcd'),
      502,
    ],
    ['redirects in a circle', (response) => response.writeHead(302, { location: '/a.png' }).end(), 502],
    ['answers 304 unasked', (response) => response.writeHead(304).end(), 502],
    ['is too slow', () => undefined, 504],
  ];
  /** Short only where it shall be over. */
  const limitFor = (fault: string) => (fault === 'is too slow' ? { downloadTimeout: 0.5 } : {});
  /** An answer that came in time: within a short limit one may not, and that is remembered for a second. */
  async function answered(rig: Rig, path: string): Promise<Response> {
    let response = await rig.get(path);
    while (response.status === 504) {
      rig.advance(2);
      response = await rig.get(path);
    }
    expect(response.status).toBe(200);
    return response;
  }

  test.each(faults)(
    'that %s: nothing bad is stored, and the answer says whose fault it is',
    async (name, fail, status) => {
      const { origin, state } = await startSource({ 'cache-control': 'max-age=60' });
      origin.answer((_request, response) => fail(response));
      const rig = await startRig(limitFor(name));
      const failed = await rig.get(url(origin));
      expect([failed.status, failed.headers.get('cache-control')]).toEqual([status, 'no-store']);
      expect(await Array.fromAsync(rig.proxy.storage?.list('') ?? [])).toEqual([]);
      // Remembered for a second: the source is left alone.
      const before = origin.requests.length;
      expect(outcome(await rig.get(url(origin)))).toMatch(/^Tintype; hit; ttl=\d; detail=negative$/);
      expect(origin.requests.length).toBe(before);
      rig.advance(2);
      origin.answer((_request, response) => response.writeHead(200, state.headers).end(cat));
      await answered(rig, url(origin));
    },
  );

  test.each([
    ['via', '1.1 evil'],
    ['cdn-loop', 'evil'],
  ])('by what a client says in %s is nobody else’s failure; that there is nothing holds for all', async (name, way) => {
    const { origin } = await startSource();
    origin.answer((request, response) => {
      const isProvoked = String(request.headers[name]).includes('evil');
      response.writeHead(request.url === '/missing.png' ? 404 : isProvoked ? 502 : 200).end(cat);
    });
    const rig = await startRig();
    expect((await rig.get(url(origin), { headers: { [name]: way } })).status).toBe(502);
    expect((await rig.get(url(origin))).status).toBe(200);
    for (const headers of [{ [name]: way }, {}]) await rig.get(url(origin, 'w:20', 'missing.png'), { headers });
    expect(origin.requests.filter((request) => request.url === '/missing.png')).toHaveLength(1);
  });

  test.each(faults.filter(([name]) => name !== 'answers 304 unasked'))(
    'D14: that %s, what is stale is used',
    async (name, fail) => {
      const { origin } = await startSource({ 'cache-control': 'max-age=60, stale-if-error=600' });
      const rig = await startRig(limitFor(name));
      const first = await answered(rig, url(origin));
      await rig.stored(1);
      rig.advance(90);
      origin.answer((_request, response) => fail(response));
      const stale = await rig.get(url(origin));
      expect([stale.status, outcome(stale)]).toEqual([
        200,
        expect.stringMatching(/^Tintype; hit; ttl=-3\d; detail=sie$/),
      ]);
      expect(stale.headers.get('etag')).toBe(first.headers.get('etag'));
      expect(stale.headers.get('age')).toMatch(/^9\d$/);
    },
  );

  test.each(['must-revalidate, max-age=60', 'proxy-revalidate, max-age=60', 's-maxage=60', 'no-cache'])(
    'A4: %s forbids what is stale',
    async (control) => {
      const { origin, state } = await startSource({ 'cache-control': `${control}, stale-if-error=600` });
      const rig = await startRig();
      await rig.get(url(origin));
      await rig.stored(1);
      rig.advance(61);
      state.status = 503;
      expect((await rig.get(url(origin))).status).toBe(502);
    },
  );

  test('404 is no error: the entry goes, and the answer is remembered for as long as the operator says', async () => {
    const { origin, state } = await startSource({ 'cache-control': 'max-age=60' });
    const rig = await startRig({ ttlByStatus: '404=180' });
    await rig.get(url(origin));
    await rig.stored(1);
    rig.advance(61);
    state.status = 404;
    state.headers = {};
    expect((await rig.get(url(origin))).status).toBe(404);
    expect(await Array.fromAsync(rig.proxy.storage?.list('') ?? [])).toEqual([]);
    rig.advance(170);
    // For every variant of the source.
    const remembered = await rig.get(url(origin, 'w:30'));
    expect([remembered.status, outcome(remembered)]).toEqual([404, expect.stringContaining('detail=negative')]);
    expect(origin.requests).toHaveLength(2);
    rig.advance(11);
    await rig.get(url(origin, 'w:30'));
    expect(origin.requests).toHaveLength(3);
  });
});

test('where there is no room to make it, what is stale is used', async () => {
  const { origin } = await startSource({ 'cache-control': 'max-age=60' });
  const rig = await startRig({ workers: 1, requestsQueueSize: 1 });
  await rig.get(url(origin));
  await rig.stored(1);
  rig.advance(61);
  origin.answer(() => undefined);
  const client = new AbortController();
  const busy = ['b', 'c'].map((name) =>
    rig.get(url(origin, 'w:20', name), { signal: client.signal }).catch(() => undefined),
  );
  await expect.poll(() => origin.requests.length).toBe(3);
  expect(outcome(await rig.get(url(origin)))).toMatch(/^Tintype; hit; ttl=-\d; detail=sie$/);
  client.abort();
  await Promise.all(busy);
});

describe('copies of sources', () => {
  test('IK11: without them every variant fetches; with them one does, also at the same moment', async () => {
    const { origin } = await startSource({ 'cache-control': 'max-age=60' });
    const without = await startRig();
    for (const width of [20, 30]) await without.get(url(origin, `w:${width}`));
    expect(origin.requests).toHaveLength(2);
    const rig = await startRig({ sourcesUse: 'memory' });
    const together = await Promise.all([20, 30, 40].map((width) => rig.get(url(origin, `w:${width}`))));
    expect(together.map(({ status }) => status)).toEqual([200, 200, 200]);
    expect(origin.requests).toHaveLength(3);
    expect((await rig.get(url(origin, 'w:50'))).headers.get('cache-control')).toBe('max-age=60');
    expect(origin.requests).toHaveLength(3);
  });

  test('IK12: what is made of a copy lives no longer than the copy; both are asked about by one question', async () => {
    const { origin } = await startSource({ 'cache-control': 'max-age=60' });
    const rig = await startRig({ sourcesUse: 'fs', sourcesFsRoot: await temporaryFolder() });
    await rig.get(url(origin, 'w:20'));
    await expect.poll(async () => (await rig.get(url(origin, 'w:25'))).status).toBe(200);
    rig.advance(40);
    const late = await rig.get(url(origin, 'w:30'));
    expect([late.headers.get('age'), origin.requests.length]).toEqual([expect.stringMatching(/^4\d$/), 1]);
    await rig.stored(3);
    expect(outcome(await rig.get(url(origin, 'w:30')))).toMatch(/^Tintype; hit; ttl=(1\d|20)$/);
    rig.advance(21);
    for (const width of [20, 25, 30]) {
      expect(outcome(await rig.get(url(origin, `w:${width}`)))).toBe('Tintype; fwd=stale; fwd-status=304; stored');
    }
    expect(origin.requests.map(({ headers }) => headers['if-none-match'])).toEqual([undefined, '"1"']);
    expect(rig.count('transformed')).toBe(3);
  });

  test.each([
    ['private', { 'cache-control': 'private, max-age=60' }, {}],
    ['too large', { 'cache-control': 'max-age=60' }, { sourcesMaxFileSize: 1_000 }],
  ])('what is %s is not kept', async (_name, headers, settings) => {
    const { origin } = await startSource(headers);
    const rig = await startRig({ sourcesUse: 'memory', ...settings });
    for (const width of [20, 30]) expect((await rig.get(url(origin, `w:${width}`))).status).toBe(200);
    expect(origin.requests).toHaveLength(2);
  });

  test('a page that is passed on without a lifetime of its origin is asked for each time', async () => {
    const { origin, state } = await startSource({ 'content-type': 'text/html' });
    state.body = Buffer.from('<p>Hello Ann');
    const rig = await startRig({ sourcesUse: 'memory' });
    expect(await (await rig.get(url(origin, 'raw:1'))).text()).toBe('<p>Hello Ann');
    state.headers = { 'content-type': 'text/html', etag: '"2"' };
    state.body = Buffer.from('<p>Hello Bob');
    rig.advance(1);
    expect(await (await rig.get(url(origin, 'raw:1'))).text()).toBe('<p>Hello Bob');
  });

  test('a lifetime that a rule gives to images ends that of the copy, too', async () => {
    const { origin } = await startSource();
    const rig = await startRig({ sourcesUse: 'memory' }, [{ path: '*w:20*', ttl: 60 }]);
    // Stored by the policy of all others, under which it would last for months.
    await rig.get(url(origin, 'w:30'));
    await rig.get(url(origin, 'w:20'));
    expect(origin.requests).toHaveLength(1);
    await rig.stored(2);
    rig.advance(61);
    expect(outcome(await rig.get(url(origin, 'w:20')))).toBe('Tintype; fwd=stale; fwd-status=304; stored');
    expect(origin.requests).toHaveLength(2);
    await expect
      .poll(async () => outcome(await rig.get(url(origin, 'w:20'))))
      .toMatch(/^Tintype; hit; ttl=(?:60|[45]\d)$/);
    expect(origin.requests).toHaveLength(2);
  });

  test('what a rule keeps out of the cache is not made of a copy', async () => {
    const { origin } = await startSource({ 'cache-control': 'max-age=60' });
    const rig = await startRig({ sourcesUse: 'memory' }, [{ path: '*w:20*', cache: false }]);
    for (const width of [30, 20, 20]) await rig.get(url(origin, `w:${width}`));
    expect(origin.requests).toHaveLength(3);
  });

  test('a cache buster asks past the copy', async () => {
    const { origin, state } = await startSource({ 'cache-control': 'max-age=60' });
    const rig = await startRig({ sourcesUse: 'memory' });
    const before = await rig.get(url(origin, 'w:20/cb:1'));
    state.headers = { etag: '"2"' };
    state.body = rocket;
    const after = await rig.get(url(origin, 'w:20/cb:2'));
    expect(after.headers.get('etag')).not.toBe(before.headers.get('etag'));
    expect(origin.requests).toHaveLength(2);
  });

  test('under other rules of addresses a copy is not used: the origin refuses', async () => {
    const { origin } = await startSource({ 'cache-control': 'max-age=60' });
    const sources = { sourcesUse: 'fs', sourcesFsRoot: await temporaryFolder() };
    const rig = await startRig(sources);
    expect((await rig.get(url(origin))).status).toBe(200);
    await rig.stop();
    const strict = await startRig({ ...sources, allowLoopbackSourceAddresses: false });
    expect((await strict.get(url(origin))).status).toBe(403);
  });
});

describe('origin cache control', () => {
  const BOTH = ['on', 'off'] as const;
  const AGAIN = 'fwd=uri-miss';
  const ASKED = 'fwd=stale; fwd-status=304';
  // Of a second request a second later: by Cloudflare's two columns.
  const rows: [id: string, control: string, on: string, off: string][] = [
    ['D1', 'no-store, max-age=60', AGAIN, AGAIN],
    ['D2', 'private, max-age=60', AGAIN, AGAIN],
    ['D3', 'private="x-a", max-age=60', 'hit', AGAIN],
    ['D4', 'no-cache', ASKED, AGAIN],
    ['D5 absent', 'no-cache="x-absent", max-age=60', 'hit', AGAIN],
    ['D5 present', 'no-cache="x-a", max-age=60', ASKED, AGAIN],
    ['D6', 'max-age=0', ASKED, AGAIN],
    ['D7', 's-maxage=0, max-age=60', ASKED, AGAIN],
    ['D8', 'max-age=60', 'hit', 'hit'],
    ['D9', 's-maxage=60', 'hit', 'hit'],
    ['D10', 'max-age=60, must-revalidate', 'hit', 'hit'],
    ['D11', 'max-age=60, proxy-revalidate', 'hit', 'hit'],
    ['D12', 'public, max-age=60', 'hit', 'hit'],
  ];

  test.each(
    BOTH.flatMap((mode) =>
      rows.map(([id, control, on, off]) => ({ id, mode, control, expected: mode === 'on' ? on : off })),
    ),
  )('$id, $mode: $control', async ({ control, mode, expected }) => {
    const { origin } = await startSource({ 'cache-control': control, 'x-a': '1' });
    const rig = await startRig({ originCacheControl: mode === 'on' });
    const first = await rig.get(url(origin));
    if (outcome(first)?.includes('stored')) await rig.stored(1);
    rig.advance(1);
    expect(outcome(await rig.get(url(origin)))).toContain(expected);
  });

  test.each(BOTH)('C3, %s: a source that sets a cookie', async (mode) => {
    const { origin } = await startSource({ 'cache-control': 'max-age=60', 'set-cookie': 'a=b' });
    const rig = await startRig({ originCacheControl: mode === 'on' });
    const first = await rig.get(url(origin));
    expect([outcome(first)?.includes('stored'), first.headers.get('set-cookie')]).toEqual([mode === 'off', null]);
  });

  test.each(BOTH)('D15, %s: no-transform', async (mode) => {
    const { origin } = await startSource({ 'cache-control': 'max-age=60, no-transform' });
    const rig = await startRig({ originCacheControl: mode === 'on' });
    const bytes = Buffer.from(await (await rig.get(url(origin))).arrayBuffer());
    expect(bytes.equals(cat)).toBe(mode === 'on');
  });

  test.each(BOTH)('D16, D20, %s: what clients get to see', async (mode) => {
    const { origin } = await startSource({
      'cache-control': 'max-age=9, immutable',
      'cdn-cache-control': 'max-age=20',
      'tintype-cdn-cache-control': 'max-age=30',
    });
    const rig = await startRig({ originCacheControl: mode === 'on' });
    const first = await rig.get(url(origin));
    expect(first.headers.get('cache-control')).toBe(mode === 'on' ? 'max-age=9, immutable' : 'max-age=9');
    expect(first.headers.get('cdn-cache-control')).toBe('max-age=20');
    expect(first.headers.get('tintype-cdn-cache-control')).toBeNull();
    await rig.stored(1);
    rig.advance(15);
    expect(outcome(await rig.get(url(origin)))).toContain(mode === 'on' ? 'hit' : ASKED);
  });

  test.each([
    ['A3: an edge TTL wins', { edgeTtl: 600 }, 's-maxage=9', 500, 'hit'],
    ['A3: a status TTL wins', { statusTtl: '200=600' }, 'no-store', 500, 'hit'],
    ['IK2: nothing is fresh for longer than 180 days', {}, 'max-age=31536000', 15_552_001, ASKED],
    ['IK5: what says nothing gets the default', { ttl: 600 }, '', 500, 'hit'],
    ['a least lifetime', { minTtl: 600 }, 'max-age=1', 500, 'hit'],
  ])('%s', async (_name, settings, control, later, expected) => {
    const { origin } = await startSource(control === '' ? {} : { 'cache-control': control });
    const rig = await startRig(settings);
    await rig.get(url(origin));
    await rig.stored(1);
    rig.advance(later);
    expect(outcome(await rig.get(url(origin)))).toContain(expected);
  });

  test('A3: a browser TTL lengthens and never shortens; IK8, IK9: Age and Expires count', async () => {
    const { origin, state } = await startSource({ 'cache-control': 'max-age=9' });
    const rig = await startRig({ browserTtl: 60 });
    expect((await rig.get(url(origin))).headers.get('cache-control')).toBe('max-age=60');
    state.headers = { 'cache-control': 'max-age=600', age: '100' };
    const aged = await rig.get(url(origin, 'w:20', 'b.png'));
    expect([aged.headers.get('cache-control'), aged.headers.get('age')]).toEqual([
      'max-age=600',
      expect.stringMatching(/^10\d$/),
    ]);
    const now = Date.now();
    state.headers = { date: new Date(now).toUTCString(), expires: new Date(now + 100_000).toUTCString() };
    expect((await rig.get(url(origin, 'w:20', 'c.png'))).headers.get('cache-control')).toBe('public, max-age=100');
  });

  test("C1: a client's Authorization is not the source's, and its answer may be kept", async () => {
    const { origin } = await startSource({ 'cache-control': 'max-age=60' });
    const rig = await startRig();
    const first = await rig.get(url(origin), { headers: { authorization: 'Basic YTpi' } });
    expect([outcome(first), origin.requests[0]?.headers.authorization]).toEqual([
      'Tintype; fwd=uri-miss; stored',
      undefined,
    ]);
  });
});

test('what must not be shared is fetched for each, and nobody waits for another', async () => {
  const { origin } = await startSource({ 'cache-control': 'private' });
  const rig = await startRig();
  const answers = await Promise.all(Array.from({ length: 8 }, () => rig.get(url(origin))));
  expect(answers.map(({ status }) => status)).toEqual(Array(8).fill(200));
  expect(origin.requests).toHaveLength(8);
});

test('only-if-cached asks nobody', async () => {
  const { origin } = await startSource({ 'cache-control': 'max-age=60' });
  const rig = await startRig();
  const ask = () => rig.get(url(origin), { headers: { 'cache-control': 'only-if-cached' } });
  expect((await ask()).status).toBe(504);
  await rig.get(url(origin));
  await rig.stored(1);
  expect((await ask()).status).toBe(200);
  expect(origin.requests).toHaveLength(1);
});
