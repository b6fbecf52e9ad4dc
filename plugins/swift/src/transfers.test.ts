import { once } from 'node:events';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { type PutBody, StorageError, storageKey } from '@tintype/core';
import { KeystoneAdmin } from '@tintype-test/servers';
import { service } from '@tintype-test/servers/scripted-service';
import { inTime } from '@tintype-test/servers/storage-errors';
import { afterAll, describe, expect, onTestFinished, test } from 'vitest';
import { type Bench, benchFor, context, optionsFor, scopeOf } from '../test/harness.ts';
import { logsIn, refuse } from '../test/service.ts';
import { SwiftStorage } from './storage.ts';

// What pkgcloud's own transfers get wrong, each with what happens here instead.

const MiB = 1024 * 1024;
const key = storageKey('k');
const metadata = { encoded: 'm', contentType: 'image/png' };

function inMemory(bytes: Uint8Array): PutBody {
  return {
    bytes,
    size: bytes.length,
    replayable: true,
    async *stream() {
      yield bytes;
    },
  };
}

function streamed(pieces: () => AsyncIterable<Uint8Array>): PutBody {
  return { bytes: undefined, size: undefined, replayable: false, stream: pieces };
}

async function* megabytes(count: number): AsyncGenerator<Uint8Array> {
  for (let i = 0; i < count; i++) yield new Uint8Array(MiB).fill(i + 1);
}

async function storageOn(
  answer: (request: IncomingMessage, response: ServerResponse) => void,
  timeoutSeconds = 60,
): Promise<SwiftStorage> {
  const { endpoint } = await service(answer);
  const options = optionsFor({ authUrl: `${endpoint}/auth/v1.0`, timeoutSeconds });
  const storage = new SwiftStorage(options, scopeOf('photos'));
  await inTime(() => storage.open(context));
  onTestFinished(() => storage.close());
  return storage;
}

describe('an upload that is answered with a failure is none (pkgcloud: success)', () => {
  test.each([408, 412, 429, 499, 502, 504, 507])('%i', async (status) => {
    const storage = await storageOn((request, response) => {
      if (logsIn(request, response)) return;
      if (request.method === 'PUT') refuse(response, status);
      else response.writeHead(200).end('[]');
    });
    for (const body of [inMemory(new Uint8Array(10)), streamed(() => megabytes(3))]) {
      const error = await storage.put(key, body, metadata, undefined, context).catch((reason) => reason);
      expect(StorageError.is(error)).toBe(true);
    }
  });
});

test('a server that takes an upload and says nothing is left after TIMEOUT_SECONDS (pkgcloud: never)', async () => {
  const storage = await storageOn((request, response) => {
    if (!logsIn(request, response) && request.method !== 'PUT') response.writeHead(200).end('[]');
  }, 0.3);
  for (const body of [inMemory(new Uint8Array(10)), streamed(() => megabytes(3))]) {
    await expect(storage.put(key, body, metadata, undefined, context)).rejects.toMatchObject({
      code: 'timeout',
      applied: 'unknown',
    });
  }
});

test('eight first requests are one login, and later ones none (pkgcloud: eight, and one for each)', async () => {
  let logins = 0;
  const storage = await storageOn((request, response) => {
    if (logsIn(request, response)) logins++;
    else if (request.url?.endsWith('/k')) response.writeHead(404).end();
    else response.writeHead(200).end('[]');
  });
  expect(logins).toBe(1);
  await Promise.all(Array.from({ length: 8 }, () => storage.get(key, undefined, context)));
  await storage.get(key, undefined, context);
  expect(logins).toBe(1);
});

test('a token that is refused while a body goes, which cannot go again, is replaced for the next request', async () => {
  let logins = 0;
  let ended = false;
  const storage = await storageOn((request, response) => {
    if (logsIn(request, response, `token-${logins + 1}`)) logins++;
    else if (request.method !== 'PUT') response.writeHead(200).end('[]');
    else
      request.resume().on('end', () => {
        if (ended) response.writeHead(201).end();
        else refuse(response, 401);
        ended = true;
      });
  });
  const put = () =>
    storage.put(
      key,
      streamed(() => megabytes(3)),
      metadata,
      undefined,
      context,
    );
  const refused = { code: 'unavailable', applied: 'no', retryable: true, message: expect.stringContaining('photos') };
  await expect(put()).rejects.toMatchObject(refused);
  expect(logins).toBe(1);
  await put();
  expect(logins).toBe(2);
});

test('when an entry ends is told with it', async () => {
  const storage = await storageOn((request, response) => {
    if (logsIn(request, response)) return;
    if (!request.url?.endsWith('/k')) response.writeHead(200).end('[]');
    else response.writeHead(200, { 'content-length': '0', 'x-delete-at': '1800000000' }).end();
  });
  expect((await storage.stat(key, context))?.metadata.expiresAt).toBe(1_800_000_000_000);
});

