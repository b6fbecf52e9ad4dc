import type { ServerResponse } from 'node:http';
import { inspect } from 'node:util';
import { service } from '@tintype-test/servers/scripted-service';
import {
  body,
  type FailingCloud,
  failureOf,
  inTime,
  key,
  metadata,
  storageOn,
  testStorageErrors,
} from '@tintype-test/servers/storage-errors';
import { expect, onTestFinished, test } from 'vitest';
import { context, optionsFor, scopeOf } from '../test/harness.ts';
import { answerNothing, refuse } from '../test/service.ts';
import { AbsStorage } from './storage.ts';

const abs: FailingCloud = {
  place: 'container photos',
  storage: (endpoint, requestTimeout = 0) =>
    new AbsStorage(optionsFor({ endpoint: `${endpoint}/account`, requestTimeout }), scopeOf('photos')),
  opens(opening, _request, response) {
    if (opening) answerNothing(response);
    return opening;
  },
  refuse: (response, { status, word, more, headers }) => refuse(response, status, word, more, headers),
};

const detail = (text: string) => `<AuthenticationErrorDetail>${text}</AuthenticationErrorDetail>`;

testStorageErrors(abs, {
  refusals: [
    [403, 'AuthenticationFailed', 'access-denied', 'KEY'],
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
    [403, 'AuthorizationFailure', 'access-denied', 'firewall'],
    [403, 'AuthorizationPermissionMismatch', 'access-denied', 'Storage Blob Data Contributor'],
    [403, 'KeyBasedAuthenticationNotPermitted', 'access-denied', 'identity'],
    [404, 'ContainerNotFound', 'misconfigured', 'no such container'],
    [404, 'ResourceNotFound', 'misconfigured', 'account'],
    [400, 'InvalidResourceName', 'misconfigured', 'container'],
    [503, 'ServerBusy', 'rate-limited', 'fewer requests'],
    [500, 'InternalError', 'unavailable', 'failed'],
    [500, 'OperationTimedOut', 'timeout', 'in time'],
    [429, 'TooManyRequests', 'rate-limited', 'fewer requests'],
    [409, 'BlobAlreadyExists', 'precondition-failed', 'already'],
    [412, 'ConditionNotMet', 'precondition-failed', 'condition'],
    [412, 'LeaseIdMissing', 'conflict', 'lease'],
    [409, 'BlobImmutableDueToPolicy', 'access-denied', 'policy'],
    [409, 'BlobArchived', 'misconfigured', 'archive'],
    [400, 'InvalidBlockList', 'conflict', 'another write'],
    [413, 'RequestBodyTooLarge', 'too-large', 'larger'],
    [507, 'Whatever', 'no-space', 'space'],
  ],
  applied: [
    [403, 'AuthenticationFailed', 'no'],
    [412, 'ConditionNotMet', 'no'],
    [503, 'ServerBusy', 'no'],
    [500, 'InternalError', 'unknown'],
    [500, 'OperationTimedOut', 'unknown'],
    [504, 'GatewayTimeout', 'unknown'],
  ],
  overload: [503, 'ServerBusy'],
  secrets: {
    status: 403,
    word: 'AuthenticationFailed',
    more: detail(
      "The MAC signature found in the HTTP request 'bWFj' is not the same as any computed signature. Server used following string to sign: 'PUT /account/photos'.",
    ),
    unsaid: ['bWFj', 'string to sign', 'SharedKey', optionsFor().key ?? ''],
  },
});

test('a signature stays out of the error of a connection that fails', async () => {
  const signature = {
    key: undefined,
    sasToken: 'sv=2026-06-06&sig=verysecret',
    endpoint: 'http://127.0.0.1:9/account',
  };
  const storage = new AbsStorage(optionsFor(signature), scopeOf('photos'));
  const error = await failureOf(storage.open(context));
  expect(error.code).toBe('unavailable');
  expect(inspect(error, { depth: 10, showHidden: true })).not.toContain('verysecret');
});

test('silence ends a request on a connection that was used before, too', async () => {
  const { endpoint } = await service((request, response) => {
    if (request.url?.includes('~tintype-probe')) answerNothing(response);
  });
  const storage = new AbsStorage(optionsFor({ endpoint, requestTimeout: 0.2 }), scopeOf('photos'));
  await inTime(() => storage.open(context));
  onTestFinished(() => storage.close());
  await expect(storage.get(key, undefined, context)).rejects.toMatchObject({ code: 'timeout' });
});

test('a body that ends short, or stops for too long, is an error', async () => {
  for (const stop of [(response: ServerResponse) => response.destroy(), () => undefined]) {
    const { endpoint } = await service((request, response) => {
      if (request.url?.includes('~tintype-probe')) return answerNothing(response);
      response.writeHead(200, { etag: '"a"', 'content-length': '1000000', 'content-type': 'image/png' });
      response.write(new Uint8Array(100_000), () => stop(response));
    });
    const storage = new AbsStorage(optionsFor({ endpoint, requestTimeout: 0.2 }), scopeOf('photos'));
    await inTime(() => storage.open(context));
    onTestFinished(() => storage.close());
    const entry = await inTime(() => storage.get(key, undefined, context));
    if (entry?.kind !== 'entry') throw new Error('it is not there');
    await expect(entry.body.bytes()).rejects.toMatchObject({ name: 'StorageError', retryable: true });
  }
});

test('without any right a storage refuses to open, and says which permissions it needs', async () => {
  const { endpoint } = await service((_request, response) => refuse(response, 403, 'AuthorizationPermissionMismatch'));
  const storage = new AbsStorage(optionsFor({ endpoint }), scopeOf('photos'));
  const refused = { code: 'access-denied', message: expect.stringContaining('rcwdl') };
  await expect(storage.open(context)).rejects.toMatchObject(refused);
});

test('check says which role or permission is missing', async () => {
  const storage = await storageOn(abs, (response) => refuse(response, 403, 'AuthorizationPermissionMismatch'));
  expect(await storage.check(context)).toMatchObject({ ok: false, problem: expect.stringContaining('rcwdl') });
});

test('a 404 of something that is no Azure is no miss', async () => {
  const storage = await storageOn(abs, (response) => {
    response.writeHead(404, { 'content-type': 'text/html' }).end('<html><h1>Not Found</h1></html>');
  });
  const refused = { code: 'misconfigured', message: expect.stringContaining('ENDPOINT') };
  expect(await failureOf(storage.get(key, undefined, context))).toMatchObject(refused);
  expect(await failureOf(storage.delete(key, undefined, context))).toMatchObject(refused);
  const unopened = await service((_request, response) => {
    response.writeHead(404, { 'content-type': 'text/html' }).end('<html><h1>Not Found</h1></html>');
  });
  const nowhere = new AbsStorage(optionsFor({ endpoint: unopened.endpoint }), scopeOf('photos'));
  await expect(nowhere.open(context)).rejects.toMatchObject(refused);
});

test('an answer without an ETag leaves a write in doubt, and a read is none', async () => {
  const storage = await storageOn(abs, (response) => {
    response.writeHead(response.req.method === 'PUT' ? 201 : 200).end();
  });
  const unversioned = { code: 'unavailable', message: 'The answer has no ETag.' };
  const read = await failureOf(storage.stat(key, context));
  expect(read).toMatchObject({ ...unversioned, applied: 'no' });
  const written = await failureOf(storage.put(key, body, metadata, undefined, context));
  expect(written).toMatchObject({ ...unversioned, applied: 'unknown' });
});
