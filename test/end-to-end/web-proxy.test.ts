import type { RequestListener } from 'node:http';
import type { EndpointDefinition } from '@tintype/core';
import { describe, expect, test } from 'vitest';
import { EndpointRig, Origin } from './endpoint-rig.ts';
import { cat } from './source-rig.ts';

const fresh: RequestListener = (request, response) =>
  void response.writeHead(200, { 'Cache-Control': 'max-age=600', ETag: '"v1"' }).end(`${request.url}`);

const LOOPBACK = { allowLoopbackSourceAddresses: true };

/** An endpoint at `/web` for URLs of one origin, and another origin that is not among them. */
async function before(
  listener: RequestListener,
  more: Partial<EndpointDefinition> = {},
  settings: Readonly<Record<string, unknown>> = LOOPBACK,
) {
  const origin = await Origin.start(listener);
  const stranger = await Origin.start(fresh);
  const rig = await EndpointRig.start([{ path: '/web', webProxy: [origin.base], ...more }], settings);
  return {
    origin,
    stranger,
    rig,
    async [Symbol.asyncDispose]() {
      await rig[Symbol.asyncDispose]();
      await origin[Symbol.asyncDispose]();
      await stranger[Symbol.asyncDispose]();
    },
  };
}

describe('a URL in the path', () => {
  test('is fetched byte for byte and kept; written in another way it is the same', async () => {
    await using there = await before(fresh);
    const url = `${there.origin.base}a%2Fb/c%20d?e=%41&f=https://x/`;
    expect((await there.rig.ask(`/web/${url}`)).body).toBe('/a%2Fb/c%20d?e=%41&f=https://x/');
    await there.rig.stored(1);
    for (const same of [
      `/web/${url}`,
      `/web/${encodeURIComponent(url)}`,
      // Slashes that a server on the way has merged.
      `/web/${url.replace('http://', 'http:/')}`,
    ]) {
      expect((await there.rig.ask(same)).headers['cache-status']).toContain('hit');
    }
    expect(there.origin.requests).toHaveLength(1);
    expect(`http://${there.origin.requests[0]?.headers.host}/`).toBe(there.origin.base);
  });

  test('may name no other server than those that the operator has listed', async () => {
    await using there = await before(fresh);
    const { port } = new URL(there.origin.base);
    for (const url of [
      there.stranger.base,
      encodeURIComponent(there.stranger.base),
      `http://localhost:${port}/`,
      `https://127.0.0.1:${port}/`,
      'http://127.0.0.1/',
    ]) {
      const { status, headers } = await there.rig.ask(`/web/${url}`);
      expect([url, status, headers['cache-control']]).toEqual([url, 403, 'no-store']);
    }
    for (const url of [
      `http://127.0.0.1:${port}@evil.test/`,
      `http://127.0.0.1:${port}.evil.test/`,
      'file:///etc/passwd',
      'a.jpg',
      '',
    ]) {
      expect([url, (await there.rig.ask(`/web/${url}`)).status]).toEqual([url, 400]);
    }
    expect([there.origin.requests.length, there.stranger.requests.length]).toEqual([0, 0]);
    // Another notation of the same server is the same.
    expect((await there.rig.ask(`/web/http://0x7f.1:${port}/a`)).body).toBe('/a');
  });

  test('leads to no address that sources may not be at, whoever listed its name', async () => {
    await using there = await before(fresh, {}, {});
    const { status, body } = await there.rig.ask(`/web/${there.origin.base}a`);
    expect([status, body]).toEqual([403, expect.stringContaining('address')]);
    expect(there.origin.requests).toHaveLength(0);
  });

  test('that redirects is not followed; where it leads is told as the server means it', async () => {
    await using there = await before((_request, response) =>
      response.writeHead(302, { Location: '/b?c', 'Cache-Control': 'max-age=60' }).end(),
    );
    for (const _time of ['miss', 'hit']) {
      const { status, headers } = await there.rig.ask(`/web/${there.origin.base}a`);
      expect([status, headers.location]).toEqual([302, `${there.origin.base}b?c`]);
    }
    expect(there.origin.requests).toHaveLength(1);
  });
});

