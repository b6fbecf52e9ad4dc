import { storageKey, type Version } from '@tintype/core';
import { service } from '@tintype-test/servers/scripted-service';
import {
  type FailingCloud,
  failureOf,
  metadata,
  storageOn,
  testStorageErrors,
} from '@tintype-test/servers/storage-errors';
import { describe, expect, onTestFinished, test, vi } from 'vitest';
import { context, optionsFor, scopeOf } from '../test/harness.ts';
import { listNothing, refuse } from '../test/service.ts';
import { S3Storage } from './storage.ts';

const key = storageKey('k');

const s3: FailingCloud = {
  place: 'bucket photos',
  storage: (endpoint, requestTimeout = 10) =>
    new S3Storage(optionsFor({ endpoint, conditionalWrites: 'off', requestTimeout }), scopeOf('photos')),
  opens(opening, _request, response) {
    if (opening) listNothing(response);
    return opening;
  },
  refuse: (response, { status, word, more, headers }) => refuse(response, status, word, more, headers),
};

testStorageErrors(s3, {
  refusals: [
    [403, 'RequestTimeTooSkewed', 'misconfigured', 'clock'],
    [403, 'SignatureDoesNotMatch', 'access-denied', 'secret'],
    [403, 'InvalidAccessKeyId', 'access-denied', 'access key'],
    [400, 'ExpiredToken', 'access-denied', 'token'],
    [403, 'AccessDenied', 'access-denied', 's3:ListBucket'],
    [404, 'NoSuchBucket', 'misconfigured', 'no such bucket'],
    [301, 'PermanentRedirect', 'misconfigured', 'region'],
    [400, 'AuthorizationHeaderMalformed', 'misconfigured', 'region'],
    [503, 'SlowDown', 'rate-limited', 'fewer requests'],
    [503, 'ServiceUnavailable', 'unavailable', 'not available'],
    [500, 'InternalError', 'unavailable', 'failed'],
    [429, 'TooManyRequests', 'rate-limited', 'fewer requests'],
    [409, 'ConditionalRequestConflict', 'conflict', 'another write'],
    [412, 'PreconditionFailed', 'precondition-failed', 'condition'],
    [400, 'EntityTooLarge', 'too-large', 'larger'],
    [507, 'Whatever', 'no-space', 'space'],
  ],
  applied: [
    [403, 'AccessDenied', 'no'],
    [412, 'PreconditionFailed', 'no'],
    [503, 'SlowDown', 'no'],
    [500, 'InternalError', 'unknown'],
    [504, 'GatewayTimeout', 'unknown'],
  ],
  overload: [503, 'SlowDown'],
  secrets: {
    status: 403,
    word: 'SignatureDoesNotMatch',
    more: '<AWSAccessKeyId>AKIDEXAMPLE</AWSAccessKeyId><StringToSign>AWS4-HMAC</StringToSign>',
    unsaid: ['AKIDEXAMPLE', 'AWS4-HMAC', 'a-secret-of-tests'],
  },
});

test('without the right to list, check says what a 403 for a missing entry means', async () => {
  const storage = await storageOn(s3, (response) => refuse(response, 403, 'AccessDenied'));
  expect(await storage.check(context)).toMatchObject({ ok: false, problem: expect.stringContaining('s3:ListBucket') });
});

test('without the right to list a storage refuses to open, and says the same', async () => {
  const { endpoint } = await service((_request, response) => refuse(response, 403, 'AccessDenied'));
  const storage = new S3Storage(optionsFor({ endpoint }), scopeOf('photos'));
  await expect(storage.open(context)).rejects.toMatchObject({
    code: 'access-denied',
    message: expect.stringContaining('allow s3:ListBucket on arn:aws:s3:::photos'),
  });
});

