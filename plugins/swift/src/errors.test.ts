import type { ServerResponse } from 'node:http';
import { type StorageError, storageKey } from '@tintype/core';
import { describe, expect, onTestFinished, test } from 'vitest';
import { context, optionsFor, scopeOf } from '../test/harness.ts';
import { logsIn, refuse, service } from '../test/service.ts';
import { SwiftStorage } from './storage.ts';

const key = storageKey('k');
const metadata = { encoded: 'm', contentType: 'image/png' };
const bytes = new Uint8Array(10);
const body = {
  bytes,
  size: 10,
  replayable: true,
  async *stream() {
    yield bytes;
  },
};

/** A storage, opened while the service says that all is well; from then on it answers as told. */
async function storageOn(answer: (response: ServerResponse) => void): Promise<SwiftStorage> {
  let opening = true;
  const { endpoint } = await service((request, response) => {
    if (logsIn(request, response)) return;
    if (opening) response.writeHead(200).end('[]');
    else answer(response);
  });
  const storage = new SwiftStorage(optionsFor({ authUrl: `${endpoint}/auth/v1.0` }), scopeOf('photos'));
  await storage.open(context);
  opening = false;
  onTestFinished(() => storage.close());
  return storage;
}

async function failureOf(work: Promise<unknown>): Promise<StorageError> {
  return work.then(
    () => {
      throw new Error('it did not fail');
    },
    (error) => error,
  );
}

describe('what the service says has a code and a sentence for the operator', () => {
  test.each([
    [200, 'unavailable', 'not what Swift answers'],
    [302, 'unavailable', 'not what Swift answers'],
    [400, 'internal', 'refused'],
    [401, 'access-denied', 'new token'],
    [403, 'access-denied', 'right to read, write and list'],
    [404, 'misconfigured', 'no such container'],
    [408, 'timeout', 'waited too long'],
    [409, 'conflict', 'another write'],
    [412, 'precondition-failed', 'condition'],
    [413, 'too-large', 'larger'],
    [429, 'rate-limited', 'fewer requests'],
    [498, 'rate-limited', 'fewer requests'],
    [499, 'unavailable', 'connection'],
    [500, 'unavailable', 'failed'],
    [502, 'unavailable', 'failed'],
    [503, 'unavailable', 'not available'],
    [504, 'timeout', 'in time'],
    [507, 'no-space', 'space'],
  ])('%i', async (status, code, word) => {
    const storage = await storageOn((response) => refuse(response, status));
    const error = await failureOf(storage.put(key, body, metadata, undefined, context));
    expect(error).toMatchObject({ name: 'StorageError', code, message: expect.stringContaining(word) });
    expect(error.message).toContain('container photos');
    expect(error.message).toContain('transaction tx0');
  });
});

test('a write that was accepted without effect is a conflict, and can be tried again', async () => {
  const storage = await storageOn((response) => refuse(response, 202));
  const error = await failureOf(storage.put(key, body, metadata, undefined, context));
  expect(error).toMatchObject({ code: 'conflict', retryable: true, applied: 'no' });
});

test('what was refused did not happen; what may have happened is unknown', async () => {
  for (const [status, applied] of [
    [403, 'no'],
    [412, 'no'],
    [429, 'no'],
    [500, 'unknown'],
    [504, 'unknown'],
  ] as const) {
    const storage = await storageOn((response) => refuse(response, status));
    const put = await failureOf(storage.put(key, body, metadata, undefined, context));
    const get = await failureOf(storage.get(key, undefined, context));
    expect([status, put.applied, get.applied]).toEqual([status, applied, 'no']);
  }
});

test('Retry-After is told in milliseconds, as seconds or as a date', async () => {
  const headers: Record<string, string>[] = [
    { 'retry-after': '7' },
    { 'retry-after': new Date(Date.now() + 60_000).toUTCString() },
  ];
  const storage = await storageOn((response) => refuse(response, 503, headers.shift()));
  expect((await failureOf(storage.get(key, undefined, context))).retryAfterMs).toBe(7_000);
  const ms = (await failureOf(storage.get(key, undefined, context))).retryAfterMs ?? 0;
  expect(ms).toBeGreaterThan(50_000);
  expect(ms).toBeLessThanOrEqual(60_000);
});

test('neither password nor token gets into an error, whatever the service repeats', async () => {
  const storage = await storageOn((response) => refuse(response, 403, { 'x-echo': 'a-token a-secret-of-tests' }));
  const error = await failureOf(storage.get(key, undefined, context));
  const { inspect } = await import('node:util');
  const shown = inspect(error, { depth: 10, showHidden: true });
  for (const secret of ['a-token', 'a-secret-of-tests']) expect(shown).not.toContain(secret);
});

test('an answer without an end is a time-out', async () => {
  const storage = await storageOn(() => undefined);
  const signal = AbortSignal.timeout(100);
  await expect(storage.get(key, undefined, { signal })).rejects.toBe(await rejectionOf(signal));
});

describe('silence ends after TIMEOUT_SECONDS', () => {
  test('of the identity service', async () => {
    const { endpoint } = await service(() => undefined);
    const options = optionsFor({ authUrl: `${endpoint}/auth/v1.0`, timeoutSeconds: 0.2 });
    const storage = new SwiftStorage(options, scopeOf('b'));
    await expect(storage.open(context)).rejects.toMatchObject({ code: 'timeout', retryable: true });
  });

  test('of Swift', async () => {
    const { endpoint } = await service((request, response) => void logsIn(request, response));
    const options = optionsFor({ authUrl: `${endpoint}/auth/v1.0`, timeoutSeconds: 0.2 });
    const storage = new SwiftStorage(options, scopeOf('b'));
    await expect(storage.open(context)).rejects.toMatchObject({ code: 'timeout', retryable: true });
  });
});

test('a cluster that tells lower limits is believed', async () => {
  const { endpoint } = await service((request, response) => {
    if (logsIn(request, response)) return;
    const told = { swift: { max_file_size: 1_000_000, max_meta_overall_size: 2_048, container_listing_limit: 10 } };
    if (request.url === '/info') response.writeHead(200).end(JSON.stringify(told));
    else response.writeHead(200).end('[]');
  });
  const storage = new SwiftStorage(optionsFor({ authUrl: `${endpoint}/auth/v1.0` }), scopeOf('b'));
  expect(storage.capabilities.maxObjectBytes).toBe(5 * 1024 ** 3 + 2);
  await storage.open(context);
  onTestFinished(() => storage.close());
  expect(storage.capabilities).toMatchObject({ maxObjectBytes: 1_000_000, maxMetadataBytes: 1_920 });
});

async function rejectionOf(signal: AbortSignal): Promise<unknown> {
  if (!signal.aborted) await new Promise((resolve) => signal.addEventListener('abort', resolve));
  return signal.reason;
}

test('an answer that is no entry is given up with its connection', async () => {
  const closed = Promise.withResolvers<void>();
  const storage = await storageOn((response) => {
    response.on('close', closed.resolve);
    // The whole of what was asked for in part, and its end never comes.
    response.writeHead(200, { 'content-length': '200000', etag: '"a"' }).write('the beginning');
  });
  const error = await failureOf(Promise.resolve(storage.get(key, { first: 5, last: 9 }, context)));
  expect(error).toMatchObject({ code: 'internal', message: 'The service ignores byte ranges.' });
  await closed.promise;
  // Silence would end it, too, but later.
}, 3_000);