test('a refused token is replaced by one new login for all, and the requests made again (pkgcloud: 401)', async () => {
  let logins = 0;
  let good = 'token-1';
  const storage = await storageOn((request, response) => {
    if (logsIn(request, response, `token-${logins + 1}`)) logins++;
    else if (request.headers['x-auth-token'] !== good) refuse(response, 401);
    else if (request.method === 'PUT') response.writeHead(201).end();
    else if (request.url?.endsWith('/k')) response.writeHead(404).end();
    else response.writeHead(200).end('[]');
  });
  good = 'token-2';
  const [, ...missing] = await Promise.all([
    storage.put(key, inMemory(new Uint8Array(10)), metadata, undefined, context),
    ...Array.from({ length: 8 }, () => storage.get(key, undefined, context)),
  ]);
  expect([logins, new Set(missing)]).toEqual([2, new Set([undefined])]);
  // What cannot be sent again finds out before.
  good = 'token-3';
  await storage.put(
    key,
    streamed(() => megabytes(3)),
    metadata,
    undefined,
    context,
  );
  expect(logins).toBe(3);
  // And that is the end of it where a new token helps nothing.
  good = 'none';
  await expect(storage.get(key, undefined, context)).rejects.toMatchObject({ code: 'access-denied' });
  expect(logins).toBe(4);
});

