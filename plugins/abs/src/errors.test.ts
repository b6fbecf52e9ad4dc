import type { ServerResponse } from 'node:http';
import { type StorageError, storageKey } from '@tintype/core';
import { describe, expect, onTestFinished, test } from 'vitest';
import { context, optionsFor, scopeOf } from '../test/harness.ts';
import { listNothing, refuse, service } from '../test/service.ts';
import { AbsStorage } from './storage.ts';

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

/** A storage, opened while the service lists nothing; from then on it answers as told. */
async function storageOn(answer: (response: ServerResponse) => void): Promise<AbsStorage> {
  let opening = true;
  const { endpoint } = await service((_request, response) => (opening ? listNothing(response) : answer(response)));
  const storage = new AbsStorage(optionsFor({ endpoint }), scopeOf('photos'));
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
  const detail = (text: string) => `<AuthenticationErrorDetail>${text}</AuthenticationErrorDetail>`;
  test.each([
    [403, 'AuthenticationFailed', 'access-denied', 'KEY', ''],
    [403, 'AuthenticationFailed', 'misconfigured', 'clock', detail('Request date header too old: Sun, 22 Nov 2026')],
    [
      403,
      'AuthenticationFailed',
      'access-denied',
      'signature has expired',
      detail('Signature not valid in the specified time frame: Start [x] - Expiry [y] - Current [z]'),
    ],
    [
      401,
      'InvalidAuthenticationInfo',
      'access-denied',
      'expired',
      detail('Lifetime validation failed. The token is expired.'),
    ],
    [403, 'AuthorizationFailure', 'access-denied', 'firewall', ''],
    [403, 'AuthorizationPermissionMismatch', 'access-denied', 'Storage Blob Data Contributor', ''],
    [403, 'KeyBasedAuthenticationNotPermitted', 'access-denied', 'identity', ''],
    [404, 'ContainerNotFound', 'misconfigured', 'no such container', ''],
    [404, 'ResourceNotFound', 'misconfigured', 'account', ''],
    [400, 'InvalidResourceName', 'misconfigured', 'container', ''],
    [503, 'ServerBusy', 'rate-limited', 'fewer requests', ''],
    [500, 'InternalError', 'unavailable', 'failed', ''],
    [500, 'OperationTimedOut', 'timeout', 'in time', ''],
    [429, 'TooManyRequests', 'rate-limited', 'fewer requests', ''],
    [409, 'BlobAlreadyExists', 'precondition-failed', 'already', ''],
    [412, 'ConditionNotMet', 'precondition-failed', 'condition', ''],
    [412, 'LeaseIdMissing', 'conflict', 'lease', ''],
    [409, 'BlobImmutableDueToPolicy', 'access-denied', 'policy', ''],
    [409, 'BlobArchived', 'misconfigured', 'archive', ''],
    [400, 'InvalidBlockList', 'conflict', 'another write', ''],
    [413, 'RequestBodyTooLarge', 'too-large', 'larger', ''],
    [507, 'Whatever', 'no-space', 'space', ''],
  ])('%i %s', async (status, absCode, code, word, more) => {
    const storage = await storageOn((response) => refuse(response, status, absCode, more));
    const error = await failureOf(storage.put(key, body, metadata, undefined, context));
    expect(error).toMatchObject({ name: 'StorageError', code, message: expect.stringContaining(word) });
    expect(error.message).toContain('container photos');
  });
});

test('what was refused did not happen; what may have happened is unknown', async () => {
  for (const [status, absCode, applied] of [
    [403, 'AuthenticationFailed', 'no'],
    [412, 'ConditionNotMet', 'no'],
    [503, 'ServerBusy', 'no'],
    [500, 'InternalError', 'unknown'],
    [500, 'OperationTimedOut', 'unknown'],
    [504, 'GatewayTimeout', 'unknown'],
  ] as const) {
    const storage = await storageOn((response) => refuse(response, status, absCode));
    const put = await failureOf(storage.put(key, body, metadata, undefined, context));
    const get = await failureOf(Promise.resolve(storage.get(key, undefined, context)));
    expect([absCode, put.applied, get.applied]).toEqual([absCode, applied, 'no']);
  }
});

test('Retry-After is told in milliseconds, as seconds or as a date', async () => {
  const headers: Record<string, string>[] = [
    { 'retry-after': '7' },
    { 'retry-after': new Date(Date.now() + 60_000).toUTCString() },
  ];
  const storage = await storageOn((response) => refuse(response, 503, 'ServerBusy', '', headers.shift()));
  expect((await failureOf(storage.get(key, undefined, context))).retryAfterMs).toBe(7_000);
  const ms = (await failureOf(storage.get(key, undefined, context))).retryAfterMs ?? 0;
  expect(ms).toBeGreaterThan(50_000);
  expect(ms).toBeLessThanOrEqual(60_000);
});

test('neither key nor signature gets into an error, whatever the service repeats', async () => {
  const said =
    "The MAC signature found in the HTTP request 'bWFj' is not the same as any computed signature. Server used following string to sign: 'PUT /account/photos'.";
  const storage = await storageOn((response) =>
    refuse(response, 403, 'AuthenticationFailed', `<AuthenticationErrorDetail>${said}</AuthenticationErrorDetail>`),
  );
  const error = await failureOf(storage.get(key, undefined, context));
  const { inspect } = await import('node:util');
  const shown = inspect(error, { depth: 10, showHidden: true });
  for (const secret of ['bWFj', 'string to sign', 'SharedKey', optionsFor().key ?? '']) {
    expect(shown).not.toContain(secret);
  }
});

