import { createHmac } from 'node:crypto';
import { once } from 'node:events';
import { mkdir, readFile, symlink, writeFile } from 'node:fs/promises';
import { request as httpRequest } from 'node:http';
import { join } from 'node:path';
import { definePlugin, type StorageAdapter, StorageError, tokens } from '@tintype/core';
import { describe, expect, test } from 'vitest';
import { BROKEN, PHOTOS, plain, startProxy, startWebOrigin, temporaryFolder } from './rig.ts';

const photo = '/unsafe/w:50/plain/local:///chelsea.png';

describe('a URL that cannot be understood is a 400 with a sentence that names the option', () => {
  test.each([
    ['/unsafe/nonsense:1/plain/local:///chelsea.png', 'nonsense'],
    ['/unsafe/w:abc/plain/local:///chelsea.png', 'width'],
    ['/unsafe/w:NaN/plain/local:///chelsea.png', 'width'],
    ['/unsafe/w:1e99/plain/local:///chelsea.png', 'width'],
    ['/unsafe/rs:stretch:1:1/plain/local:///chelsea.png', 'resiz'],
    ['/unsafe/q:101/plain/local:///chelsea.png', 'quality'],
    ['/unsafe/w:50/****.png', 'base64'],
  ])('%s', async (path, word) => {
    const rig = await startProxy({ cacheUse: 'memory' });
    const answer = await rig.get(path);
    const text = await answer.text();
    expect({ status: answer.status, text }).toEqual({ status: 400, text: expect.stringContaining(word) });
    expect(text.trim().split('\n')).toHaveLength(1);
    expect(answer.headers.get('cache-control')).toBe('no-store');
    expect(answer.headers.get('cache-status')).toBe('Tintype');
    expect(rig.count('fetched')).toBe(0);
  });
});

describe('what the rules forbid is a 403 before any lookup', () => {
  const key = Buffer.from('secret').toString('hex');
  const salt = Buffer.from('hello').toString('hex');
  const sign = (path: string, secret = 'secret') =>
    `/${createHmac('sha256', secret).update(`hello${path}`).digest('base64url')}${path}`;

  test('a wrong signature, also for what is cached', async () => {
    const rig = await startProxy({ cacheUse: 'memory', key, salt });
    const path = '/w:50/plain/local:///chelsea.png';
    expect((await rig.get(sign(path))).status).toBe(200);
    await rig.stored(1);
    expect((await rig.get(sign(path))).headers.get('cache-status')).toContain('hit');
    const gets = rig.proxy.storage?.counters.operations.get;
    for (const signature of ['unsafe', 'x'.repeat(43), sign(path, 'other').split('/')[1]]) {
      expect((await rig.get(`/${signature}${path}`)).status).toBe(403);
    }
    expect(rig.proxy.storage?.counters.operations.get).toBe(gets);
  });

  test('whatever else is wrong with it: strangers learn nothing of presets and options', async () => {
    const rig = await startProxy({ cacheUse: 'memory', key, salt, presets: 'hush=w:10' });
    for (const path of [
      '/pr:hush/plain/local:///x',
      '/pr:other/plain/local:///x',
      '/nope:1/plain/local:///x',
      '/w:x',
    ]) {
      const answer = await rig.get(`/unsafe${path}`);
      expect([path, answer.status, await answer.text()]).toEqual([
        path,
        403,
        'The signature of this URL is not valid.\n',
      ]);
    }
    expect((await rig.get(sign('/pr:other/plain/local:///x'))).status).toBe(400);
  });

  test('after a rotation both keys are accepted and share the cache', async () => {
    const other = Buffer.from('other').toString('hex');
    const rig = await startProxy({ cacheUse: 'memory', key: `${other},${key}`, salt: `${salt},${salt}` });
    const path = '/w:50/plain/local:///chelsea.png';
    expect((await rig.get(sign(path))).headers.get('cache-status')).toContain('uri-miss');
    await rig.stored(1);
    expect((await rig.get(sign(path, 'other'))).headers.get('cache-status')).toContain('hit');
    expect(rig.proxy.sign(path)).toBe(sign(path, 'other'));
  });

  test('a source that is not allowed', async () => {
    const rig = await startProxy({ cacheUse: 'memory', allowedSources: 'https://images.example.com/' });
    expect((await rig.get(photo)).status).toBe(403);
    expect(rig.proxy.storage?.counters.operations.get).toBe(0);
  });

  test('an address inside, whatever it is called', async () => {
    const origin = await startWebOrigin();
    const rig = await startProxy({ cacheUse: 'memory' });
    for (const host of [
      '127.0.0.1',
      'localhost',
      '2130706433',
      '[::1]',
      '[::ffff:127.0.0.1]',
      '169.254.169.254',
      '10.0.0.1',
    ]) {
      const source = origin.base.replace('127.0.0.1', host);
      const answer = await rig.get(`/unsafe/w:50/${plain(`${source}/a.png`)}`);
      expect([host, answer.status]).toEqual([host, 403]);
    }
    expect(origin.requests).toHaveLength(0);
  });
});

