import { get, type IncomingMessage, type ServerResponse } from 'node:http';
import { gzipSync } from 'node:zlib';
import type { EndpointDefinition } from '@tintype/core';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { directives } from '../../packages/http-cache/src/cloudflare.fixture.ts';
import { CLOUDFLARE_DEFAULT_TTL } from '../../packages/http-cache/src/policy.ts';
import { EndpointRig, Origin } from './endpoint-rig.ts';
import { temporaryFolder } from './rig.ts';

// The ids are those of the rows of Cloudflare's Origin Cache Control and of the statements about ImageKit's
// caches. What the pure rules decide is tested beside them; here a real origin, asked over HTTP, sees it.

/** What the origin says under a path, until it fails. */
const scripts = new Map<string, { readonly status?: number; readonly fields: Readonly<Record<string, string>> }>();
let failing = false;

function answer(request: IncomingMessage, response: ServerResponse): void {
  const script = scripts.get(request.url ?? '');
  if (failing) response.writeHead(503).end('failing');
  else if (script === undefined) response.writeHead(404).end();
  else if (request.headers['if-none-match'] === '"v1"')
    response.writeHead(304, { ...script.fields, ETag: '"v1"' }).end();
  else
    response
      .writeHead(script.status ?? 200, { ETag: '"v1"', 'X-A': '1', 'Content-Type': 'image/png', ...script.fields })
      .end('whole');
}

let origin: Origin;
let paths = 0;

/** A path of its own, below an endpoint, that is answered so. */
function says(endpoint: string, fields: Readonly<Record<string, string>>, status = 200): string {
  paths += 1;
  scripts.set(`/${paths}`, { status, fields });
  return `${endpoint}/${paths}`;
}

beforeAll(async () => {
  origin = await Origin.start(answer);
});
afterAll(() => origin[Symbol.asyncDispose]());

/** Starts a proxy for the tests of a block, with endpoints before the one origin. */
function withEndpoints(endpoints: () => readonly Omit<EndpointDefinition, 'origins'>[]): () => EndpointRig {
  let rig: EndpointRig;
  beforeAll(async () => {
    rig = await EndpointRig.start(endpoints().map((endpoint) => ({ ...endpoint, origins: [origin.base] })));
  });
  afterAll(() => rig[Symbol.asyncDispose]());
  return () => rig;
}

const cloudflare = {
  vary: ['accept', 'accept-encoding'],
  defaultTtl: CLOUDFLARE_DEFAULT_TTL,
  staleIfError: 3600,
};

/** What becomes of a response, in the words of the table, as seen from outside. */
async function outcome(rig: EndpointRig, path: string): Promise<string> {
  const first = await rig.ask(path);
  const refused = /stored=\?0; ?detail=([\w-]+)/.exec(first.headers['cache-status'] ?? '')?.[1];
  if (refused !== undefined) {
    // It is asked for again, and in full.
    expect((await rig.ask(path)).headers['cache-status']).not.toContain('hit');
    expect(origin.requests.at(-1)?.headers['if-none-match']).toBeUndefined();
    return `not stored (${refused})`;
  }
  await rig.stored(rig.events.filter(({ type }) => type === 'stored').length || 1);
  const { 'cache-status': second = '' } = (await rig.ask(path)).headers;
  const ttl = Number(/hit; ?ttl=(\d+)/.exec(second)?.[1] ?? 0);
  const asked = second.includes('fwd-status=304');
  if (!asked) rig.advance(ttl + 3);
  failing = true;
  const later = await rig.ask(path);
  failing = false;
  const stale = later.status === 200 ? 'stale on error' : 'not';
  // Of a lifetime of seconds one may be over already.
  return `${asked ? 'asks' : ttl}, ${stale}`;
}

/** The same words for what the table says. */
function seen(expected: string): string {
  const [lifetime = '', stale = ''] = expected.split(', ');
  if (expected.startsWith('not stored')) return expected;
  const seconds = lifetime === 'asks always' || lifetime === '0 s' ? 'asks' : lifetime.replace(' s', '');
  return `${seconds}, ${stale === 'stale on error' ? stale : 'not'}`;
}

