/*
 * What must never happen, and where each of it is tested.
 *
 * | promise | tests |
 * |---|---|
 * | Addresses that a client chooses are global unicast, checked on the dialled address, at each redirect, in every notation | plugins/http: ssrf, addresses, redirects; bad-input ("an address inside") |
 * | Scheme and ALLOWED_SOURCES hold at every hop, as parsed hosts | plugins/http: redirects; core: allowed-sources; bad-input ("a source that is not allowed") |
 * | Credentials stay with their origin | plugins/http: redirects ("credentials stay within their origin") |
 * | No key and open to others: refuses to start unless told to | cli: start-line, serve |
 * | … and then: stored at the second request, so many variants of a source | strangers; core: admission |
 * | Nothing of the client's own fields reaches the source | here; plugins/http: origin |
 * | No input outside the key changes what is stored or what others get | here |
 * | A GET with a body is refused and never taken for two requests | server: node-handler |
 * | nosniff, CSP with sandbox and no Set-Cookie on every answer, raw ones and errors included | here; server: node-handler |
 * | Paths with dot segments, backslashes, NUL, absolute-form: 400 | here, through the whole proxy; server: target |
 * | The exact bytes of the source's path and query are asked for and keyed | here; plugins/imgproxy-url: source |
 * | Default lifetimes are for images only | here |
 * | A client's Cache-Control is ignored | here |
 * | What is too large or too much is refused before it hurts | bad-input; plugins/sharp: limits; overload |
 */

import { readFile } from 'node:fs/promises';
import { request as httpRequest, type IncomingHttpHeaders, type IncomingMessage } from 'node:http';
import { connect } from 'node:net';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { PHOTOS, plain, type Rig, startProxy, startWebOrigin } from './rig.ts';

const photo = await readFile(join(PHOTOS, 'rocket.jpg'));
const LOOPBACK = {
  pseudonym: 'proxy.test',
  originSetCookie: 'strip',
  cacheUse: 'memory',
  allowLoopbackSourceAddresses: true,
};

/** Request fields that have poisoned other caches, or shape answers elsewhere. None of them is part of the key here. */
const FIELDS: Readonly<Record<string, string>>[] = [
  { accept: 'image/avif,image/webp' },
  { accept: 'text/html' },
  { 'accept-encoding': 'gzip, br, zstd' },
  { 'accept-language': 'tlh' },
  { authorization: 'Basic dXNlcjpzZWNyZXQ=' },
  { 'cache-control': 'no-store, no-cache, max-age=0' },
  { pragma: 'no-cache' },
  { connection: 'close, x-nominated', 'x-nominated': '1' },
  { connection: 'host' },
  { cookie: 'session=secret; theme=dark' },
  { dpr: '3', width: '17', 'viewport-width': '17', 'sec-ch-dpr': '3', 'sec-ch-width': '17', 'save-data': 'on' },
  { expect: '100-continue' },
  { forwarded: 'for=10.0.0.1;host=evil.test;proto=https' },
  { host: 'evil.test' },
  { 'x-forwarded-host': 'evil.test' },
  { 'x-forwarded-for': '127.0.0.1', 'x-forwarded-proto': 'https', 'x-forwarded-port': '1', 'x-real-ip': '127.0.0.1' },
  { 'x-forwarded-prefix': '/evil', 'x-forwarded-scheme': 'nothttps', 'x-original-host': 'evil.test' },
  { 'x-original-url': '/admin', 'x-rewrite-url': '/admin' },
  { 'x-http-method-override': 'POST', 'x-http-method': 'PURGE', 'x-method-override': 'DELETE' },
  { 'if-none-match': '*' },
  { 'if-none-match': '"x"', 'if-modified-since': 'Fri, 01 Jan 2100 00:00:00 GMT' },
  { 'if-match': '"x"' },
  { 'if-unmodified-since': 'Thu, 01 Jan 1970 00:00:01 GMT' },
  { range: 'bytes=0-9' },
  { range: 'bytes=0-9', 'if-range': '"x"' },
  { range: 'bytes=999999999-' },
  { referer: 'https://evil.test/', origin: 'https://evil.test' },
  { 'sec-fetch-dest': 'document', 'sec-fetch-mode': 'navigate' },
  { te: 'trailers' },
  { upgrade: 'h2c', 'http2-settings': 'AAMAAABkAAQCAAAAAAIAAAAA', connection: 'upgrade, http2-settings' },
  { 'user-agent': 'Mozilla/5.0 <script>' },
  { via: '1.1 evil', 'cdn-loop': 'tintype' },
  { 'x-request-id': 'evil-1' },
  { 'x-amz-server-side-encryption': 'x', 'x-goog-meta': '1', 'x-ms-version': '1' },
  { 'fastly-ssl': '1', 'cf-connecting-ip': '1.2.3.4', 'true-client-ip': '1.2.3.4', 'surrogate-control': 'max-age=1' },
  { 'x-oversized': 'x'.repeat(8_000) },
];

