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
import { describe, expect, onTestFinished, test } from 'vitest';
import { context, optionsFor, scopeOf, serviceAccount } from '../test/harness.ts';
import { refuse, refuseJson, say } from '../test/service.ts';
import { toStorageError } from './errors.ts';
import { GcsStorage } from './storage.ts';

const gcs: FailingCloud = {
  place: 'bucket photos',
  storage: (endpoint, requestTimeout = 0) =>
    new GcsStorage(optionsFor({ endpoint, requestTimeout }), scopeOf('photos')),
  opens(opening, _request, response) {
    if (opening) say(response, {});
    return opening;
  },
  refuse: (response, { status, word, headers }) => refuseJson(response, status, word, headers),
};

testStorageErrors(gcs, {
  refusals: [
    [403, 'forbidden', 'access-denied', 'storage.objects.list'],
    [401, 'authError', 'access-denied', 'service account'],
    [403, 'accountDisabled', 'access-denied', 'billing'],
    [404, 'notFound', 'misconfigured', 'no such bucket'],
    [429, 'rateLimitExceeded', 'rate-limited', 'fewer requests'],
    [403, 'userRateLimitExceeded', 'rate-limited', 'fewer requests'],
    [403, 'quotaExceeded', 'no-space', 'quota'],
    [403, 'retentionPolicyNotMet', 'access-denied', 'retention'],
    [409, 'conflict', 'conflict', 'another write'],
    [412, 'conditionNotMet', 'precondition-failed', 'condition'],
    [413, 'uploadTooLarge', 'too-large', 'larger'],
    [400, 'invalid', 'internal', 'refused'],
    [503, 'backendError', 'unavailable', 'not available'],
    [507, 'whatever', 'no-space', 'space'],
  ],
  applied: [
    [403, 'forbidden', 'no'],
    [412, 'conditionNotMet', 'no'],
    [429, 'rateLimitExceeded', 'no'],
    [500, 'internalError', 'unknown'],
    [504, 'gatewayTimeout', 'unknown'],
  ],
  overload: [503, 'backendError'],
  secrets: { status: 403, word: 'forbidden', headers: { 'x-echo': 'Bearer a-token' }, unsaid: ['a-token'] },
});

describe('what the XML API says has a code and a sentence, too', () => {
  test.each([
    [403, 'AccessDenied', 'access-denied', 'storage.objects.list'],
    [401, 'AuthenticationRequired', 'access-denied', 'service account'],
    [404, 'NoSuchBucket', 'misconfigured', 'no such bucket'],
    [400, 'UserProjectMissing', 'misconfigured', 'paid for'],
    [503, 'SlowDown', 'rate-limited', 'fewer requests'],
    [503, 'ServiceUnavailable', 'unavailable', 'not available'],
    [500, 'InternalError', 'unavailable', 'failed'],
    [412, 'PreconditionFailed', 'precondition-failed', 'condition'],
    [301, 'Elsewhere', 'unavailable', 'ENDPOINT'],
  ])('%i %s', async (status, word, code, clause) => {
    const storage = await storageOn(gcs, (response) => refuse(response, status, word));
    const error = await failureOf(storage.get(key, undefined, context));
    expect(error).toMatchObject({ name: 'StorageError', code, message: expect.stringContaining(clause) });
    expect(error.message).toContain('bucket photos');
  });
});

test('a missing bucket is not a missing object, which both APIs answer with 404', async () => {
  const storage = await storageOn(gcs, (response) => refuse(response, 404, 'NoSuchKey'));
  expect(await storage.get(key, undefined, context)).toBeUndefined();
  const gone = await storageOn(gcs, (response) => {
    response.writeHead(404, { 'content-type': 'application/json' });
    response.end(
      '{"error":{"code":404,"message":"The specified bucket does not exist.","errors":[{"reason":"notFound"}]}}',
    );
  });
  expect((await failureOf(gone.stat(key, context))).code).toBe('misconfigured');
  expect((await failureOf(gone.delete(key, undefined, context))).code).toBe('misconfigured');
});

test('neither key nor token gets into an error, whatever the service repeats', async () => {
  const { endpoint, requests } = await service((request, response) =>
    refuse(response, 403, 'AccessDenied', `<Details>${request.headers.authorization}</Details>`),
  );
  const storage = new GcsStorage(optionsFor({ endpoint, key: serviceAccount() }), scopeOf('photos'));
  const shown = inspect(await failureOf(storage.open(context)), { depth: 10, showHidden: true });
  const token = requests[0]?.headers.authorization?.replace('Bearer ', '') ?? '';
  expect(token).not.toBe('');
  for (const secret of [token, 'PRIVATE KEY', 'a-key-id-of-tests']) expect(shown).not.toContain(secret);
});

test('silence within a body ends after REQUEST_TIMEOUT, too', async () => {
  const halting = await service((request, response) => {
    if (request.url?.includes('/o?')) return say(response, {});
    response.writeHead(200, { 'content-length': '100', 'x-goog-generation': '1', 'x-goog-metageneration': '1' });
    response.write('half');
  });
  const storage = new GcsStorage(optionsFor({ endpoint: halting.endpoint, requestTimeout: 0.2 }), scopeOf('photos'));
  await inTime(() => storage.open(context));
  onTestFinished(() => storage.close());
  // Where even the head of the answer comes late, it is the time-out of that.
  const code = expect.toBeOneOf(['unavailable', 'timeout']);
  await expect(storage.get(key, undefined, context)).rejects.toMatchObject({ code, retryable: true });
});

test('without the right to list, check says what a 403 for a missing object means', async () => {
  const storage = await storageOn(gcs, (response) => refuseJson(response, 403, 'forbidden'));
  expect(await storage.check(context)).toMatchObject({
    ok: false,
    problem: expect.stringContaining('storage.objects.list'),
  });
});

test('at open a 403 is about the right to list only where it says so', async () => {
  const opened = async (reason: string) => {
    const { endpoint } = await service((_request, response) =>
      refuseJson(response, 403, reason, { 'retry-after': '7' }),
    );
    return failureOf(new GcsStorage(optionsFor({ endpoint }), scopeOf('photos')).open(context));
  };
  const slow = await opened('userRateLimitExceeded');
  expect(slow).toMatchObject({ code: 'rate-limited', retryAfterMs: 7_000 });
  expect(slow.message).not.toContain('may not list');
  expect((await opened('accountDisabled')).message).toContain('billing');
  expect((await opened('forbidden')).message).toContain('may not list');
});

test('an answer without generations leaves a write in doubt, and a read is none', async () => {
  const storage = await storageOn(gcs, (response) => say(response, {}));
  const read = await failureOf(storage.get(key, undefined, context));
  expect(read).toMatchObject({ code: 'unavailable', applied: 'no' });
  const written = await failureOf(storage.put(key, body, metadata, undefined, context));
  expect(written).toMatchObject({ code: 'unavailable', applied: 'unknown' });
});

test('the address of an upload, by which anybody could write, gets into no error', () => {
  const failed = new Error('request to https://storage.example/o?uploadType=resumable&upload_id=ABC-secret failed');
  const shown = inspect(toStorageError(failed, { bucket: 'photos', write: true }), { depth: 10, showHidden: true });
  expect(shown).not.toContain('ABC-secret');
  expect(shown).toContain('upload_id=…');
});