test('towards the server goes nothing by which it could know or serve one client alone', async () => {
  await using there = await before(fresh);
  await there.rig.ask(`/web/${there.origin.base}a`, {
    headers: { authorization: 'Basic YTpi', cookie: 'a=b', 'x-forwarded-host': 'evil.test', 'accept-language': 'de' },
  });
  const { headers = {} } = there.origin.requests[0] ?? {};
  for (const name of ['authorization', 'cookie', 'x-forwarded-host']) expect(headers).not.toHaveProperty(name);
  expect(headers['accept-language']).toBe('de');
  // So others may have it.
  expect((await there.rig.ask(`/web/${there.origin.base}a`)).headers['cache-status']).toContain('hit');
});

test('no answer runs, sets or claims anything in the name of the proxy', async () => {
  await using there = await before((_request, response) =>
    response
      .writeHead(200, {
        'Content-Type': 'text/html',
        'Cache-Control': 'max-age=600, private="Set-Cookie"',
        'Set-Cookie': ['a=b', 'c=d'],
        'Content-Security-Policy': "default-src * 'unsafe-inline'",
        'X-Content-Type-Options': 'sniff',
        'Clear-Site-Data': '"*"',
        'Service-Worker-Allowed': '/',
        'Strict-Transport-Security': 'max-age=1',
        Refresh: '0; url=https://evil.test/',
        'Access-Control-Allow-Origin': '*',
      })
      .end('<script>alert(1)</script>'),
  );
  for (const _time of [1, 2]) {
    const { status, headers, raw } = await there.rig.ask(`/web/${there.origin.base}page`);
    expect(status).toBe(200);
    expect(raw.filter(([name]) => /^(content-security-policy|x-content-type-options)$/i.test(name))).toEqual([
      ['X-Content-Type-Options', 'nosniff'],
      ['Content-Security-Policy', expect.stringMatching(/default-src 'none'.*sandbox/)],
    ]);
    for (const name of [
      'set-cookie',
      'clear-site-data',
      'service-worker-allowed',
      'strict-transport-security',
      'refresh',
    ])
      expect(headers).not.toHaveProperty(name);
    expect(headers['access-control-allow-origin']).toBe('*');
  }
});

test('with a dialect sources are whole URLs of the same servers', async () => {
  await using there = await before(
    (request, response) =>
      request.url === '/cat.png'
        ? response.writeHead(200, { 'Content-Type': 'image/png', 'Cache-Control': 'max-age=600' }).end(cat)
        : response.writeHead(302, { Location: '/cat.png' }).end(),
    { dialect: 'imgproxy-url' },
  );
  const image = (source: string) => `/web/_/w:20/plain/${encodeURIComponent(source)}`;
  expect((await there.rig.ask(image(`${there.origin.base}cat.png`))).status).toBe(200);
  await there.rig.stored(1);
  expect((await there.rig.ask(image(`${there.origin.base}cat.png`))).headers['cache-status']).toContain('hit');
  expect((await there.rig.ask(image(`${there.stranger.base}cat.png`))).status).toBe(403);
  expect((await there.rig.ask(image('local:///rocket.jpg'))).status).toBe(403);
  expect((await there.rig.ask(image(`${there.origin.base.slice(0, -1)}@evil.test/cat.png`))).status).toBe(403);
  expect((await there.rig.ask(image(`${there.origin.base}elsewhere`))).status).toBe(502);
  expect(there.origin.requests).toHaveLength(2);
  expect(there.stranger.requests).toHaveLength(0);
});

test('the servers must be named, and nothing stands beside them that would be theirs alone', async () => {
  const wrong: unknown = [
    { path: '/a', webProxy: [] },
    { path: '/b' },
    { path: '/c', webProxy: ['https://a.test/folder/', 's3://bucket', '*'] },
    { path: '/d', webProxy: ['https://a.test'], origins: ['https://b.test'], methods: '*', cookies: ['a'] },
  ];
  const failure = await EndpointRig.start(wrong as EndpointDefinition[]).then(
    () => '',
    (error: Error) => error.message,
  );
  for (const part of [
    'endpoints[0].webProxy in createProxy is empty',
    'endpoints[1].origins in createProxy is missing',
    'endpoints[2].webProxy[0] in createProxy is no server of the web',
    'endpoints[2].webProxy[1] in createProxy is no server of the web',
    'endpoints[2].webProxy[2] in createProxy is no absolute URL',
    'endpoints[3].origins in createProxy cannot stand beside webProxy',
    'endpoints[3].methods in createProxy cannot stand beside webProxy',
    'endpoints[3].cookies in createProxy cannot stand beside webProxy',
  ]) {
    expect(failure).toContain(part);
  }
});
