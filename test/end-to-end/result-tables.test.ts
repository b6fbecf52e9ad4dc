import { get } from 'node:http';
import { describe, expect, test } from 'vitest';
import { EndpointRig } from './endpoint-rig.ts';
import { temporaryFolder } from './rig.ts';
import { cat, outcome, rocket, startRig, startSource, ttlOf, url } from './source-rig.ts';

// The ids are those of `table-rows.ts`: what a client of an image sees of each row, in the cache of results.

describe.each(['on', 'off'] as const)('images, origin cache control %s', (mode) => {
  const isOn = mode === 'on';
  const start = (settings: Record<string, unknown> = {}) => startRig({ originCacheControl: isOn, ...settings });

  test('D13: within stale-while-revalidate nobody waits, and the next one is new; after it somebody does', async () => {
    const { origin } = await startSource({ 'cache-control': 'max-age=9, stale-while-revalidate=60' });
    const rig = await start();
    await rig.get(url(origin));
    await rig.stored(1);
    rig.advance(20);
    expect(outcome(await rig.get(url(origin)))).toMatch(/^Tintype; hit; ttl=-\d+; detail=swr$/);
    await expect.poll(async () => ttlOf(await rig.get(url(origin)))).toBeGreaterThanOrEqual(0);
    expect(origin.requests).toHaveLength(2);
    rig.advance(9 + 61);
    expect(outcome(await rig.get(url(origin)))).toContain('fwd=stale; fwd-status=304');
  });

  test('D17: a source hears nothing of a client that it could vary by, and * forbids storing', async () => {
    const { origin, state } = await startSource({
      'cache-control': 'max-age=900',
      vary: 'Accept-Language, User-Agent',
    });
    const rig = await start();
    const ask = (language: string, name?: string) =>
      rig.get(url(origin, 'w:20', name), { headers: { 'accept-language': language, 'user-agent': language } });
    expect((await ask('de')).headers.get('vary')).toBeNull();
    await rig.stored(1);
    expect(outcome(await ask('fr'))).toContain('hit');
    expect(origin.requests[0]?.headers).not.toHaveProperty('accept-language');
    expect(origin.requests[0]?.headers['user-agent']).not.toBe('de');
    state.headers.vary = 'Accept, *';
    for (const _time of [1, 2])
      expect(outcome(await ask('de', 'b.png'))).toBe('Tintype; fwd=uri-miss; detail=vary-star');
  });

  test('D18: Expires gives the lifetime, and max-age beats it', async () => {
    const { origin, state } = await startSource();
    const rig = await start();
    const inMinutes = (minutes: number) => new Date(Date.now() + minutes * 60_000).toUTCString();
    state.headers.expires = inMinutes(15);
    await rig.get(url(origin));
    state.headers['cache-control'] = 'max-age=60';
    await rig.get(url(origin, 'w:20', 'b.png'));
    await rig.stored(2);
    expect(ttlOf(await rig.get(url(origin)))).toBeGreaterThan(800);
    expect(ttlOf(await rig.get(url(origin, 'w:20', 'b.png')))).toBeLessThanOrEqual(60);
    rig.advance(1000);
    expect(outcome(await rig.get(url(origin)))).toContain('fwd=stale; fwd-status=304');
  });

  test.each([
    [404, 180],
    [410, 170],
  ])(
    'D19: a %i that says nothing is remembered as long as the operator says, and an image, too',
    async (status, ttl) => {
      const { origin, state } = await startSource();
      const rig = await start({ ttl: 7200, ttlByStatus: '404=180,410=170' });
      await rig.get(url(origin));
      await rig.stored(1);
      expect(7200 - ttlOf(await rig.get(url(origin)))).toBeLessThan(60);
      state.status = status;
      for (const _time of [1, 2]) expect((await rig.get(url(origin, 'w:20', 'none.png'))).status).toBe(status);
      rig.advance(ttl - 60);
      expect(outcome(await rig.get(url(origin, 'w:20', 'none.png')))).toContain('detail=negative');
      rig.advance(61);
      await rig.get(url(origin, 'w:20', 'none.png'));
      expect(origin.requests).toHaveLength(3);
    },
  );

  test('C2: no-cache is stored and then asked about, and says so; or it is not stored', async () => {
    const { origin } = await startSource({ 'cache-control': 'no-cache' });
    const rig = await start();
    const first = outcome(await rig.get(url(origin)));
    expect(first).toBe(isOn ? 'Tintype; fwd=uri-miss; stored' : 'Tintype; fwd=uri-miss; detail=no-cache');
    if (!isOn) return;
    await rig.stored(1);
    expect(outcome(await rig.get(url(origin)))).toBe('Tintype; fwd=stale; fwd-status=304; stored; detail=no-cache');
  });

  test('C4: beside a time in browsers clients get to see private only with origin cache control', async () => {
    const { origin } = await startSource({ 'cache-control': 'private, max-age=9' });
    const rig = await start({ browserTtl: 60 });
    const { headers } = await rig.get(url(origin));
    expect(headers.get('cache-control')).toBe(isOn ? 'private, max-age=60' : 'max-age=60');
    expect(headers.get('cache-status')).toBe('Tintype; fwd=uri-miss; detail=private');
  });

  test('C5: HEAD fetches and keeps what GET would, and no other method does anything', async () => {
    const { origin } = await startSource({ 'cache-control': 'max-age=900' });
    const rig = await start();
    expect((await rig.get(url(origin), { method: 'POST', body: 'x' })).status).toBe(405);
    expect(origin.requests).toHaveLength(0);
    await rig.get(url(origin), { method: 'HEAD' });
    await rig.stored(1);
    expect(outcome(await rig.get(url(origin)))).toContain('hit');
    expect(origin.requests.map(({ method }) => method)).toEqual(['GET']);
  });
});