interface Answer {
  readonly status: number;
  readonly headers: IncomingMessage['headers'];
  readonly body: Buffer;
}

/** A request with exactly these fields; `fetch` would not send all of them. */
function send(rig: Rig, path: string, headers: Readonly<Record<string, string>> = {}, method = 'GET'): Promise<Answer> {
  return new Promise((resolve, reject) => {
    // Not as a URL, which would be normalised.
    const to = { host: '127.0.0.1', port: new URL(rig.base).port, path, method, headers, agent: false };
    const request = httpRequest(to, async (response) => {
      const chunks: Buffer[] = [];
      for await (const chunk of response) chunks.push(chunk);
      resolve({ status: response.statusCode ?? 0, headers: response.headers, body: Buffer.concat(chunks) });
    });
    request.on('error', reject);
    request.on('upgrade', () => reject(new Error('The connection was upgraded.')));
    request.end();
  });
}

/** What is not of the moment. */
function lasting({ status, headers, body }: Answer) {
  const { date: _, age: __, 'x-request-id': ___, 'cache-status': cache, ...rest } = headers;
  return {
    status,
    headers: { ...rest, outcome: String(cache).replace(/; ttl=\d+/, '') },
    body: body.toString('base64'),
  };
}

/** The way of a request is passed on, or nobody would notice that it comes back: RFC 8586. */
function withoutWay({ via: _, 'cdn-loop': __, ...others }: IncomingHttpHeaders = {}) {
  return others;
}

async function entries(rig: Rig): Promise<Map<string, object>> {
  const { storage } = rig.proxy;
  const found = new Map<string, object>();
  for await (const { key } of storage?.list('') ?? []) {
    const hit = await storage?.get(key);
    if (hit?.kind !== 'entry') continue;
    const { storedAt: _, freshUntil: __, bornAt: ___, policy: ____, ...metadata } = hit.metadata;
    found.set(key, { metadata, bytes: Buffer.from(await hit.body.bytes()).toString('base64') });
  }
  return found;
}

describe('no field outside the key changes what is stored, what others get, or what the source is asked', () => {
  const requests = [
    ...FIELDS.map((fields) => ({ method: 'GET', fields })),
    ...FIELDS.filter((fields) => 'range' in fields || 'if-none-match' in fields).map((fields) => ({
      method: 'HEAD',
      fields,
    })),
  ];

  test.each(['w:60', 'raw:1'])('%s', { timeout: 180_000 }, async (option) => {
    const origin = await startWebOrigin((request, response) => {
      // A source that reflects whatever it is told, as many do.
      const reflected = request.headers['x-forwarded-host'] ?? request.headers.cookie;
      response.writeHead(200, {
        'content-type': 'image/jpeg',
        'content-length': photo.length,
        'set-cookie': `reflected=${reflected}`,
        'x-reflected': String(reflected),
        vary: 'x-forwarded-host, user-agent',
      });
      response.end(photo);
    });
    const path = `/unsafe/${option}/${plain(`${origin.base}/rocket.jpg?a=%41`)}`;
    const clean = await startProxy(LOOPBACK);
    await send(clean, path);
    await clean.stored(1);
    const expected = { answer: lasting(await send(clean, path)), entries: await entries(clean) };
    const [cleanRequest] = origin.requests;
    expect([expected.answer.status, expected.answer.headers.outcome, expected.entries.size]).toEqual([
      200,
      'Tintype; hit',
      1,
    ]);

    for (const { method, fields } of requests) {
      const rig = await startProxy(LOOPBACK);
      const first = await send(rig, path, fields, method);
      // 304 is for whoever has said that any version will do; everybody else gets all of it.
      expect([fields, first.status]).toEqual([
        fields,
        fields['if-none-match'] === '*' && option !== 'raw:1' ? 304 : 200,
      ]);
      expect(first.headers['set-cookie']).toBeUndefined();
      await rig.stored(1);
      const later = lasting(await send(rig, path));
      expect({ fields, later, entries: await entries(rig) }).toEqual({
        fields,
        later: expected.answer,
        entries: expected.entries,
      });
      const asked = origin.requests.at(-1);
      expect({ fields, url: asked?.url, method: asked?.method, headers: withoutWay(asked?.headers) }).toEqual({
        fields,
        url: cleanRequest?.url,
        method: 'GET',
        headers: withoutWay(cleanRequest?.headers),
      });
      // Nor does it change an answer to somebody else at the same time that it comes from the cache.
      await send(rig, path, fields, method);
      expect(lasting(await send(rig, path))).toEqual(expected.answer);
      expect(rig.count('fetched')).toBe(1);
      await rig.stop();
    }
  });
});

