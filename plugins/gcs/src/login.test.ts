import { existsSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { service } from '@tintype-test/servers/scripted-service';
import { describe, expect, onTestFinished, test, vi } from 'vitest';
import { context, optionsFor } from '../test/harness.ts';
import { GcsConnection } from './client.ts';
import { toStorageError } from './errors.ts';

/** Credentials of a machine whose identity is asked for at `url`. */
async function identityAt(url: string): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), 'tintype-gcs-login-'));
  onTestFinished(() => rm(folder, { recursive: true }));
  const file = join(folder, 'credentials.json');
  const credentials = {
    type: 'external_account',
    audience: '//iam.googleapis.com/projects/1/locations/global/workloadIdentityPools/a/providers/b',
    subject_token_type: 'urn:ietf:params:oauth:token-type:jwt',
    token_url: `${url}/token`,
    credential_source: { url: `${url}/identity` },
  };
  await writeFile(file, JSON.stringify(credentials));
  vi.stubEnv('GOOGLE_APPLICATION_CREDENTIALS', file);
  onTestFinished(() => {
    vi.unstubAllEnvs();
  });
}

/** A connection to Google by the credentials of this machine. @param requestTimeout 0 = no limit. */
async function toGoogle(requestTimeout = 0): Promise<GcsConnection> {
  const connection = await GcsConnection.open(optionsFor({ endpoint: undefined, key: undefined, requestTimeout }));
  onTestFinished(() => connection.close());
  return connection;
}

const url = 'https://storage.googleapis.com/photos/k';

test('a login that never answers is given up after REQUEST_TIMEOUT, and the next request makes another', async () => {
  const { endpoint, requests } = await service(() => undefined);
  await identityAt(endpoint);
  const connection = await toGoogle(1);
  for (const logins of [1, 2]) {
    const error = await connection.send({ method: 'GET', url }, context.signal).catch((reason: unknown) => reason);
    expect(error).toMatchObject({ name: 'LoginError', cause: { code: 'ETIMEDOUT' } });
    expect(toStorageError(error, { bucket: 'photos', write: true })).toMatchObject({ code: 'timeout', applied: 'no' });
    // The SDK loads parts of itself with its first login, which may come after it was given up.
    await expect.poll(() => requests.map(({ url }) => url)).toEqual(Array(logins).fill('/identity'));
  }
});

test('a login asks nobody for a project: neither gcloud nor a metadata server', async () => {
  const metadata = await service((_request, response) => {
    response.writeHead(200, { 'metadata-flavor': 'Google' }).end('a-project-of-tests');
  });
  vi.stubEnv('GCE_METADATA_HOST', new URL(metadata.endpoint).host);
  const folder = await mkdtemp(join(tmpdir(), 'tintype-gcs-gcloud-'));
  onTestFinished(() => rm(folder, { recursive: true }));
  const ran = join(folder, 'ran');
  await writeFile(join(folder, 'gcloud'), `#!/bin/sh\n: > '${ran}'\nexit 1\n`, { mode: 0o755 });
  vi.stubEnv('PATH', `${folder}${delimiter}${process.env.PATH}`);
  for (const variable of ['GCLOUD_PROJECT', 'GOOGLE_CLOUD_PROJECT', 'gcloud_project', 'google_cloud_project']) {
    vi.stubEnv(variable, undefined);
  }
  const { endpoint, requests } = await service((_request, response) => response.writeHead(400).end('{}'));
  await identityAt(endpoint);
  const connection = await toGoogle();
  await expect(connection.send({ method: 'GET', url }, context.signal)).rejects.toMatchObject({ name: 'LoginError' });
  expect(requests.map(({ url }) => url)).toEqual(['/identity']);
  expect(metadata.requests.map(({ url }) => url)).toEqual([]);
  expect(existsSync(ran)).toBe(false);
});

describe('a login for which the service has no time', () => {
  test.each([
    [429, 'rate-limited'],
    [408, 'timeout'],
  ])('is not a refused one: %i', async (status, code) => {
    const { endpoint } = await service((_request, response) => {
      response.writeHead(status, { 'retry-after': '7' }).end('{}');
    });
    await identityAt(endpoint);
    const connection = await toGoogle();
    const error = await connection.send({ method: 'GET', url }, context.signal).catch((reason: unknown) => reason);
    expect(toStorageError(error, { bucket: 'photos', write: true })).toMatchObject({
      code,
      applied: 'no',
      retryAfterMs: 7_000,
      message: expect.stringContaining(`login, HTTP ${status}`),
    });
  });
});