test('A3: a status TTL of 0 asks always, and of -1 does not store', async () => {
  const { origin } = await startSource({ 'cache-control': 'max-age=100' });
  const asks = await startRig({ statusTtl: '200=0' });
  await asks.get(url(origin));
  await asks.stored(1);
  expect(outcome(await asks.get(url(origin)))).toBe('Tintype; fwd=stale; fwd-status=304; stored');
  const keepsNothing = await startRig({ statusTtl: '200=-1' });
  for (const _time of [1, 2]) expect(outcome(await keepsNothing.get(url(origin)))).toContain('fwd=uri-miss');
});

test('A5: each word is said at its time', async () => {
  const { origin, state } = await startSource({
    'cache-control': 'max-age=100, stale-while-revalidate=100, stale-if-error=600',
  });
  const rig = await startRig();
  const said = async () => outcome(await rig.get(url(origin)))?.replace(/ttl=-?\d+/, 'ttl');
  expect(await said()).toBe('Tintype; fwd=uri-miss; stored');
  await rig.stored(1);
  expect(await said()).toBe('Tintype; hit; ttl');
  rig.advance(300);
  expect(await said()).toBe('Tintype; fwd=stale; fwd-status=304; stored');
  await expect.poll(said).toBe('Tintype; hit; ttl');
  rig.advance(300);
  state.headers.etag = '"2"';
  state.body = rocket;
  expect(await said()).toBe('Tintype; fwd=stale; fwd-status=200; stored');
  await rig.stored(2);
  rig.advance(300);
  state.status = 503;
  expect(await said()).toBe('Tintype; hit; ttl; detail=sie');
});

test('C6: what a source has begun to send is fetched to its end and kept, though the client has left', async () => {
  const { origin } = await startSource();
  const more = Promise.withResolvers<void>();
  const begun = Promise.withResolvers<void>();
  origin.answer(async (_request, response) => {
    response.writeHead(200, { 'cache-control': 'max-age=900', 'content-type': 'image/png' });
    response.write(cat.subarray(0, 100), () => begun.resolve());
    await more.promise;
    response.end(cat.subarray(100));
  });
  const rig = await startRig();
  const client = get(rig.base + url(origin)).on('error', () => undefined);
  await begun.promise;
  await expect.poll(() => rig.count('fetched')).toBe(1);
  const closed = new Promise((resolve) => client.once('close', resolve));
  client.destroy();
  await closed;
  more.resolve();
  await rig.stored(1);
  expect(outcome(await rig.get(url(origin)))).toContain('hit');
  expect(origin.requests).toHaveLength(1);
});

describe('images, ImageKit', () => {
  test('IK1: what the nearer cache has lost comes from the next one, and the origin is not asked', async () => {
    const { origin } = await startSource({ 'cache-control': 'max-age=900' });
    const settings = { cacheUse: '', cacheTiers: 'memory,fs', cacheFsRoot: await temporaryFolder() };
    const before = await startRig(settings);
    await before.get(url(origin));
    await before.stored(1);
    await before.stop();
    expect(outcome(await (await startRig(settings)).get(url(origin)))).toContain('hit');
    expect(origin.requests).toHaveLength(1);
  });

  test('IK3, IK6: with origin cache control a web source is obeyed, and without it the own lifetime counts', async () => {
    const { origin } = await startSource({ 'cache-control': 'max-age=600, must-revalidate' });
    for (const [settings, expected] of [
      [{}, 600],
      [{ originCacheControl: false, edgeTtl: 86_400 }, 86_400],
    ] as const) {
      const rig = await startRig(settings);
      await rig.get(url(origin));
      await rig.stored(1);
      expect(expected - ttlOf(await rig.get(url(origin)))).toBeLessThan(60);
    }
  });

  test('IK4: a variant expires with its source, and clients see the same Cache-Control and Age', async () => {
    const { origin } = await startSource({ 'cache-control': 'max-age=600', age: '200' });
    const rig = await startRig();
    for (const options of ['w:20', 'w:30']) await rig.get(url(origin, options));
    await rig.stored(2);
    for (const options of ['w:20', 'w:30']) {
      const answer = await rig.get(url(origin, options));
      expect([answer.headers.get('cache-control'), answer.headers.get('age')]).toEqual([
        'max-age=600',
        expect.stringMatching(/^2\d\d$/),
      ]);
      expect(400 - ttlOf(answer)).toBeLessThan(60);
    }
  });

  test('IK17: a cache of somebody else before it keeps answers for as long as they say, and asks by their tag', async () => {
    const { origin } = await startSource({ 'cache-control': 'max-age=60' });
    const rig = await startRig({ autoWebp: true });
    await using cdn = await EndpointRig.start([{ path: '/', origins: [`${rig.base}/`] }]);
    const ask = (accept: string) => cdn.ask(url(origin), { headers: { accept } });
    const webp = await ask('image/webp,*/*');
    const png = await ask('*/*');
    await cdn.stored(2);
    expect([webp, png].map(({ headers }) => headers['content-type'])).toEqual(['image/webp', 'image/png']);
    const again = await ask('image/webp,*/*');
    expect([again.headers['content-type'], again.headers.etag]).toEqual(['image/webp', webp.headers.etag]);
    expect(again.headers['cache-status']).toMatch(/Tintype; ?hit; ?ttl=\d+$/);
    cdn.advance(61);
    rig.advance(61);
    const later = await ask('image/webp,*/*');
    expect(later).toMatchObject({ status: 200, body: webp.body });
    expect(later.headers['cache-status']).toMatch(/fwd=stale; ?fwd-status=304/);
    // Of the image nothing was made twice.
    expect(rig.count('transformed')).toBe(2);
  });
});