describe('paths that servers disagree about', () => {
  /** The status line of the answer to exactly these bytes. */
  function statusOf(rig: Rig, bytes: string): Promise<string> {
    return new Promise((resolve, reject) => {
      const socket = connect(Number(new URL(rig.base).port), '127.0.0.1');
      let answer = '';
      socket.setEncoding('latin1');
      socket.on('data', (chunk: string) => {
        answer += chunk;
      });
      socket.on('close', () => resolve(answer.slice(0, answer.indexOf('\r\n'))));
      socket.on('error', reject);
      socket.write(bytes, 'latin1');
    });
  }

  const source = 'plain/local:///chelsea.png';
  test.each([
    `/unsafe/../unsafe/w:50/${source}`,
    `/unsafe/w:50/./${source}`,
    `/unsafe/w:50/${source}/..`,
    '/unsafe/w:50/plain/local:///../chelsea.png',
    '/unsafe/w:50/plain/local:///%2e%2e/chelsea.png',
    '/unsafe/w:50/plain/local:///%2E./chelsea.png',
    '/unsafe/w:50/plain/local:///..%2fchelsea.png',
    '/unsafe/w:50/plain/local:///sub\\..\\chelsea.png',
    '/unsafe/w:50/plain/local:///sub%5cchelsea.png',
    '/unsafe/w:50/plain/local:///chelsea.png%00.jpg',
    `http://evil.test/unsafe/w:50/${source}`,
    `//evil.test/../unsafe/w:50/${source}`,
    '*',
    'evil.test:443',
  ])('%j is a 400 before anything is looked up', async (target) => {
    const rig = await startProxy(LOOPBACK);
    expect(await statusOf(rig, `GET ${target} HTTP/1.1\r\nHost: test\r\nConnection: close\r\n\r\n`)).toMatch(
      /^HTTP\/1\.1 400 /,
    );
    expect([rig.count('fetched'), rig.proxy.storage?.counters.operations.get]).toEqual([0, 0]);
  });

  test('the source is asked for, and keyed, by the exact bytes of its path and query', async () => {
    const origin = await startWebOrigin((_request, response) => response.end(photo));
    const rig = await startProxy(LOOPBACK);
    const paths = ['/a%2Fb', '/a%2fb', '/a/b', '/a//b', '/a/b?', '/a/b?x=%41', '/a/b?x=A', '/a/b?x=A+B', '/A/b'];
    for (const [index, path] of paths.entries()) {
      expect((await send(rig, `/unsafe/w:50/${plain(origin.base + path)}`)).status).toBe(200);
      await rig.stored(index + 1);
    }
    expect(origin.requests.map(({ url }) => url)).toEqual(paths);
    expect((await entries(rig)).size).toBe(paths.length);
  });
});