test('an expired URL is a 404, also for what is cached', async () => {
  const rig = await startProxy({ cacheUse: 'memory' });
  const expires = Math.floor(Date.now() / 1_000) + 100;
  const path = `/unsafe/w:50/exp:${expires}/plain/local:///chelsea.png`;
  const first = await rig.get(path);
  expect(first.status).toBe(200);
  expect(first.headers.get('cache-control')).toMatch(/max-age=(100|[89]\d)$/);
  await rig.stored(1);
  rig.advance(101);
  expect((await rig.get(path)).status).toBe(404);
  expect((await rig.get(photo)).headers.get('cache-status')).toContain('hit');
});

test('a local source that is missing or outside is a 404 that tells nothing of the file system', async () => {
  const folder = await temporaryFolder();
  await mkdir(join(folder, 'root/sub'), { recursive: true });
  await writeFile(join(folder, 'secret.png'), await readFile(join(PHOTOS, 'coffee.png')));
  await symlink(join(folder, 'secret.png'), join(folder, 'root/link.png'));
  const rig = await startProxy({ localFilesystemRoot: join(folder, 'root') });
  for (const source of ['local:///none.png', 'local:///sub', 'local:///link.png', 'local:///%252e%252e/secret.png']) {
    const answer = await rig.get(`/unsafe/w:50/plain/${source.replaceAll('%', '%25')}`);
    const text = await answer.text();
    expect([source, answer.status, text.includes(folder)]).toEqual([source, 404, false]);
  }
});

