import type { IncomingMessage, ServerResponse } from 'node:http';
import type { EndpointDefinition } from '@tintype/core';
import { describe, expect, test } from 'vitest';
import { EndpointRig, Origin } from './endpoint-rig.ts';
import { cat } from './source-rig.ts';

// The ids are those of `table-rows.ts`: endpoints whose paths are image URLs.

/** An origin that has one photograph, and a proxy with endpoints before it. */
async function before(
  fields: Readonly<Record<string, string>>,
  endpoints: readonly Partial<EndpointDefinition>[],
  settings: Readonly<Record<string, unknown>> = {},
) {
  const origin = await Origin.start((request: IncomingMessage, response: ServerResponse) => {
    if (request.url !== '/cat.png') return void response.writeHead(404).end();
    if (request.headers['if-none-match'] === '"v1"') return void response.writeHead(304, fields).end();
    response.writeHead(200, { ETag: '"v1"', 'Content-Type': 'image/png', ...fields }).end(cat);
  });
  const rig = await EndpointRig.start(
    endpoints.map((endpoint) => ({ path: '/', origins: [origin.base], dialect: 'imgproxy-url', ...endpoint })),
    settings,
  );
  return {
    origin,
    rig,
    async [Symbol.asyncDispose]() {
      await rig[Symbol.asyncDispose]();
      await origin[Symbol.asyncDispose]();
    },
  };
}

const thumbnail = (endpoint = '', options = 'w:20') => `${endpoint}/_/${options}/plain/cat.png`;
const ttlOf = (status = '') => Number(/hit; ?ttl=(-?\d+)/.exec(status)?.[1] ?? Number.NaN);

describe('images of endpoints, over HTTP', () => {
  test.each(['on', 'off'] as const)('D15: no-transform, origin cache control %s', async (mode) => {
    await using there = await before({ 'Cache-Control': 'max-age=60, no-transform' }, [
      { originCacheControl: mode === 'on' },
    ]);
    for (const _time of ['miss', 'hit']) {
      const { body } = await there.rig.ask(thumbnail());
      expect(Buffer.from(body, 'latin1').equals(cat)).toBe(mode === 'on');
    }
  });

  test('IK3: one endpoint obeys the origin, another one before the same origin uses its own lifetime', async () => {
    await using there = await before({ 'Cache-Control': 'max-age=600' }, [
      { path: '/on' },
      { path: '/off', originCacheControl: false, edgeTtl: 86_400 },
    ]);
    for (const endpoint of ['/on', '/off']) await there.rig.ask(thumbnail(endpoint));
    await there.rig.stored(2);
    const ttl = async (endpoint: string) => ttlOf((await there.rig.ask(thumbnail(endpoint))).headers['cache-status']);
    expect(600 - (await ttl('/on'))).toBeLessThan(60);
    expect(86_400 - (await ttl('/off'))).toBeLessThan(60);
  });

  test('IK4, IK12: variants expire with their source, and clients see its Cache-Control and Age', async () => {
    await using there = await before({ 'Cache-Control': 'max-age=600', Age: '200' }, [{}]);
    const both = ['w:20', 'w:30'].map((options) => thumbnail('', options));
    for (const path of both) await there.rig.ask(path);
    await there.rig.stored(2);
    for (const path of both) {
      const { headers } = await there.rig.ask(path);
      expect(headers).toMatchObject({ 'cache-control': 'max-age=600', age: expect.stringMatching(/^2\d\d$/) });
      const ttl = ttlOf(headers['cache-status']);
      expect([ttl <= 400, ttl > 340]).toEqual([true, true]);
    }
    there.rig.advance(401);
    for (const path of both) expect((await there.rig.ask(path)).headers['cache-status']).toContain('fwd-status=304');
  });

  test('IK11: two variants of a source fetch it once where copies are kept, and twice where they are not', async () => {
    for (const [sourcesUse, times] of [
      ['memory', 1],
      ['', 2],
    ] as const) {
      const control = { 'Cache-Control': 'max-age=600' };
      await using there = await before(control, [{ path: '/a' }, { path: '/none', cache: false }], { sourcesUse });
      for (const options of ['w:20', 'w:30']) expect((await there.rig.ask(thumbnail('/a', options))).status).toBe(200);
      expect(there.origin.requests).toHaveLength(times);
      // The copy is asked about by the tag of its own.
      there.rig.advance(601);
      expect((await there.rig.ask(thumbnail('/a', 'w:40'))).status).toBe(200);
      expect(there.origin.requests.at(-1)?.headers['if-none-match']).toBe(sourcesUse === '' ? undefined : '"v1"');
      // An endpoint that keeps nothing keeps no copies either.
      for (const options of ['w:20', 'w:30']) await there.rig.ask(thumbnail('/none', options));
      expect(there.origin.requests).toHaveLength(times + 3);
    }
  });

  test('IK18: an image that the first origin has not comes from the next, and what none has is 404', async () => {
    await using empty = await Origin.start((_request, response) =>
      response.writeHead(404, { 'Cache-Control': 'max-age=600' }).end(),
    );
    await using there = await before({ 'Cache-Control': 'max-age=60' }, []);
    await using rig = await EndpointRig.start([
      { path: '/', origins: [empty.base, there.origin.base], dialect: 'imgproxy-url' },
    ]);
    expect((await rig.ask(thumbnail())).status).toBe(200);
    await rig.stored(1);
    rig.advance(61);
    expect((await rig.ask(thumbnail())).headers['cache-status']).toContain('fwd-status=304');
    // Another variant, while the first origin still says that it has nothing.
    expect((await rig.ask(thumbnail('', 'w:30'))).status).toBe(200);
    expect((await rig.ask('/_/w:20/plain/dog.png')).status).toBe(404);
  });
});