describe.each(['off', 'on'] as const)('over HTTP, origin cache control %s', (mode) => {
  const isOn = mode === 'on';
  const rig = withEndpoints(() => [
    { path: '/t', originCacheControl: isOn, ...cloudflare },
    { path: '/edge', originCacheControl: isOn, edgeTtl: 60, staleIfError: 10 },
    { path: '/browser', originCacheControl: isOn, browserTtl: 60, defaultTtl: { '200': 5 } },
    { path: '/status', originCacheControl: isOn, statusTtl: { '200': 5, '400-499': -1, '404': 0 } },
    { path: '/any', originCacheControl: isOn, methods: '*' },
  ]);

  test.each(directives)('%s: Cache-Control: %s', async (_id, response, off, on) => {
    const got = await outcome(rig(), says('/t', { 'Cache-Control': response }));
    const wanted = seen(isOn ? on : off);
    // A second may pass between the answer and the question.
    const wanteds = [wanted, wanted.replace(/^\d+/, (seconds) => String(Number(seconds) - 1))];
    expect(wanteds).toContain(got);
  });

  test('D13: while it is refreshed a stale response is served, and the next one is new', async () => {
    const path = says('/t', { 'Cache-Control': 'max-age=9, stale-while-revalidate=60' });
    await rig().ask(path);
    await rig().ask(path);
    rig().advance(20);
    const before = origin.requests.length;
    expect((await rig().ask(path)).headers['cache-status']).toMatch(/hit; ?ttl=-\d+; ?detail=swr/);
    await expect.poll(() => origin.requests.length).toBe(before + 1);
    await expect.poll(async () => (await rig().ask(path)).headers['cache-status']).toMatch(/hit; ?ttl=\d/);
  });

  test('D15: nothing is changed that says no-transform: what came compressed goes on so, miss or hit', async () => {
    const content = gzipSync('whole');
    await using packed = await Origin.start((request, response) =>
      response
        .writeHead(200, {
          'Cache-Control': 'max-age=9, no-transform',
          'Content-Type': 'image/svg+xml',
          ...(request.url === '/packed' ? { 'Content-Encoding': 'gzip' } : {}),
        })
        .end(request.url === '/packed' ? content : 'whole'),
    );
    await using there = await EndpointRig.start([{ path: '/', originCacheControl: isOn, origins: [packed.base] }]);
    for (const _time of ['miss', 'hit']) {
      const wishes = { headers: { 'accept-encoding': 'gzip, br' } };
      const answer = await there.ask('/packed', wishes);
      expect(answer.headers).toMatchObject({ 'content-encoding': 'gzip', 'cache-control': 'max-age=9, no-transform' });
      expect(Buffer.from(answer.body, 'latin1').equals(content)).toBe(true);
      const plain = await there.ask('/plain', wishes);
      expect([plain.headers['content-encoding'], plain.body]).toEqual([undefined, 'whole']);
    }
  });

  test('D16: clients get to see immutable only with origin cache control', async () => {
    const path = says('/t', { 'Cache-Control': 'max-age=9, immutable' });
    for (const _time of ['miss', 'hit']) {
      expect((await rig().ask(path)).headers['cache-control']).toBe(isOn ? 'max-age=9, immutable' : 'max-age=9');
    }
  });

  test('D17: Vary counts for the fields that the operator names, and * forbids storing', async () => {
    const path = says('/t', { 'Cache-Control': 'max-age=900', Vary: 'Accept-Encoding, User-Agent' });
    await rig().ask(path, { headers: { 'accept-encoding': 'br', 'user-agent': 'a' } });
    const same = await rig().ask(path, { headers: { 'accept-encoding': 'br', 'user-agent': 'b' } });
    expect(same.headers['cache-status']).toContain('hit');
    const other = await rig().ask(path, { headers: { 'accept-encoding': 'gzip', 'user-agent': 'a' } });
    expect(other.headers['cache-status']).toContain('fwd=vary-miss');
    const star = await rig().ask(says('/t', { 'Cache-Control': 'max-age=9', Vary: 'Accept, *' }));
    expect(star.headers['cache-status']).toContain('detail=vary-star');
  });

  test('D18: Expires gives the lifetime', async () => {
    const path = says('/t', { Expires: new Date(rig().now + 900_000).toUTCString() });
    await rig().ask(path);
    expect((await rig().ask(path)).headers['cache-status']).toMatch(/hit; ?ttl=(?:900|89\d)/);
  });

  test.each([
    [200, 7200],
    [301, 7200],
    [302, 1200],
    [303, 1200],
    [404, 180],
    [410, 180],
  ])('D19: a %i that says nothing is fresh for %i s', async (status, seconds) => {
    const path = says('/t', { ETag: '' }, status);
    await rig().ask(path);
    const { 'cache-status': second = '' } = (await rig().ask(path)).headers;
    expect(seconds - Number(/ttl=(\d+)/.exec(second)?.[1])).toBeLessThan(5);
  });

  test('D19: a part (206) that says nothing is fresh for 7200 s', async () => {
    const path = says('/t', { 'Content-Range': 'bytes 0-4/10' }, 206);
    const ask = () => rig().ask(path, { headers: { range: 'bytes=0-4' } });
    expect(await ask()).toMatchObject({ status: 206, body: 'whole' });
    const { status, headers } = await ask();
    expect([status, 7200 - Number(/hit; ?ttl=(\d+)/.exec(headers['cache-status'] ?? '')?.[1]) < 5]).toEqual([
      206,
      true,
    ]);
  });

  test('C3: under an edge TTL Set-Cookie is taken away and the response kept', async () => {
    const path = says('/edge', { 'Cache-Control': 'max-age=9', 'Set-Cookie': 'a=b' });
    await rig().ask(path);
    const { headers } = await rig().ask(path);
    expect([headers['set-cookie'], headers['cache-status']]).toEqual([undefined, expect.stringContaining('hit')]);
  });

  test('D20: CDN-Cache-Control and Tintype-CDN-Cache-Control count only with origin cache control', async () => {
    const generic = { 'CDN-Cache-Control': 'max-age=2000', 'Cache-Control': 'no-store' };
    const own = { ...generic, 'Tintype-CDN-Cache-Control': 'max-age=3000' };
    for (const [fields, seconds] of [
      [generic, 2000],
      [own, 3000],
    ] as const) {
      const path = says('/t', fields);
      const first = await rig().ask(path);
      expect(first.headers['cdn-cache-control']).toBe('max-age=2000');
      const { headers } = await rig().ask(path);
      if (!isOn) expect(headers['cache-status']).toContain('detail=no-store');
      else {
        expect(seconds - Number(/hit; ?ttl=(\d+)/.exec(headers['cache-status'] ?? '')?.[1])).toBeLessThan(5);
        expect(headers['tintype-cdn-cache-control']).toBeUndefined();
        expect(headers['cache-control']).toBe('no-store');
      }
    }
  });

  test.each(['max-age=900', 'max-age=900, public', 'max-age=900, must-revalidate', 's-maxage=900'])(
    'C1: a client sent Authorization, the response says %s',
    async (response) => {
      const path = says('/t', { 'Cache-Control': response });
      await rig().ask(path, { headers: { authorization: 'Basic YTpi' } });
      expect(origin.requests.at(-1)?.headers.authorization).toBe('Basic YTpi');
      const others = (await rig().ask(path)).headers['cache-status'];
      if (isOn && response === 'max-age=900') expect(others).toContain('fwd=uri-miss');
      else expect(others).toContain('hit');
    },
  );

  test('C2: no-cache is stored and then asked about, and says so; or it is not stored', async () => {
    const path = says('/t', { 'Cache-Control': 'no-cache' });
    const first = (await rig().ask(path)).headers['cache-status'];
    if (!isOn) return expect(first).toMatch(/fwd=uri-miss; ?fwd-status=200; ?stored=\?0; ?detail=no-cache/);
    expect(first).toMatch(/fwd=uri-miss; ?fwd-status=200; ?stored$/);
    await expect
      .poll(async () => (await rig().ask(path)).headers['cache-status'])
      .toMatch(/fwd=stale; ?fwd-status=304; ?detail=no-cache/);
  });

  test('C3: Set-Cookie forbids storing and is passed on, or is stripped without origin cache control', async () => {
    const path = says('/t', { 'Cache-Control': 'max-age=900', 'Set-Cookie': 'a=b' });
    expect((await rig().ask(path)).headers['cache-status']).toContain(isOn ? 'detail=set-cookie' : 'stored');
    const second = await rig().ask(path);
    expect(second.headers['set-cookie']).toBe(isOn ? 'a=b' : undefined);
    if (!isOn) expect(second.headers['cache-status']).toContain('hit');
  });

  test.each(['HEAD', 'POST', 'PUT', 'OPTIONS'])('C5: the answer to %s is not stored', async (method) => {
    const path = says('/any', { 'Cache-Control': 'max-age=900' });
    await rig().ask(path, { method });
    expect((await rig().ask(path)).headers['cache-status']).toContain('fwd=uri-miss');
  });

  test('A3: an edge TTL beats what the origin says', async () => {
    for (const response of ['s-maxage=9', 'must-revalidate', 'no-cache', 'no-store', 'private']) {
      const path = says('/edge', { 'Cache-Control': response });
      expect((await rig().ask(path)).headers['cache-control']).toBeDefined();
      const { headers } = await rig().ask(path);
      expect(headers['cache-status']).toMatch(/hit; ?ttl=(?:60|5\d)/);
      expect(headers['cache-control']).toBe(isOn ? response : 'max-age=60');
    }
  });

  test('A3: a status TTL wins over the origin; 0 asks always and -1 does not store', async () => {
    const ok = says('/status', { 'Cache-Control': 'max-age=100' });
    await rig().ask(ok);
    expect((await rig().ask(ok)).headers['cache-status']).toMatch(/hit; ?ttl=[345]/);
    const denied = await rig().ask(says('/status', { 'Cache-Control': 'max-age=100' }, 403));
    expect(denied.headers['cache-status']).toContain('detail=status-ttl');
    const missing = says('/status', { 'Cache-Control': 'max-age=100' }, 404);
    await rig().ask(missing);
    expect((await rig().ask(missing)).headers['cache-status']).toContain('fwd=stale');
  });

  test('A3, C4: a browser TTL lengthens and never shortens', async () => {
    for (const [response, sent] of [
      ['max-age=9', 'max-age=60'],
      ['max-age=900', 'max-age=900'],
    ] as const) {
      const path = says('/browser', { 'Cache-Control': response });
      await rig().ask(path);
      expect((await rig().ask(path)).headers['cache-control']).toBe(sent);
    }
    const secret = await rig().ask(says('/browser', { 'Cache-Control': 'private, max-age=9' }));
    expect(secret.headers['cache-control']).toBe(isOn ? 'private, max-age=60' : 'max-age=60');
  });
});

