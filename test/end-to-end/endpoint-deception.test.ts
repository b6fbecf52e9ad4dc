/*
 * What endpoints drop and add, and where each of it is tested. For images: safety.test.ts.
 *
 * | line | tests |
 * |---|---|
 * | Fields of the hop, and those that Connection names, go no further | endpoints ("goes what belongs to the request", "any type of content with all of its fields") |
 * | Host is the origin's | endpoints ("goes what belongs to the request"); web-proxy |
 * | Forwarded, X-Forwarded-*, X-Original-URL, X-Rewrite-URL, X-HTTP-Method-Override and their like are dropped | endpoints ("cannot poison what all get by"); here |
 * | A GET with a body is refused | endpoints ("a GET with a body") |
 * | Cookies go on by name only, and each value has its own entries | endpoints ("cookies that the operator names") |
 * | Authorization goes to the endpoint's own origin | here; web-proxy ("towards the server"); endpoint-tables (C1) |
 * | Via and CDN-Loop are added, and a loop is 508 | endpoints ("goes the way"); loops |
 * | Whoever lets clients choose the server protects what they see | web-proxy ("no answer runs, sets or claims") |
 * | `.`, `..`, backslashes and whole URLs are 400 | endpoints ("is refused, and nothing is asked"); web-proxy |
 * | What is asked is what is keyed, byte for byte | here |
 * | Default lifetimes are for images, to requests without cookies | here; endpoint-sharing; endpoint-tables (IK5) |
 * | A client's Cache-Control counts where the endpoint says so, and only-if-cached everywhere | here; endpoints |
 * | Targeted fields of this cache end here | endpoint-tables (D20) |
 */

import type { RequestListener } from 'node:http';
import type { EndpointDefinition } from '@tintype/core';
import { expect, test } from 'vitest';
import { EndpointRig, Origin } from './endpoint-rig.ts';

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

test.each([
  ...['true-client-ip', 'client-ip', 'x-client-ip', 'x-cluster-client-ip', 'x-forwarded-server', 'x-forwarded-prefix'],
  ...['x-original-host', 'x-original-uri', 'x-host', 'x-http-host-override', 'x-http-method', 'cookie2'],
  ...['x_http_method', 'X_HOST', 'content_length', 'transfer_encoding', 'if_none_match'],
])('what one client says in %s shapes nothing that all get', async (name) => {
  await using there = await before((request, response) =>
    response.writeHead(200, { 'Cache-Control': 'max-age=600' }).end(String(request.headers[name.toLowerCase()])),
  );
  expect((await there.rig.ask('/', { headers: { [name]: '1' } })).body).toBe('undefined');
  expect(await there.rig.ask('/')).toMatchObject({
    body: 'undefined',
    headers: { age: expect.stringMatching(/^\d$/) },
  });
});

test('Authorization goes to the origins of the endpoint that it was sent to, and not where they redirect', async () => {
  await using other = await Origin.start((_request, response) => response.end('other'));
  await using there = await before(
    (_request, response) => response.writeHead(302, { Location: other.base, 'Cache-Control': 'no-store' }).end(),
    { path: '/private' },
  );
  const headers = { authorization: 'Basic YTpi' };
  const { status, headers: answered } = await there.rig.ask('/private/a', { headers });
  expect([status, answered.location]).toEqual([302, other.base]);
  expect(there.origin.requests[0]?.headers.authorization).toBe('Basic YTpi');
  expect(other.requests).toHaveLength(0);
  await using both = await EndpointRig.start([
    { path: '/private', origins: [there.origin.base] },
    { path: '/images', origins: [other.base], dialect: 'imgproxy-url' },
  ]);
  await both.ask('/images/_/w:20/plain/a.png', { headers });
  expect(other.requests[0]?.headers).not.toHaveProperty('authorization');
});

test('what is asked is what is keyed: each spelling of a path or query has an entry of its own', async () => {
  await using there = await before((request, response) =>
    response.writeHead(200, { 'Cache-Control': 'max-age=600' }).end(request.url),
  );
  const targets = [
    '/a%2Fb',
    '/a%2fb',
    '/a/b',
    '/a//b',
    '/a/b/',
    '/A/b',
    '/a/b?',
    '/a/b?x=%41',
    '/a/b?x=A',
    '/a;b',
    '/a%3Bb',
  ];
  for (const target of targets) expect((await there.rig.ask(target)).body).toBe(target);
  await there.rig.stored(targets.length);
  for (const target of targets) {
    const { body, headers } = await there.rig.ask(target);
    expect([body, headers['cache-status']]).toEqual([target, expect.stringContaining('hit')]);
  }
  expect(there.origin.requests.map(({ url }) => url)).toEqual(targets);
});

test.each([
  ['a page by the path of an image', 'text/html', {}],
  ['an image that answers a request with a cookie', 'image/png', { cookie: 'session=7' }],
  ['what says no type', '', {}],
])('of its own accord the cache keeps nothing that may be somebody’s: %s', async (_what, type, headers) => {
  await using there = await before(
    (_request, response) =>
      response
        .writeHead(200, { 'Last-Modified': 'Sun, 06 Nov 1994 08:49:37 GMT', ...(type && { 'Content-Type': type }) })
        .end('Hello Ann'),
    { defaultTtl: 600, heuristic: false },
  );
  await there.rig.ask('/account/a.png', { headers });
  const second = await there.rig.ask('/account/a.png');
  expect(second.headers['cache-status']).not.toContain('hit');
  expect(there.origin.requests).toHaveLength(2);
});

test.each([
  ['no-cache', 'fwd=request'],
  ['max-age=0', 'fwd=request'],
])('a client’s %s counts only where the endpoint says so', async (control, obeyed) => {
  const listener: RequestListener = (_request, response) =>
    void response.writeHead(200, { 'Cache-Control': 'max-age=600' }).end('content');
  for (const [more, expected] of [
    [{}, 'hit'],
    [{ clientCacheControl: 'obey' }, obeyed],
  ] as const) {
    await using there = await before(listener, more);
    await there.rig.ask('/');
    await there.rig.stored(1);
    const { headers } = await there.rig.ask('/', { headers: { 'cache-control': control } });
    expect(headers['cache-status']).toContain(expected);
  }
});

test('a client’s no-store keeps nothing from others, unless the endpoint says so', async () => {
  const listener: RequestListener = (_request, response) =>
    void response.writeHead(200, { 'Cache-Control': 'max-age=600' }).end('content');
  const headers = { 'cache-control': 'no-store' };
  await using there = await before(listener);
  await there.rig.ask('/', { headers });
  expect((await there.rig.ask('/')).headers['cache-status']).toContain('hit');
  await using obeys = await before(listener, { clientCacheControl: 'obey' });
  await obeys.rig.ask('/', { headers });
  expect((await obeys.rig.ask('/')).headers['cache-status']).toContain('fwd=uri-miss');
});
