import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { StreamedBody } from '@tintype/core';
import { describe, expect, it } from 'vitest';
import { fetchHandler } from './fetch-handler.ts';
import { capturedLog, image, proxyOf } from './loopback.fixture.ts';
import { CONTENT_SECURITY_POLICY } from './security-headers.ts';

const BYTES = randomBytes(20_000);

describe('the fetch handler', () => {
  it('answers with the bytes and the headers that the node handler sends', async () => {
    const handler = fetchHandler(proxyOf(async () => image(BYTES)));
    const response = await handler(new Request('http://test/unsafe/a', { headers: { 'x-request-id': 'mine' } }));
    expect(response.status).toBe(200);
    expect(Buffer.from(await response.arrayBuffer()).equals(BYTES)).toBe(true);
    expect(Object.fromEntries(response.headers)).toEqual({
      'content-type': 'image/webp',
      'content-length': '20000',
      'cache-status': 'Tintype; hit; ttl=60',
      etag: '"abc"',
      'x-content-type-options': 'nosniff',
      'content-security-policy': CONTENT_SECURITY_POLICY,
      'x-request-id': 'mine',
      date: expect.stringMatching(/ GMT$/),
    });
  });

  it.each([
    ['http://test/sig/plain/http://host/%7Ea//b?x=%20y&z#part', '/sig/plain/http://host/%7Ea//b?x=%20y&z'],
    ['http://user:pw@test:8080//a', '//a'],
    ['http://test', '/'],
    ['http://test?x=/a', '/?x=/a'],
  ])('asks for the target of %s as it is written', async (url, target) => {
    const proxy = proxyOf(async () => image(BYTES));
    await fetchHandler(proxy)(new Request(url.replace('user:pw@', ''), { headers: { 'If-None-Match': '"x"' } }));
    expect(proxy.asked[0]).toMatchObject({ method: 'GET', target, headers: { 'if-none-match': '"x"' } });
  });

  it('refuses methods, backslashes and what is outside of its prefix, and answers probes', async () => {
    const proxy = proxyOf(async () => image(BYTES));
    const handler = fetchHandler(proxy, { prefix: '/images', ready: () => false });
    const post = await handler(new Request('http://test/images/a', { method: 'POST', body: 'x' }));
    expect([post.status, post.headers.get('allow')]).toEqual([405, 'GET, HEAD']);
    expect((await handler(new Request('http://test/images/a%5cb'))).status).toBe(400);
    expect((await handler(new Request('http://test/elsewhere'))).status).toBe(404);
    expect((await handler(new Request('http://test/images/livez'))).status).toBe(200);
    expect((await handler(new Request('http://test/images/readyz'))).status).toBe(503);
    expect(proxy.asked).toHaveLength(0);
    await handler(new Request('http://test/images/s/a?b'));
    expect(proxy.asked[0]?.target).toBe('/s/a?b');
  });

  it('answers HEAD and 304 without a body', async () => {
    const status = { GET: 304, HEAD: 200 } as const;
    const handler = fetchHandler(
      proxyOf(async ({ method }) => ({ ...image(undefined), status: status[method as 'GET' | 'HEAD'] })),
    );
    for (const method of ['GET', 'HEAD'] as const) {
      const response = await handler(new Request('http://test/a', { method }));
      expect([response.status, response.body]).toEqual([status[method], null]);
    }
  });

  it('pulls a chunk of a stream when one is wanted, and none ahead', async () => {
    let pulled = 0;
    const body = (async function* () {
      for (; pulled < 3; ) {
        pulled += 1;
        yield Buffer.from(String(pulled));
      }
    })();
    const response = await fetchHandler(proxyOf(async () => image(body)))(new Request('http://test/a'));
    const reader = response.body?.getReader();
    expect(pulled).toBe(0);
    await reader?.read();
    expect(pulled).toBe(1);
    await reader?.read();
    expect(pulled).toBe(2);
  });

  it.each([0, 1])('releases a stream that is cancelled after %i chunks, and logs 499', async (chunks) => {
    const log = capturedLog();
    let released = false;
    const endless = async function* () {
      for (;;) yield BYTES;
    };
    const body = new StreamedBody(endless, () => {
      released = true;
    }).stream();
    const handler = fetchHandler(
      proxyOf(async () => image(body)),
      { logger: log.logger },
    );
    const reader = (await handler(new Request('http://test/a'))).body?.getReader();
    for (let index = 0; index < chunks; index++) await reader?.read();
    await reader?.cancel();
    expect(released).toBe(true);
    expect(await log.line(({ url }) => url === '/a')).toMatchObject({ status: 499, bytes: chunks * 20_000 });
  });

  it.each([
    ['breaks', undefined],
    ['is shorter than its content-length', '20001'],
    ['is longer than its content-length', '19999'],
  ])('fails the reading of a stream that %s', async (what, length) => {
    const log = capturedLog();
    const body = (async function* () {
      yield BYTES;
      if (what === 'breaks') throw new Error('the disk is gone');
    })();
    const handler = fetchHandler(
      proxyOf(async () => image(body, length === undefined ? {} : { 'content-length': length })),
      { logger: log.logger },
    );
    const response = await handler(new Request('http://test/a'));
    await expect(response.arrayBuffer()).rejects.toThrow();
    expect(await log.line(({ url }) => url === '/a')).toMatchObject({ level: 50, problem: 'body-broken' });
  });

  it('never rejects: a pipeline that fails and headers that cannot be sent are a 500', async () => {
    const log = capturedLog();
    const failing = proxyOf(async () => {
      throw new Error('inside');
    });
    const response = await fetchHandler(failing, { logger: log.logger })(new Request('http://test/a'));
    expect(response.status).toBe(500);
    expect(await response.text()).toBe('The server failed to answer this request.\n');
    expect(await log.line(({ status }) => status === 500)).toMatchObject({ problem: 'internal' });
    const unsendable = proxyOf(async () => image(BYTES, { 'content-disposition': 'a\r\nb' }));
    expect((await fetchHandler(unsendable)(new Request('http://test/a'))).status).toBe(500);
  });

  it('hands the signal of the request on', async () => {
    const controller = new AbortController();
    const asked = Promise.withResolvers<void>();
    const aborted = Promise.withResolvers<void>();
    const proxy = proxyOf(async ({ signal }) => {
      asked.resolve();
      await once(signal, 'abort');
      aborted.resolve();
      return image(undefined);
    });
    void fetchHandler(proxy)(new Request('http://test/a', { signal: controller.signal }));
    await asked.promise;
    controller.abort();
    await aborted.promise;
  });

  it('logs a line per request', async () => {
    const log = capturedLog();
    const handler = fetchHandler(
      proxyOf(async () => image(BYTES)),
      { logger: log.logger },
    );
    await handler(new Request('http://test/sig/w:1/plain/x'));
    expect(await log.line(() => true)).toMatchObject({
      level: 30,
      url: '/***/w:1/plain/x',
      status: 200,
      bytes: 20_000,
      cache: 'hit',
    });
  });
});