test.each([
  ...[
    'must-revalidate, max-age=9',
    'proxy-revalidate, max-age=9',
    's-maxage=9',
    's-maxage=0',
    'max-age=7200, s-maxage=9',
  ],
  ...['no-cache', 'max-age=9, no-cache="x-a"'],
])('A4: over HTTP, %s forbids what is stale, whatever windows stand beside it', async (control) => {
  await using rig = await EndpointRig.start([{ path: '/t', origins: [origin.base], ...cloudflare }]);
  const path = says('/t', { 'Cache-Control': `${control}, stale-while-revalidate=600, stale-if-error=600` });
  await rig.ask(path);
  await rig.stored(1);
  rig.advance(12);
  expect((await rig.ask(path)).headers['cache-status']).toMatch(/fwd=stale; ?fwd-status=304/);
  rig.advance(12);
  failing = true;
  const { status } = await rig.ask(path);
  failing = false;
  expect(status).toBe(503);
});

test.each<readonly [string, Readonly<Record<string, string>>, Partial<EndpointDefinition>, swr: boolean]>([
  ['max-age', { 'Cache-Control': 'max-age=9' }, {}, true],
  ['max-age=0', { 'Cache-Control': 'max-age=0' }, {}, true],
  ['Expires', {}, {}, true],
  ['no-cache that names a field that is not there', { 'Cache-Control': 'max-age=9, no-cache="x-b"' }, {}, true],
  ['an edge TTL', { 'Cache-Control': 's-maxage=9, must-revalidate' }, { edgeTtl: 9 }, true],
  ['s-maxage where the operator says so', { 'Cache-Control': 's-maxage=9' }, { sMaxageAllowsStale: true }, true],
  [
    'max-age, but nothing meanwhile where that is off',
    { 'Cache-Control': 'max-age=9' },
    { staleWhileRevalidate: false },
    false,
  ],
])(
  'A4: over HTTP, what is stale may be used while it is refreshed and after an error: %s',
  async (_what, says_, endpoint, swr) => {
    await using rig = await EndpointRig.start([{ path: '/t', origins: [origin.base], ...endpoint }]);
    const windows = 'stale-while-revalidate=60, stale-if-error=600';
    const { 'Cache-Control': said } = says_;
    const expires = said === undefined ? { Expires: new Date(rig.now + 9_000).toUTCString() } : {};
    const path = says('/t', { ...expires, 'Cache-Control': said === undefined ? windows : `${said}, ${windows}` });
    await rig.ask(path);
    await rig.stored(1);
    rig.advance(30);
    const meanwhile = (await rig.ask(path)).headers['cache-status'];
    if (swr) expect(meanwhile).toMatch(/hit; ?ttl=-\d+; ?detail=swr/);
    else expect(meanwhile).toMatch(/fwd=stale; ?fwd-status=304/);
    // Beyond the one window, within the other; counted from the end of whichever lifetime it has by now.
    rig.advance(200);
    failing = true;
    const later = await rig.ask(path).finally(() => {
      failing = false;
    });
    expect(later).toMatchObject({ status: 200, body: 'whole' });
    expect(later.headers['cache-status']).toMatch(/hit; ?ttl=-\d+; ?detail=sie/);
  },
);

