import { createReadStream } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import sharp from 'sharp';
import { describe, expect, test } from 'vitest';
import { PHOTOS, plain, startProxy, startWebOrigin, temporaryFolder } from './rig.ts';

const path = '/unsafe/rs:fit:200:200/plain/local:///chelsea.png@webp';

describe.each(['memory', 'fs'])('with the cache in %s', (storage) => {
  const settings = async () => ({
    cacheUse: storage,
    ...(storage === 'fs' ? { cacheFsRoot: await temporaryFolder() } : {}),
  });

  test('a photograph becomes a thumbnail once, and is a hit from then on', async () => {
    const rig = await startProxy(await settings());
    const first = await rig.get(path);
    expect(first.status).toBe(200);
    expect(Object.fromEntries(first.headers)).toMatchObject({
      'content-type': 'image/webp',
      'cache-status': 'Tintype; fwd=uri-miss; stored',
      'cache-control': 'public, max-age=31536000',
      'content-disposition': 'inline; filename=chelsea.webp',
      'x-content-type-options': 'nosniff',
      'content-security-policy': expect.stringContaining('sandbox'),
      etag: expect.stringMatching(/^"[\w-]{27}"$/),
    });
    const bytes = Buffer.from(await first.arrayBuffer());
    expect(await sharp(bytes).metadata()).toMatchObject({ format: 'webp', width: 200, height: 133 });
    await rig.stored(1);

    rig.advance(10);
    const second = await rig.get(path);
    expect(second.headers.get('cache-status')).toMatch(/^Tintype; hit; ttl=15551\d\d\d$/);
    expect(second.headers.get('age')).toBe('10');
    expect(second.headers.get('content-type')).toBe('image/webp');
    expect(second.headers.get('etag')).toBe(first.headers.get('etag'));
    expect(Buffer.from(await second.arrayBuffer()).equals(bytes)).toBe(true);
    expect(rig.count('fetched')).toBe(1);
    expect(rig.count('transformed')).toBe(1);
  });

  test('two spellings of one wish share an entry', async () => {
    const rig = await startProxy(await settings());
    await rig.get('/unsafe/resize:fit:200:200/plain/local:///chelsea.png@webp');
    await rig.stored(1);
    const source = Buffer.from('local:///chelsea.png').toString('base64url');
    for (const spelling of [
      `/_/h:200/w:200/${source}.webp`,
      '/x/size:200:200/rt:fit/f:webp/plain/local:///chelsea.png',
    ]) {
      expect((await rig.get(spelling)).headers.get('cache-status')).toContain('hit');
    }
  });

  test('after its lifetime its source is asked; while that is the same nothing is made', async () => {
    const rig = await startProxy({ ...(await settings()), ttl: 60 });
    await rig.get(path);
    await rig.stored(1);
    rig.advance(59.5);
    expect((await rig.get(path)).headers.get('cache-status')).toBe('Tintype; hit; ttl=0');
    rig.advance(2);
    expect((await rig.get(path)).headers.get('cache-status')).toBe('Tintype; fwd=stale; fwd-status=304; stored');
    expect(rig.count('transformed')).toBe(1);
  });

  test('whoever has it already gets 304, from a miss and from a hit', async () => {
    const rig = await startProxy(await settings());
    const etag = (await rig.get(path)).headers.get('etag') ?? '';
    await rig.stored(1);
    for (const field of [etag, `W/${etag}`, `"other", ${etag}`, '*']) {
      const answer = await rig.get(path, { headers: { 'if-none-match': field } });
      expect(answer.status).toBe(304);
      expect(answer.headers.get('etag')).toBe(etag);
      expect(await answer.text()).toBe('');
    }
    expect((await rig.get(path, { headers: { 'if-none-match': '"other"' } })).status).toBe(200);
  });

  test('HEAD is GET without the body', async () => {
    const rig = await startProxy(await settings());
    for (const outcome of ['fwd=uri-miss', 'hit']) {
      const head = await rig.get(path, { method: 'HEAD' });
      expect(head.status).toBe(200);
      expect(Number(head.headers.get('content-length'))).toBeGreaterThan(1_000);
      expect(head.headers.get('cache-status')).toContain(outcome);
      await rig.stored(1);
    }
  });

  test('200 requests for one cold URL are one fetch and one transform; a slow client slows nobody', async () => {
    const rig = await startProxy({ ...(await settings()), allowLoopbackSourceAddresses: true });
    const photo = join(PHOTOS, 'hubble_deep_field.jpg');
    const gate = Promise.withResolvers<void>();
    const origin = await startWebOrigin(async (_request, response) => {
      await gate.promise;
      createReadStream(photo).pipe(response);
    });
    const url = `/unsafe/w:800/${plain(`${origin.base}/hubble.jpg`)}`;
    const slow = await import('node:http').then(
      ({ get }) =>
        new Promise<void>((resolve) => {
          // Asks, and never reads a byte of the answer.
          const request = get(rig.base + url, (response) => {
            response.pause();
            resolve();
          });
          request.on('socket', (socket) => socket.once('connect', () => setImmediate(gate.resolve)));
        }),
    );
    const answers = await Promise.all(
      Array.from({ length: 200 }, async () => Buffer.from(await (await rig.get(url)).arrayBuffer())),
    );
    await slow;
    expect(origin.requests).toHaveLength(1);
    expect(rig.count('transformed')).toBe(1);
    const [first = Buffer.alloc(0)] = answers;
    expect(first.length).toBeGreaterThan(10_000);
    expect(answers.every((answer) => answer.equals(first))).toBe(true);
  });

  test('raw is the source itself, byte for byte, and is cached too', async () => {
    const rig = await startProxy({ ...(await settings()), allowLoopbackSourceAddresses: true });
    const photo = await readFile(join(PHOTOS, 'rocket.jpg'));
    const origin = await startWebOrigin((_request, response) => {
      response.writeHead(200, { 'content-type': 'image/jpeg', 'content-length': photo.length, etag: '"origin"' });
      response.end(photo);
    });
    const url = `/unsafe/raw:1/${plain(`${origin.base}/rocket.jpg`)}`;
    for (const outcome of ['fwd=uri-miss', 'hit']) {
      const answer = await rig.get(url);
      expect(answer.headers.get('cache-status')).toContain(outcome);
      expect(answer.headers.get('content-type')).toBe('image/jpeg');
      expect(answer.headers.get('etag')).toBe('"origin"');
      expect(Buffer.from(await answer.arrayBuffer()).equals(photo)).toBe(true);
      await rig.stored(1);
    }
    expect(origin.requests).toHaveLength(1);
    expect(rig.count('transformed')).toBe(0);
  });
});