describe('towards the browser', () => {
  const page = '<!doctype html><script>alert(document.domain)</script>';
  const drawing = `<svg xmlns="http://www.w3.org/2000/svg" width="9" height="9"><script>alert(1)</script></svg>`;

  /** Script runs nowhere, and the document is of no origin. */
  function expectHarmless({ headers }: Answer) {
    expect(headers['x-content-type-options']).toBe('nosniff');
    expect(String(headers['content-security-policy']).split(/; */)).toEqual(
      expect.arrayContaining(["default-src 'none'", 'sandbox']),
    );
    expect(headers['set-cookie']).toBeUndefined();
  }

  test.each([
    ['text/html; charset=utf-8', page],
    ['image/svg+xml', drawing],
    ['application/xhtml+xml', drawing],
    ['image/jpeg', page],
  ])('a raw source of type %s can run no script, whatever its own server says', async (type, body) => {
    const origin = await startWebOrigin((_request, response) => {
      response.writeHead(200, {
        'content-type': type,
        'content-length': Buffer.byteLength(body),
        'content-security-policy': "default-src * 'unsafe-inline'",
        'x-content-type-options': 'sniff',
        'set-cookie': ['session=1', 'other=2'],
        'access-control-allow-origin': '*',
        'service-worker-allowed': '/',
        'clear-site-data': '"*"',
        'strict-transport-security': 'max-age=1',
        location: 'https://evil.test/',
        refresh: '0; url=https://evil.test/',
      });
      response.end(body);
    });
    const rig = await startProxy(LOOPBACK);
    const path = `/unsafe/raw:1/${plain(`${origin.base}/x`)}`;
    for (let time = 0; time < 2; time++) {
      const answer = await send(rig, path);
      expect([answer.status, answer.body.toString()]).toEqual([200, body]);
      expectHarmless(answer);
      for (const name of [
        'access-control-allow-origin',
        'service-worker-allowed',
        'clear-site-data',
        'strict-transport-security',
        'location',
        'refresh',
      ]) {
        expect(answer.headers).not.toHaveProperty(name);
      }
      if (type.startsWith('image/')) await rig.stored(1);
    }
  });

  test('the same holds for images, for what is not modified, and for every kind of error', async () => {
    const origin = await startWebOrigin((_request, response) => {
      response.writeHead(500, { 'set-cookie': 'session=1', 'content-type': 'text/html' });
      response.end(page);
    });
    const rig = await startProxy(LOOPBACK);
    const image = '/unsafe/w:50/plain/local:///chelsea.png';
    const answers = [
      await send(rig, image),
      await send(rig, image, {}, 'HEAD'),
      await send(rig, image, { 'if-none-match': '*' }),
      await send(rig, image, {}, 'POST'),
      await send(rig, '/unsafe/<script>:1/plain/local:///chelsea.png'),
      await send(rig, '/unsafe/w:50/plain/local:///<script>alert(1)</script>.png'),
      await send(rig, `/unsafe/w:50/${plain(`${origin.base}/x`)}`),
      await send(rig, `/unsafe/raw:1/${plain(`${origin.base}/x`)}`),
      await send(rig, '/unsafe/%2e%2e'),
    ];
    expect(answers.map(({ status }) => status)).toEqual([200, 200, 304, 405, 400, 404, 502, 502, 400]);
    for (const answer of answers) expectHarmless(answer);
    for (const { headers, status } of answers.filter((answer) => answer.status >= 400)) {
      expect([status, headers['content-type']]).toEqual([status, 'text/plain; charset=utf-8']);
    }
  });

  test('what is no image gets no lifetime, and is not stored: it may be a page of somebody in particular', async () => {
    const origin = await startWebOrigin((_request, response) => {
      response.writeHead(200, { 'content-type': 'text/html' });
      response.end(page);
    });
    const rig = await startProxy(LOOPBACK);
    const path = `/unsafe/raw:1/${plain(`${origin.base}/account/nonexistent.jpg`)}`;
    for (let time = 1; time <= 2; time++) {
      const answer = await send(rig, path);
      expect([answer.headers['cache-control'], answer.headers['cache-status']]).toEqual([
        'no-cache',
        'Tintype; fwd=uri-miss',
      ]);
      expect(origin.requests).toHaveLength(time);
    }
    expect((await entries(rig)).size).toBe(0);
  });
});