for (const name of ['swift', 'swift-keystone']) {
  const { bench, missing } = await benchFor(name);
  describe(`on ${name}`, () => {
    if (bench === undefined) {
      test('transfers are whole or not at all', ({ skip }) => skip(missing));
      return;
    }
    afterAll(() => bench.stop());

    test('a missing entry is a miss (pkgcloud: the error page as content)', async () => {
      const storage = await opened(bench);
      expect(await storage.get(storageKey('none'), undefined, context)).toBeUndefined();
      expect(await storage.stat(storageKey('none'), context)).toBeUndefined();
    });

    test.each([0, 1, 3])(
      'a source that breaks after %i MiB ends the upload, and leaves nothing (pkgcloud: hangs)',
      async (count) => {
        const storage = await opened(bench);
        const broken = storageKey(`broken/${count}`);
        const failure = new Error('the source broke');
        const body = streamed(async function* () {
          yield* megabytes(count);
          throw failure;
        });
        await expect(storage.put(broken, body, metadata, undefined, context)).rejects.toBe(failure);
        expect(await storage.get(broken, undefined, context)).toBeUndefined();
      },
    );

    test('an upload can be given up, and leaves what was there (pkgcloud: no way to)', async () => {
      const storage = await opened(bench);
      const entry = storageKey('given-up');
      const before = await storage.put(entry, inMemory(new Uint8Array(10)), metadata, undefined, context);
      const controller = new AbortController();
      const reason = new Error('gave up');
      const body = streamed(async function* () {
        yield* megabytes(3);
        controller.abort(reason);
        await once(new EventTarget(), 'never', { signal: controller.signal }).catch(() => undefined);
        throw reason;
      });
      await expect(storage.put(entry, body, metadata, undefined, { signal: controller.signal })).rejects.toBe(reason);
      expect((await storage.stat(entry, context))?.version).toBe(before);
    });

    test('pieces arrive as they were, whatever the sender does with its memory', async () => {
      const storage = await opened(bench);
      const entry = storageKey('pieces');
      await storage.put(
        entry,
        streamed(() => megabytes(9)),
        metadata,
        undefined,
        context,
      );
      const found = await storage.get(entry, undefined, context);
      if (found?.kind !== 'entry') throw new Error('it is not there');
      const bytes = await found.body.bytes();
      expect(bytes.length).toBe(9 * MiB);
      for (let i = 0; i < 9; i++) expect(new Set(bytes.subarray(i * MiB, (i + 1) * MiB))).toEqual(new Set([i + 1]));
    });

    test('types stay what they were given as, whatever the name looks like (pkgcloud: null)', async () => {
      const storage = await opened(bench);
      for (const [name, contentType] of [
        ['a.webp', 'image/avif'],
        ['a.unknown-extension', 'image/jxl'],
        ['none', ''],
      ] as const) {
        const entry = storageKey(`types/${name}`);
        await storage.put(entry, inMemory(new Uint8Array(1)), { ...metadata, contentType }, undefined, context);
        const expected = contentType === '' ? 'application/octet-stream' : contentType;
        expect((await storage.stat(entry, context))?.metadata.contentType).toBe(expected);
        await storage.setMetadata(entry, { ...metadata, contentType: 'image/gif' }, undefined, context);
        expect((await storage.stat(entry, context))?.metadata.contentType).toBe('image/gif');
      }
    });

    test('metadata of several fields comes back to the letter (pkgcloud: names are cut at a dash)', async () => {
      const storage = await opened(bench);
      const entry = storageKey('long-metadata');
      const encoded = Array.from({ length: 2_500 }, (_, i) => String.fromCharCode(0x21 + (i % 94))).join('');
      await storage.put(entry, inMemory(new Uint8Array(1)), { ...metadata, encoded }, undefined, context);
      expect((await storage.stat(entry, context))?.metadata.encoded).toBe(encoded);
    });

    test('setting metadata keeps neither an old lifetime nor loses the new one', async () => {
      const storage = await opened(bench);
      const entry = storageKey('lifetime');
      const expiresAt = Date.now() + 3_600_000;
      const lasting = { ...metadata, expiresAt, cacheControl: 'max-age=60' };
      await storage.put(entry, inMemory(new Uint8Array(1)), lasting, undefined, context);
      const deleteAt = async () =>
        (await bench.send({ method: 'HEAD', key: entry, expect: [200] })).headers['x-delete-at'];
      expect(await deleteAt()).toBe(`${Math.ceil(expiresAt / 1_000)}`);
      await storage.setMetadata(entry, { ...lasting, expiresAt: expiresAt + 60_000 }, undefined, context);
      expect(await deleteAt()).toBe(`${Math.ceil(expiresAt / 1_000) + 60}`);
      expect((await storage.stat(entry, context))?.metadata.cacheControl).toBe('max-age=60');
      await storage.setMetadata(entry, metadata, undefined, context);
      expect(await deleteAt()).toBeUndefined();
    });

    test('a token that ends in the middle of a run is replaced without a failure', async () => {
      const { proxy, options } = await bench.proxied();
      const storage = bench.storage(options);
      onTestFinished(async () => {
        await storage.close();
        await proxy.close();
      });
      await storage.open(context);
      await storage.put(key, inMemory(new Uint8Array(10)), metadata, undefined, context);
      proxy.script({ fault: { kind: 'status', status: 401 }, path: /\/v1\/AUTH_/, times: 1 });
      const found = await storage.get(key, undefined, context);
      expect(found?.kind === 'entry' && (await found.body.bytes()).length).toBe(10);
    });

    if (name === 'swift-keystone') {
      test('a token that Keystone has revoked is replaced as well', async () => {
        const { proxy, options } = await bench.proxied();
        const tokens = new Set<string>();
        const server = await tapped(proxy.url, (token) => tokens.add(token));
        onTestFinished(async () => {
          await proxy.close();
        });
        const { AUTH_URL = '', ADMIN_USERNAME = '', ADMIN_API_KEY = '' } = bench.server.access;
        const admin = await KeystoneAdmin.logIn(AUTH_URL, ADMIN_USERNAME, ADMIN_API_KEY);
        await admin.objectStore(`tap-${new URL(server).port}`, server);
        const storage = bench.storage({ ...options, region: `tap-${new URL(server).port}` });
        await storage.open(context);
        onTestFinished(() => storage.close());
        await storage.put(key, inMemory(new Uint8Array(10)), metadata, undefined, context);
        expect(tokens.size).toBe(1);
        for (const token of tokens) await admin.revoke(token);
        // Swift asks Keystone again after a second.
        const tokensSeen = async () => {
          await storage.get(key, undefined, context);
          return tokens.size;
        };
        await expect.poll(tokensSeen, { interval: 500 }).toBe(2);
      });
    }
  });
}

/** Passes requests on and tells with which tokens they came. */
async function tapped(upstream: string, tell: (token: string) => void): Promise<string> {
  const { endpoint } = await service(async (request, response) => {
    const token = request.headers['x-auth-token'];
    if (typeof token === 'string') tell(token);
    const { request: send } = await import('undici');
    const { host: _host, connection: _connection, 'transfer-encoding': _coding, ...headers } = request.headers;
    const hasBody = request.method === 'PUT';
    const answer = await send(upstream + request.url, {
      method: (request.method ?? 'GET') as 'GET',
      headers,
      ...(hasBody && { body: Buffer.alloc(Number(request.headers['content-length'])) }),
    });
    response.writeHead(answer.statusCode, answer.headers);
    response.end(Buffer.from(await answer.body.arrayBuffer()));
  });
  return endpoint;
}

async function opened(bench: Bench): Promise<SwiftStorage> {
  const storage = bench.storage();
  await storage.open(context);
  onTestFinished(() => storage.close());
  return storage;
}