describe('an origin at fault', () => {
  const settings = { cacheUse: 'memory', allowLoopbackSourceAddresses: true };

  test.each([
    ['answers 500', 502, (_: unknown, response: import('node:http').ServerResponse) => response.writeHead(500).end()],
    ['answers 503', 502, (_: unknown, response: import('node:http').ServerResponse) => response.writeHead(503).end()],
    [
      'answers 404',
      404,
      (_: unknown, response: import('node:http').ServerResponse) => response.writeHead(404).end('gone'),
    ],
    ['never answers', 504, () => undefined],
    [
      'breaks off',
      502,
      (_: unknown, response: import('node:http').ServerResponse) => {
        response.writeHead(200, { 'content-length': 1000 });
        response.write('x', () => response.destroy());
      },
    ],
    [
      'sends text',
      422,
      (_: unknown, response: import('node:http').ServerResponse) => response.end('<html>hello</html>'),
    ],
    ['sends nothing', 422, (_: unknown, response: import('node:http').ServerResponse) => response.end()],
  ])('that %s is a %i, not stored', async (_name, status, listener) => {
    const origin = await startWebOrigin(listener as never);
    // Short only where it shall be over.
    const rig = await startProxy({ ...settings, ...(status === 504 ? { downloadTimeout: 0.3 } : {}) });
    const answer = await rig.get(`/unsafe/w:50/${plain(`${origin.base}/a.png`)}`);
    expect(answer.status).toBe(status);
    expect(answer.headers.get('cache-control')).toBe('no-store');
    expect((await answer.text()).trim().split('\n')).toHaveLength(1);
    expect(rig.count('stored')).toBe(0);
    expect(await Array.fromAsync(rig.proxy.storage?.list('') ?? [])).toEqual([]);
  });

  test('one that is too busy says to the client when to come again', async () => {
    const origin = await startWebOrigin((_request, response) =>
      response.writeHead(429, { 'Retry-After': '7' }).end('later'),
    );
    const rig = await startProxy(settings);
    const answer = await rig.get(`/unsafe/w:50/${plain(`${origin.base}/a.png`)}`);
    expect([answer.status, answer.headers.get('retry-after')]).toEqual([503, '7']);
  });

  test('that sends more than allowed is a 422, with or without a Content-Length', async () => {
    const big = Buffer.alloc(3_000);
    const origin = await startWebOrigin((request, response) => {
      if (request.url === '/known') response.setHeader('content-length', big.length);
      response.end(big);
    });
    const rig = await startProxy({ ...settings, maxSrcFileSize: 2_000 });
    for (const path of ['known', 'unknown']) {
      expect((await rig.get(`/unsafe/w:50/${plain(`${origin.base}/${path}`)}`)).status).toBe(422);
    }
  });

  test('a raw source that breaks off is never taken for a whole one, nor stored', async () => {
    const origin = await startWebOrigin((_request, response) => {
      response.writeHead(200, { 'content-type': 'image/png' });
      response.write(Buffer.alloc(100_000), () => response.destroy());
    });
    const rig = await startProxy(settings);
    const answer = await rig.get(`/unsafe/raw:1/${plain(`${origin.base}/a.png`)}`);
    await expect(answer.arrayBuffer()).rejects.toThrow();
    expect(await Array.fromAsync(rig.proxy.storage?.list('') ?? [])).toEqual([]);
  });
});

describe('an image at fault is a 422', () => {
  test('truncated', async () => {
    const folder = await temporaryFolder();
    await writeFile(join(folder, 'truncated.jpg'), await readFile(join(BROKEN, 'truncated.jpg')));
    const whole = await readFile(join(PHOTOS, 'rocket.jpg'));
    await writeFile(join(folder, 'half.jpg'), whole.subarray(0, whole.length / 2));
    const rig = await startProxy({ localFilesystemRoot: folder });
    for (const name of ['truncated.jpg', 'half.jpg']) {
      const answer = await rig.get(`/unsafe/w:50/plain/local:///${name}`);
      expect([name, answer.status]).toEqual([name, 422]);
    }
  });

  test('too many pixels, before any is decoded', async () => {
    const rig = await startProxy({ maxSrcResolution: 0.1 });
    const answer = await rig.get(photo);
    expect([answer.status, await answer.text()]).toEqual([422, expect.stringContaining('pixels')]);
  });

  test('a result that would be too large', async () => {
    const rig = await startProxy({ maxResultDimension: 100 });
    expect((await rig.get('/unsafe/w:101/el:1/plain/local:///chelsea.png')).status).toBe(422);
    expect((await rig.get('/unsafe/w:100/plain/local:///chelsea.png')).status).toBe(200);
  });
});

