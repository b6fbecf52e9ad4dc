import { verify } from 'node:crypto';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { gzipSync } from 'node:zlib';
import { storageKey, type Version } from '@tintype/core';
import { service } from '@tintype-test/servers/scripted-service';
import { describe, expect, onTestFinished, test, vi } from 'vitest';
import { context, optionsFor, publicKey, scopeOf, serviceAccount } from '../test/harness.ts';
import { refuse, refuseJson, say } from '../test/service.ts';
import { xmlAddress } from './addresses.ts';
import { isBucketName } from './bucket-name.ts';
import type { GcsStorageOptions } from './options.ts';
import { GcsStorage } from './storage.ts';

// What emulators do not check, and Google does.

const key = storageKey('a/b.webp');
const metadata = { encoded: 'x'.repeat(300), contentType: 'image/webp', cacheControl: 'max-age=60' };
const version = '17/3' as Version;
const made = { generation: '18', metageneration: '1' };

function bodyOf(bytes: Uint8Array) {
  return {
    bytes,
    size: bytes.length,
    replayable: true,
    async *stream() {
      yield bytes;
    },
  };
}

type Answering = (request: IncomingMessage, response: ServerResponse) => void;

/** A storage that is open, and the requests that come after that. */
async function storageOn(answer: Answering, options: Partial<GcsStorageOptions> = {}) {
  let opening = true;
  const { endpoint, requests } = await service((request, response) =>
    opening ? say(response, {}) : answer(request, response),
  );
  const storage = new GcsStorage(optionsFor({ endpoint, ...options }), scopeOf('photos'));
  await storage.open(context);
  onTestFinished(() => storage.close());
  opening = false;
  (requests as IncomingMessage[]).length = 0;
  return { storage, requests, asked: () => requests.map(({ method, url }) => `${method} ${url}`) };
}

function entry(response: ServerResponse, bytes: Uint8Array, more: Record<string, string> = {}): void {
  response.writeHead(200, {
    'content-length': `${bytes.length}`,
    'content-type': 'image/webp',
    'x-goog-generation': '17',
    'x-goog-metageneration': '3',
    'x-goog-meta-t0': 'm',
    ...more,
  });
  response.end(bytes);
}

test('a get is one request of the XML API: only there bytes and metadata come together', async () => {
  const { storage, asked } = await storageOn((_request, response) => entry(response, new Uint8Array(5)));
  const found = await storage.get(key, undefined, context);
  expect(found).toMatchObject({ version: '17/3', size: 5, metadata: { encoded: 'm', contentType: 'image/webp' } });
  expect(asked()).toEqual(['GET /photos/a/b.webp']);
});

test('bytes come as they are stored: nothing is decompressed by the service nor here', async () => {
  const packed = gzipSync('<svg/>');
  const { storage, requests } = await storageOn((_request, response) =>
    entry(response, packed, { 'content-encoding': 'gzip' }),
  );
  const found = await storage.get(key, undefined, context);
  expect(requests[0]?.headers['accept-encoding']).toBe('gzip');
  expect(found?.kind === 'entry' && Buffer.from(await found.body.bytes()).equals(packed)).toBe(true);
});

test('an answer without generations is no answer', async () => {
  const { storage } = await storageOn((_request, response) => response.setHeader('content-length', '1').end('x'));
  await expect(storage.get(key, undefined, context)).rejects.toMatchObject({ code: 'unavailable' });
});

describe('conditions go along as Google reads them', () => {
  const both = 'ifGenerationMatch=17&ifMetagenerationMatch=3';

  test.each([
    [{ ifAbsent: true } as const, 'ifGenerationMatch=0'],
    [{ ifVersion: version }, both],
    [undefined, undefined],
  ])('with a small put: %o', async (condition, query) => {
    const { storage, asked } = await storageOn((_request, response) => say(response, made));
    expect(await storage.put(key, bodyOf(new Uint8Array(9)), metadata, condition, context)).toBe('18/1');
    const conditions = query === undefined ? '' : `&${query}`;
    expect(asked()).toEqual([
      `POST /upload/storage/v1/b/photos/o?uploadType=multipart&name=a%2Fb.webp&fields=generation%2Cmetageneration${conditions}`,
    ]);
  });

  test('with the beginning of a resumable upload', async () => {
    const { storage, asked } = await storageOn((request, response) => {
      if (request.method === 'POST') {
        response.setHeader('location', `http://${request.headers.host}/session`).end();
      } else if (request.headers['content-range']?.endsWith('/*')) {
        response.writeHead(308, { range: `bytes=0-${8 * 1024 * 1024 - 1}` }).end();
      } else say(response, made);
    });
    const condition = { ifVersion: version };
    await storage.put(key, bodyOf(new Uint8Array(8 * 1024 * 1024 + 1)), metadata, condition, context);
    expect(asked()[0]).toMatch(new RegExp(`^POST /upload/storage/v1/b/photos/o\\?uploadType=resumable&.*&${both}$`));
  });

  test('with metadata, and with a deletion', async () => {
    const { storage, asked } = await storageOn((_request, response) => say(response, made));
    expect(await storage.setMetadata(key, metadata, { ifVersion: version }, context)).toBe('18/1');
    await storage.delete(key, { ifVersion: version }, context);
    expect(asked()).toEqual([
      `PATCH /storage/v1/b/photos/o/a%2Fb.webp?fields=generation%2Cmetageneration&${both}`,
      `DELETE /storage/v1/b/photos/o/a%2Fb.webp?${both}`,
    ]);
  });

  test('and a version that no object has is not even asked for', async () => {
    const { storage, asked } = await storageOn((_request, response) => say(response, made));
    const condition = { ifVersion: '"an-etag"' as Version };
    for (const work of [
      storage.put(key, bodyOf(new Uint8Array(1)), metadata, condition, context),
      storage.setMetadata(key, metadata, condition, context),
      storage.delete(key, condition, context),
    ]) {
      await expect(work).rejects.toMatchObject({ code: 'precondition-failed' });
    }
    expect(asked()).toEqual([]);
  });
});