test('A5: over HTTP, each word is said at its time', async () => {
  await using rig = await EndpointRig.start([
    { path: '/t', origins: [origin.base] },
    { path: '/none', origins: [origin.base], cache: false },
  ]);
  const path = says('/t', { 'Cache-Control': 'max-age=100, stale-while-revalidate=100, stale-if-error=600' });
  const said = async (asked = path) =>
    (await rig.ask(asked)).headers['cache-status']?.replace(/ttl=-?\d+/, 'ttl').replaceAll('; ', ';');
  expect(await said()).toBe('Tintype;fwd=uri-miss;fwd-status=200;stored');
  await rig.stored(1);
  expect(await said()).toBe('Tintype;hit;ttl');
  rig.advance(300);
  expect(await said()).toBe('Tintype;fwd=stale;fwd-status=304');
  await expect.poll(() => said()).toBe('Tintype;hit;ttl');
  rig.advance(150);
  expect(await said()).toBe('Tintype;hit;ttl;detail=swr');
  await expect.poll(() => said()).toBe('Tintype;hit;ttl');
  rig.advance(300);
  failing = true;
  expect(await said()).toBe('Tintype;hit;ttl;detail=sie');
  failing = false;
  expect(await said(says('/none', {}))).toBe('Tintype;fwd=bypass;fwd-status=200');
});

