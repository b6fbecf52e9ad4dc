import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { inspect } from 'node:util';
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
  storage: (endpoint, requestTimeout = 0) =>
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

describe('credentials that the SDK looks for by itself', () => {
  /** Nothing of the machine that runs the tests, and what the test says instead. */
  function findsOnly(variables: Readonly<Record<string, string>>): void {
    onTestFinished(() => void vi.unstubAllEnvs());
    for (const variable of Object.keys(process.env)) {
      if (variable.startsWith('AWS_')) vi.stubEnv(variable, undefined);
    }
    const nowhere = { AWS_CONFIG_FILE: '/nowhere', AWS_SHARED_CREDENTIALS_FILE: '/nowhere', AWS_REGION: 'us-east-1' };
    for (const [variable, value] of Object.entries({ ...nowhere, ...variables })) vi.stubEnv(variable, value);
  }

  /** A storage without keys of its own on a bucket that would list for anybody, and what that is asked. */
  async function unsigned() {
    const bucket = await service((_request, response) => listNothing(response));
    const keys = { accessKeyId: undefined, secretAccessKey: undefined };
    const options = optionsFor({ endpoint: bucket.endpoint, conditionalWrites: 'off', ...keys });
    return { storage: new S3Storage(options, scopeOf('photos')), bucket };
  }

  test('and that STS refuses are told as such, and not as a listing that is forbidden', async () => {
    const sts = await service((_request, response) => {
      response.writeHead(403, { 'content-type': 'text/xml' });
      response.end('<ErrorResponse><Error><Code>AccessDenied</Code><Message>No.</Message></Error></ErrorResponse>');
    });
    const folder = await mkdtemp(join(tmpdir(), 'tintype-token-'));
    onTestFinished(() => rm(folder, { recursive: true, force: true }));
    const token = join(folder, 'token');
    await writeFile(token, 'a-token-of-tests');
    // As Kubernetes gives a role to a pod.
    findsOnly({
      AWS_ENDPOINT_URL_STS: sts.endpoint,
      AWS_ROLE_ARN: 'arn:aws:iam::123456789012:role/thumbnails',
      AWS_WEB_IDENTITY_TOKEN_FILE: token,
    });
    const { storage, bucket } = await unsigned();
    const error = await failureOf(storage.open(context));
    const sentence =
      /the credentials that the SDK finds by itself are refused.*AWS_ROLE_ARN.*\(credentials, AccessDenied/;
    expect(error).toMatchObject({ code: 'access-denied', message: expect.stringMatching(sentence), applied: 'no' });
    expect(error.message).not.toContain('may not list');
    expect(inspect(error, { depth: 10, showHidden: true })).not.toContain('a-token-of-tests');
    expect(await storage.check(context)).toMatchObject({ ok: false, problem: expect.stringMatching(sentence) });
    expect([sts.requests.length > 0, bucket.requests]).toEqual([true, []]);
  });

  test('and that the container does not give out are told as such', async () => {
    const container = await service((_request, response) => response.writeHead(403).end('{}'));
    findsOnly({ AWS_CONTAINER_CREDENTIALS_FULL_URI: `${container.endpoint}/`, AWS_EC2_METADATA_DISABLED: 'true' });
    const { storage, bucket } = await unsigned();
    const error = await failureOf(storage.open(context));
    expect(error.message).toMatch(/credentials/);
    expect(error.message).not.toContain('may not list');
    expect(['access-denied', 'misconfigured']).toContain(error.code);
    expect([container.requests.length > 0, bucket.requests]).toEqual([true, []]);
  });

  test('and that are nowhere are told with what to set', async () => {
    findsOnly({ AWS_EC2_METADATA_DISABLED: 'true' });
    const { storage } = await unsigned();
    await expect(storage.open(context)).rejects.toMatchObject({
      code: 'misconfigured',
      message: expect.stringContaining('set ACCESS_KEY_ID and SECRET_ACCESS_KEY'),
    });
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