test('a signature stays out of the error of a connection that fails', async () => {
  const signature = {
    key: undefined,
    sasToken: 'sv=2026-06-06&sig=verysecret',
    endpoint: 'http://127.0.0.1:9/account',
  };
  const storage = new AbsStorage(optionsFor(signature), scopeOf('photos'));
  const error = await failureOf(storage.open(context));
  const { inspect } = await import('node:util');
  expect(error.code).toBe('unavailable');
  expect(inspect(error, { depth: 10, showHidden: true })).not.toContain('verysecret');
});

test('an answer without an end is a time-out', async () => {
  const storage = await storageOn(() => undefined);
  const signal = AbortSignal.timeout(100);
  await expect(storage.get(key, undefined, { signal })).rejects.toBe(await rejectionOf(signal));
});

test('silence ends after REQUEST_TIMEOUT', async () => {
  const { endpoint } = await service(() => undefined);
  const storage = new AbsStorage(optionsFor({ endpoint, requestTimeout: 0.2 }), scopeOf('b'));
  await expect(storage.open(context)).rejects.toMatchObject({ code: 'timeout', retryable: true });
});

test('silence ends a request on a connection that was used before, too', async () => {
  let asked = 0;
  const { endpoint } = await service((_request, response) => {
    if (asked++ === 0) listNothing(response);
  });
  const storage = new AbsStorage(optionsFor({ endpoint, requestTimeout: 0.2 }), scopeOf('b'));
  await storage.open(context);
  onTestFinished(() => storage.close());
  await expect(storage.get(key, undefined, context)).rejects.toMatchObject({ code: 'timeout' });
});

test('a body that ends short, or stops for too long, is an error', async () => {
  for (const stop of [(response: ServerResponse) => response.destroy(), () => undefined]) {
    const { endpoint } = await service((request, response) => {
      if (request.url?.includes('comp=list')) return listNothing(response);
      response.writeHead(200, { etag: '"a"', 'content-length': '1000000', 'content-type': 'image/png' });
      response.write(new Uint8Array(100_000), () => stop(response));
    });
    const storage = new AbsStorage(optionsFor({ endpoint, requestTimeout: 0.2 }), scopeOf('b'));
    await storage.open(context);
    onTestFinished(() => storage.close());
    const entry = await storage.get(key, undefined, context);
    if (entry?.kind !== 'entry') throw new Error('it is not there');
    await expect(entry.body.bytes()).rejects.toMatchObject({ name: 'StorageError', retryable: true });
  }
});

test('without the right to list a storage refuses to open, and says which permissions it needs', async () => {
  const { endpoint } = await service((_request, response) => refuse(response, 403, 'AuthorizationPermissionMismatch'));
  const storage = new AbsStorage(optionsFor({ endpoint }), scopeOf('photos'));
  const refused = { code: 'access-denied', message: expect.stringContaining('rcwdl') };
  await expect(storage.open(context)).rejects.toMatchObject(refused);
});

test('check says which role or permission is missing', async () => {
  const storage = await storageOn((response) => refuse(response, 403, 'AuthorizationPermissionMismatch'));
  expect(await storage.check(context)).toMatchObject({ ok: false, problem: expect.stringContaining('rcwdl') });
});

async function rejectionOf(signal: AbortSignal): Promise<unknown> {
  if (!signal.aborted) await new Promise((resolve) => signal.addEventListener('abort', resolve));
  return signal.reason;
}

test('a 404 of something that is no Azure is no miss', async () => {
  const storage = await storageOn((response) => {
    response.writeHead(404, { 'content-type': 'text/html' }).end('<html><h1>Not Found</h1></html>');
  });
  const refused = { code: 'misconfigured', message: expect.stringContaining('ENDPOINT') };
  expect(await failureOf(Promise.resolve(storage.get(key, undefined, context)))).toMatchObject(refused);
  expect(await failureOf(storage.delete(key, undefined, context))).toMatchObject(refused);
  const unopened = await service((_request, response) => {
    response.writeHead(404, { 'content-type': 'text/html' }).end('<html><h1>Not Found</h1></html>');
  });
  const nowhere = new AbsStorage(optionsFor({ endpoint: unopened.endpoint }), scopeOf('photos'));
  await expect(nowhere.open(context)).rejects.toMatchObject(refused);
});

test('an answer without an ETag leaves a write in doubt, and a read is none', async () => {
  const storage = await storageOn((response) => {
    response.writeHead(response.req.method === 'PUT' ? 201 : 200).end();
  });
  const unversioned = { code: 'unavailable', message: 'The answer has no ETag.' };
  const read = await failureOf(Promise.resolve(storage.stat(key, context)));
  expect(read).toMatchObject({ ...unversioned, applied: 'no' });
  const written = await failureOf(storage.put(key, body, metadata, undefined, context));
  expect(written).toMatchObject({ ...unversioned, applied: 'unknown' });
});

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