test('a patch takes away what is not there any more, which a patch would leave alone', async () => {
  const bodies: string[] = [];
  const { storage } = await storageOn((request, response) => {
    request.setEncoding('utf8').on('data', (text: string) => bodies.push(text));
    request.on('end', () => say(response, made));
  });
  await storage.setMetadata(key, { encoded: 'x'.repeat(300), contentType: 'image/webp' }, undefined, context);
  const patch = JSON.parse(bodies.join(''));
  expect(patch).toMatchObject({ contentType: 'image/webp', cacheControl: null });
  expect(patch.metadata).toMatchObject({ t0: 'x'.repeat(250), t1: 'x'.repeat(50), t2: null, t27: null });
});

/** The fields that came in requests of JSON, `refused` of them answered with 400. */
async function patching(refused: number) {
  const sent: { readonly customTime?: string; readonly metadata: object }[] = [];
  const { storage } = await storageOn((request, response) => {
    let text = '';
    request.setEncoding('utf8').on('data', (piece: string) => {
      text += piece;
    });
    request.on('end', () => {
      const json = /\{.*\}/.exec(text)?.[0] ?? '';
      sent.push(JSON.parse(json));
      return sent.length <= refused ? refuseJson(response, 400, 'invalid') : say(response, made);
    });
  });
  return { storage, sent };
}

test('writes and changes of metadata set the time that the rule of a bucket counts from', async () => {
  const { storage, sent } = await patching(0);
  const before = Date.now();
  await storage.put(key, bodyOf(new TextEncoder().encode('x')), metadata, undefined, context);
  await storage.setMetadata(key, metadata, undefined, context);
  expect(sent).toHaveLength(2);
  for (const { customTime = '' } of sent) {
    expect(customTime).toMatch(/^\d{4}-\d\d-\d\dT\d\d:00:00\.000Z$/);
    expect(Date.parse(customTime)).toBeGreaterThan(before - 3_600_000);
    expect(Date.parse(customTime)).toBeLessThanOrEqual(Date.now());
  }
});

test('a time that is later already is left, and metadata are changed all the same', async () => {
  const { storage, sent } = await patching(1);
  expect(await storage.setMetadata(key, metadata, undefined, context)).toBe('18/1');
  expect(sent.map((fields) => 'customTime' in fields)).toEqual([true, false]);
  expect(sent[1]?.metadata).toEqual(sent[0]?.metadata);
});

test('what is refused with and without a time is refused', async () => {
  const { storage, sent } = await patching(2);
  await expect(storage.setMetadata(key, metadata, undefined, context)).rejects.toMatchObject({ code: 'internal' });
  expect(sent).toHaveLength(2);
});

test('a chunk of which the service kept less is sent again from there', async () => {
  const ranges: (string | undefined)[] = [];
  const chunk = 8 * 1024 * 1024;
  const { storage } = await storageOn((request, response) => {
    if (request.method === 'POST') {
      response.setHeader('location', `http://${request.headers.host}/session`).end();
      return;
    }
    ranges.push(request.headers['content-range']);
    request.on('end', () => {
      if (ranges.length === 1) response.writeHead(308, { range: `bytes=0-${chunk / 2 - 1}` }).end();
      else if (ranges.length === 2) response.writeHead(308, { range: `bytes=0-${chunk - 1}` }).end();
      else say(response, made);
    });
  });
  await storage.put(key, bodyOf(new Uint8Array(chunk + 10)), metadata, undefined, context);
  expect(ranges).toEqual([
    `bytes 0-${chunk - 1}/*`,
    `bytes ${chunk / 2}-${chunk - 1}/*`,
    `bytes ${chunk}-${chunk + 9}/${chunk + 10}`,
  ]);
});