test('without a cache every request is made, and says so; those at the same moment share', async () => {
  const rig = await startProxy({});
  const together = await Promise.all([rig.get(path), rig.get(path)]);
  expect(together.map((answer) => answer.headers.get('cache-status'))).toEqual(Array(2).fill('Tintype; fwd=bypass'));
  expect(rig.count('transformed')).toBe(1);
  await rig.get(path);
  expect(rig.count('transformed')).toBe(2);
});

test('with no lifetime nothing is stored, and nobody is told that it was', async () => {
  const rig = await startProxy({ cacheUse: 'memory', ttl: 0 });
  const answer = await rig.get(path);
  expect(answer.headers.get('cache-status')).toBe('Tintype; fwd=uri-miss');
  expect(answer.headers.get('cache-control')).toBe('no-cache');
  expect(await Array.fromAsync(rig.proxy.storage?.list('') ?? [])).toEqual([]);
});

test('a hit survives a restart', async () => {
  const settings = { cacheUse: 'fs', cacheFsRoot: await temporaryFolder() };
  const before = await startProxy(settings);
  await before.get(path);
  await before.stop();
  const after = await startProxy(settings);
  expect((await after.get(path)).headers.get('cache-status')).toContain('hit');
  expect(after.count('fetched')).toBe(0);
});

test('tiers fill the nearest one', async () => {
  const root = await temporaryFolder();
  const rig = await startProxy({ cacheTiers: 'memory,fs', cacheFsRoot: root, cachePathPrefix: 'Team/A' });
  await rig.get(path);
  await rig.stored(1);
  expect((await rig.get(path)).headers.get('cache-status')).toContain('hit');
  await rig.stop();
  const far = await startProxy({ cacheUse: 'fs', cacheFsRoot: root, cachePathPrefix: 'Team/A' });
  expect((await far.get(path)).headers.get('cache-status')).toContain('hit');
  const other = await startProxy({ cacheUse: 'fs', cacheFsRoot: root, cachePathPrefix: 'Team/B' });
  expect((await other.get(path)).headers.get('cache-status')).toContain('uri-miss');
});

test('headers and cookies that are part of the key keep answers apart, and Vary names them', async () => {
  const rig = await startProxy({ cacheUse: 'memory', cacheKeyHeaders: 'X-Tenant', cacheKeyCookies: 'session' });
  const ask = (tenant: string, cookie: string) => rig.get(path, { headers: { 'x-tenant': tenant, cookie } });
  expect((await ask('a', 'session=1')).headers.get('vary')).toBe('x-tenant, cookie');
  await rig.stored(1);
  const outcomes = [await ask('a', 'other=9; session=1'), await ask('b', 'session=1'), await ask('a', 'session=2')];
  expect(outcomes.map((answer) => answer.headers.get('cache-status')?.includes('hit'))).toEqual([true, false, false]);
});