describe('a cache that fails costs nobody an image', () => {
  /** Breaks the chosen operations of whatever storage is configured. */
  function breaking(operations: readonly (keyof StorageAdapter)[]) {
    return definePlugin({
      name: 'test/breaking',
      register: ({ container }) => {
        container.onActivation(tokens.resultStorage, (_context, storage) => {
          const fail = () => Promise.reject(new StorageError({ code: 'unavailable', message: 'The disk is on fire.' }));
          return new Proxy(storage, {
            get(target, name) {
              if (operations.includes(name as keyof StorageAdapter)) return fail;
              const value: unknown = Reflect.get(target, name, target);
              return typeof value === 'function' ? value.bind(target) : value;
            },
          });
        });
      },
    });
  }

  test('the image is served, and the failure is told', async () => {
    const rig = await startProxy({ cacheUse: 'memory' }, [breaking(['get', 'put'])]);
    expect((await rig.get(photo)).status).toBe(200);
    expect(rig.events.filter((event) => event.type === 'cache-error')).toMatchObject([
      { operation: 'get', code: 'unavailable' },
      { operation: 'put', code: 'unavailable' },
    ]);
  });

  test.each(['get', 'put'] as const)(
    'unless errors shall be reported: then a failing %s is a 500',
    async (operation) => {
      const rig = await startProxy({ cacheUse: 'memory', cacheReportErrors: true }, [breaking([operation])]);
      const answer = await rig.get(photo);
      expect([answer.status, answer.headers.get('cache-control')]).toEqual([500, 'no-store']);
      expect(await answer.text()).not.toContain('fire');
    },
  );

  test('a folder that is a file', async () => {
    const folder = await temporaryFolder();
    await writeFile(join(folder, 'cache'), '');
    const rig = await startProxy({ cacheUse: 'fs', cacheFsRoot: join(folder, 'cache') });
    expect((await rig.get(photo)).status).toBe(200);
    expect(rig.events).toContainEqual(expect.objectContaining({ type: 'cache-error', operation: 'open' }));
    expect(await rig.proxy.check()).toContainEqual(expect.objectContaining({ part: 'cache', ok: false }));
  });

  test('an entry damaged by hand is dropped and made anew', async () => {
    const root = await temporaryFolder();
    const rig = await startProxy({ cacheUse: 'fs', cacheFsRoot: root });
    const whole = Buffer.from(await (await rig.get(photo)).arrayBuffer());
    await rig.stored(1);
    const { readdir } = await import('node:fs/promises');
    const files = (await readdir(root, { recursive: true, withFileTypes: true })).filter((entry) => entry.isFile());
    for (const file of files) {
      const path = join(file.parentPath, file.name);
      // What is being written there goes at any moment.
      if (path.startsWith(join(root, '@temp'))) continue;
      const bytes = await readFile(path);
      if (bytes.length < 1_000) continue;
      bytes[bytes.length - 100] = (bytes[bytes.length - 100] ?? 0) ^ 1;
      await writeFile(path, bytes);
    }
    const answer = await rig.get(photo);
    expect(answer.headers.get('cache-status')).toContain('uri-miss');
    expect(Buffer.from(await answer.arrayBuffer()).equals(whole)).toBe(true);
    expect(rig.events).toContainEqual({ type: 'entry-dropped', reason: 'corrupt' });
    await rig.stored(2);
    expect((await rig.get(photo)).headers.get('cache-status')).toContain('hit');
  });
});

describe('a client that goes away', () => {
  test('alone and before any byte has come cancels the fetch', async () => {
    const asked = Promise.withResolvers<import('node:http').IncomingMessage>();
    const origin = await startWebOrigin((request) => asked.resolve(request));
    const rig = await startProxy({ cacheUse: 'memory', allowLoopbackSourceAddresses: true });
    const client = httpRequest(`${rig.base}/unsafe/w:50/${plain(`${origin.base}/a.png`)}`).on('error', () => undefined);
    client.end();
    const request = await asked.promise;
    const cancelled = once(request.socket, 'close');
    client.destroy();
    await cancelled;
  });

  test('leaves the flight to the others', async () => {
    const gate = Promise.withResolvers<void>();
    const asked = Promise.withResolvers<void>();
    const bytes = await readFile(join(PHOTOS, 'rocket.jpg'));
    const origin = await startWebOrigin(async (_request, response) => {
      asked.resolve();
      await gate.promise;
      response.end(bytes);
    });
    const rig = await startProxy({ cacheUse: 'memory', allowLoopbackSourceAddresses: true });
    const url = `${rig.base}/unsafe/w:50/${plain(`${origin.base}/a.jpg`)}`;
    const client = httpRequest(url).on('error', () => undefined);
    client.end();
    await asked.promise;
    const other = fetch(url);
    const left = new Promise((resolve) => client.once('close', resolve));
    client.destroy();
    await left;
    gate.resolve();
    expect((await other).status).toBe(200);
    expect(origin.requests).toHaveLength(1);
  });
});