test('C6: over HTTP, what an origin has begun to send is fetched to its end and kept, though the client has left', async () => {
  const more = Promise.withResolvers<void>();
  await using slow = await Origin.start(async (_request, response) => {
    response.writeHead(200, { 'Cache-Control': 'max-age=600' }).write('first, ');
    await more.promise;
    response.end('then the rest');
  });
  await using rig = await EndpointRig.start([{ path: '/', origins: [slow.base] }]);
  await new Promise<void>((resolve) => {
    get({ host: '127.0.0.1', port: rig.port, path: '/', agent: false }, (response) => {
      response.once('data', () => response.destroy());
      response.on('error', () => undefined);
      response.once('close', resolve);
    });
  });
  more.resolve();
  await rig.stored(1);
  expect(await rig.ask('/')).toMatchObject({ body: 'first, then the rest' });
  expect(slow.requests).toHaveLength(1);
});

describe('over HTTP, ImageKit', () => {
  const rig = withEndpoints(() => [
    { path: '/on' },
    { path: '/off', originCacheControl: false, edgeTtl: 86_400 },
    { path: '/default', defaultTtl: { '200': 31_536_000 }, maxTtl: 31_536_000 },
    { path: '/compat', ignoreAge: true, ignoreExpires: true },
  ]);
  const ttl = async (path: string): Promise<number> => {
    await rig().ask(path);
    return Number(/hit; ?ttl=(\d+)/.exec((await rig().ask(path)).headers['cache-status'] ?? '')?.[1] ?? Number.NaN);
  };

  test('IK2: nothing is fresh for longer than 180 days', async () => {
    expect(15_552_000 - (await ttl(says('/on', { 'Cache-Control': 'max-age=31536000' })))).toBeLessThan(5);
  });

  test('IK3, IK6: one endpoint obeys the origin, another one before the same origin uses its own lifetime', async () => {
    const path = says('', { 'Cache-Control': 'max-age=600' });
    expect(600 - (await ttl(`/on${path}`))).toBeLessThan(5);
    expect(86_400 - (await ttl(`/off${path}`))).toBeLessThan(5);
  });

  test('IK5: an image that says nothing gets the default lifetime; a page does not', async () => {
    expect(31_536_000 - (await ttl(says('/default', {})))).toBeLessThan(5);
    const page = says('/default', { 'Content-Type': 'text/html' });
    await rig().ask(page);
    expect((await rig().ask(page)).headers['cache-status']).toContain('fwd-status=304');
  });

  test('IK8: Age counts, unless the operator wants lifetimes from receipt', async () => {
    const fields = { 'Cache-Control': 'max-age=600', Age: '200' };
    expect(400 - (await ttl(says('/on', fields)))).toBeLessThan(5);
    expect(600 - (await ttl(says('/compat', fields)))).toBeLessThan(5);
  });

  test('IK9: Expires counts, unless the operator wants it ignored', async () => {
    const fields = { Expires: new Date(rig().now + 600_000).toUTCString() };
    expect(600 - (await ttl(says('/on', fields)))).toBeLessThan(5);
    expect(await ttl(says('/compat', fields))).toBeNaN();
  });

  test('IK1: what the nearer cache has lost comes from the next one, and the origin is not asked', async () => {
    const settings = { cacheTiers: 'memory,fs', cacheFsRoot: await temporaryFolder() };
    const path = says('/t', { 'Cache-Control': 'max-age=600' });
    const endpoints = [{ path: '/t', origins: [origin.base] }];
    const before = await EndpointRig.start(endpoints, settings);
    await before.ask(path);
    await before.stored(1);
    await before[Symbol.asyncDispose]();
    const asked = origin.requests.length;
    await using after = await EndpointRig.start(endpoints, settings);
    expect((await after.ask(path)).headers['cache-status']).toContain('hit');
    expect(origin.requests.length).toBe(asked);
  });

  test('IK18: what the first origin has not is asked of the next, however long the first says to remember that', async () => {
    await using first = await Origin.start((_request, response) =>
      response.writeHead(404, { 'Cache-Control': 'max-age=600' }).end(),
    );
    await using chain = await EndpointRig.start([{ path: '/t', origins: [first.base, origin.base] }]);
    const path = says('/t', { 'Cache-Control': 'max-age=60' });
    expect(await chain.ask(path)).toMatchObject({ status: 200, body: 'whole' });
    await chain.stored(1);
    expect((await chain.ask(path)).headers['cache-status']).toContain('hit');
    chain.advance(61);
    expect(await chain.ask(path)).toMatchObject({ status: 200, body: 'whole' });
    expect((await chain.ask('/t/nowhere')).status).toBe(404);
  });
});