describe('an upload whose last part is answered', () => {
  test.each([
    ['with no JSON', (response: ServerResponse) => response.end('<html>'), 'unavailable', 'unknown'],
    ['as unknown', (response: ServerResponse) => refuseJson(response, 404, 'notFound'), 'conflict', 'no'],
    ['as over', (response: ServerResponse) => refuseJson(response, 410, 'gone'), 'conflict', 'no'],
  ])('%s may be tried again', async (_, answer, code, applied) => {
    const { storage } = await storageOn((request, response) => {
      if (request.method === 'POST') {
        response.setHeader('location', `http://${request.headers.host}/session`).end();
        return;
      }
      if (request.method === 'DELETE') {
        response.writeHead(499).end();
        return;
      }
      request.on('end', () => {
        const range = request.headers['content-range'] ?? '/*';
        if (range.endsWith('/*')) response.writeHead(308, { range: `bytes=0-${8 * 1024 * 1024 - 1}` }).end();
        else answer(response);
      });
    });
    const put = storage.put(key, bodyOf(new Uint8Array(8 * 1024 * 1024 + 10)), metadata, undefined, context);
    await expect(put).rejects.toMatchObject({ code, applied, retryable: true });
  });
});

describe('the login', () => {
  test('goes with every request, signed by the key', async () => {
    const { storage, requests } = await storageOn((_request, response) => entry(response, new Uint8Array(1)), {
      key: serviceAccount(),
    });
    await storage.get(key, undefined, context);
    const token = requests[0]?.headers.authorization?.replace('Bearer ', '') ?? '';
    const [head = '', claims = '', signature = ''] = token.split('.');
    expect(verify('sha256', Buffer.from(`${head}.${claims}`), publicKey, Buffer.from(signature, 'base64url'))).toBe(
      true,
    );
    expect(JSON.parse(Buffer.from(claims, 'base64url').toString())).toMatchObject({
      iss: 'tester@a-project-of-tests.iam.gserviceaccount.com',
      scope: expect.stringContaining('devstorage'),
    });
  });

  test('of this machine goes to Google alone: other services are asked without one', async () => {
    const { storage, requests } = await storageOn((_request, response) => entry(response, new Uint8Array(1)));
    await storage.get(key, undefined, context);
    expect(requests[0]?.headers.authorization).toBeUndefined();
  });

  test('that has expired is made anew, and the request once more', async () => {
    let refusals = 0;
    const answer: Answering = (request, response) => {
      if (refusals++ === 0) refuse(response, 401, 'AuthenticationRequired');
      else if (request.method === 'GET') entry(response, new Uint8Array(1));
      else say(response, made);
    };
    const { storage, requests } = await storageOn(answer, { key: serviceAccount() });
    expect(await storage.put(key, bodyOf(new Uint8Array(9)), metadata, { ifAbsent: true }, context)).toBe('18/1');
    expect(requests).toHaveLength(2);
  });

  test('that is refused again is an error, and is not tried with every request', async () => {
    // No time passes but what the test says.
    vi.useFakeTimers({ toFake: ['performance'] });
    onTestFinished(() => void vi.useRealTimers());
    const answer: Answering = (_request, response) => refuseJson(response, 401, 'authError');
    const { storage, requests } = await storageOn(answer, { key: serviceAccount() });
    for (let i = 0; i < 3; i++) {
      await expect(storage.get(key, undefined, context)).rejects.toMatchObject({ code: 'access-denied' });
    }
    expect(requests).toHaveLength(4);
    vi.advanceTimersByTime(10_000);
    await expect(storage.get(key, undefined, context)).rejects.toMatchObject({ code: 'access-denied' });
    expect(requests).toHaveLength(6);
  });
});

test.each([
  ['a/b c#?.png', '/a/b%20c%23%3F.png'],
  ["it's(1)!*.png", '/it%27s%281%29%21%2A.png'],
  ['../secret/k', '/..%2Fsecret%2Fk'],
  ['a/./b', '/a%2F.%2Fb'],
  ['a%2e%2e/b', '/a%252e%252e/b'],
  ['a//b', '/a//b'],
])('the object %s has its path within the bucket', (name, path) => {
  const address = xmlAddress('https://storage.googleapis.com', 'photos', name);
  expect(address).toBe(`https://storage.googleapis.com/photos${path}`);
  expect(new URL(address).href).toBe(address);
});

test('no bucket can leave its place in a path', () => {
  const names = ['photos', 'my-photos.example.com', 'a_b', '..', '.', 'a..b', 'a/b', 'a%2fb', 'Photos', 'a'];
  expect(names.filter(isBucketName)).toEqual(['photos', 'my-photos.example.com', 'a_b']);
});