describe('a role that cannot be assumed', () => {
  test.each([
    [
      403,
      'AccessDenied',
      /^S3 bucket photos: the role of ASSUME_ROLE_ARN may not be assumed.*\(AssumeRole, AccessDenied/,
    ],
    [403, 'InvalidClientTokenId', /the credentials are not accepted/],
    [403, 'ExpiredToken', /session token/],
  ])('%i %s is not taken for a refusal by the bucket', async (status, stsCode, sentence) => {
    const bucket = await service((_request, response) => listNothing(response));
    const sts = await service((_request, response) => {
      response.writeHead(status, { 'content-type': 'text/xml' });
      response.end(`<ErrorResponse><Error><Code>${stsCode}</Code><Message>No.</Message></Error></ErrorResponse>`);
    });
    vi.stubEnv('AWS_ENDPOINT_URL_STS', sts.endpoint);
    onTestFinished(() => void vi.unstubAllEnvs());
    const role = { assumeRoleArn: 'arn:aws:iam::123456789012:role/thumbnails' };
    const storage = new S3Storage(optionsFor({ endpoint: bucket.endpoint, ...role }), scopeOf('photos'));
    const error = await failureOf(storage.open(context));
    expect(error).toMatchObject({ code: 'access-denied', applied: 'no', message: expect.stringMatching(sentence) });
    expect(error.message).not.toContain('may not list');
    expect(await storage.check(context)).toMatchObject({ ok: false, problem: expect.stringMatching(sentence) });
    expect([sts.requests.length > 0, bucket.requests]).toEqual([true, []]);
  });
});

test('a 404 of something that is no S3 is no miss', async () => {
  const storage = await storageOn(s3, (response) => {
    response.writeHead(404, { 'content-type': 'text/html' }).end('<html><h1>Not Found</h1></html>');
  });
  const refused = { code: 'misconfigured', message: expect.stringContaining('ENDPOINT') };
  expect(await failureOf(storage.get(key, undefined, context))).toMatchObject(refused);
  expect(await failureOf(storage.delete(key, undefined, context))).toMatchObject(refused);
  const unopened = await service((_request, response) => {
    response.writeHead(404).end('Not Found');
  });
  const nowhere = new S3Storage(
    optionsFor({ endpoint: unopened.endpoint, conditionalWrites: 'off' }),
    scopeOf('photos'),
  );
  await expect(nowhere.open(context)).rejects.toMatchObject(refused);
});

test('an answer without an ETag leaves a write in doubt, and a read is none', async () => {
  const storage = await storageOn(s3, (response) => response.end('<CopyObjectResult></CopyObjectResult>'));
  const unversioned = { code: 'unavailable', message: 'The answer has no ETag.' };
  const read = await failureOf(storage.get(key, undefined, context));
  expect(read).toMatchObject({ ...unversioned, applied: 'no' });
  const written = await failureOf(storage.setMetadata(key, metadata, undefined, context));
  expect(written).toMatchObject({ ...unversioned, applied: 'unknown' });
});

test('metadata of what is not there is set nowhere, with a condition or without', async () => {
  // Honours every condition, at the end of a body as AWS does: it has one object, and no `k`.
  let etag: string | undefined;
  let writes = 0;
  const { endpoint } = await service((request, response) => {
    const { method, headers, url = '' } = request;
    request.on('end', () => {
      const holds = [undefined, etag].includes(headers['if-match']) && !(headers['if-none-match'] && etag);
      const isUpload = /[?&](?:uploads|uploadId)/.test(url);
      if (url.includes('/k?')) return refuse(response, 404, 'NoSuchKey');
      if (!holds) return refuse(response, 412, 'PreconditionFailed');
      if (method === 'POST') return response.end('<Result><UploadId>u</UploadId></Result>');
      if (method === 'PUT' && !isUpload) etag = `"${writes++}"`;
      if (method === 'DELETE' && !isUpload) etag = undefined;
      return response.setHeader('etag', etag ?? '"gone"').end();
    });
  });
  const storage = new S3Storage(optionsFor({ endpoint, conditionalWrites: 'auto' }), scopeOf('photos'));
  await storage.open(context);
  onTestFinished(() => storage.close());
  expect(storage.capabilities.conditionalMetadata).toBe(true);
  expect(await storage.setMetadata(key, metadata, undefined, context)).toBeUndefined();
  expect(await storage.setMetadata(key, metadata, { ifVersion: '"a"' as Version }, context)).toBeUndefined();
});
