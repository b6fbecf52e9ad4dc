import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
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
  // Or the SDK asks Google's own machines for the project first, for three seconds.
  vi.stubEnv('GOOGLE_CLOUD_PROJECT', 'a-project-of-tests');
  onTestFinished(() => {
    vi.unstubAllEnvs();
  });
}

test('a login that never answers is given up after REQUEST_TIMEOUT, and the next request makes another', async () => {
  // The SDK loads parts of itself with its first login, and may take all of the time for it: this one is refused at once.
  const refusing = await service((_request, response) => response.writeHead(400).end('{}'));
  await identityAt(refusing.endpoint);
  const url = 'https://storage.googleapis.com/photos/k';
  const first = await GcsConnection.open(optionsFor({ endpoint: undefined, key: undefined, requestTimeout: 30 }));
  await expect(first.send({ method: 'GET', url }, context.signal)).rejects.toMatchObject({ name: 'LoginError' });
  expect(refusing.requests).toHaveLength(1);
  first.close();

  const { endpoint, requests } = await service(() => undefined);
  await identityAt(endpoint);
  const connection = await GcsConnection.open(optionsFor({ endpoint: undefined, key: undefined, requestTimeout: 3 }));
  onTestFinished(() => connection.close());
  for (const logins of [1, 2]) {
    const error = await connection.send({ method: 'GET', url }, context.signal).catch((reason: unknown) => reason);
    expect(error).toMatchObject({ name: 'LoginError', cause: { code: 'ETIMEDOUT' } });
    expect(toStorageError(error, { bucket: 'photos', write: true })).toMatchObject({ code: 'timeout', applied: 'no' });
    expect(requests.map(({ url }) => url)).toEqual(Array(logins).fill('/identity'));
  }
}, 60_000);

describe('a login for which the service has no time', () => {
  test.each([
    [429, 'rate-limited'],
    [408, 'timeout'],
  ])(
    'is not a refused one: %i',
    async (status, code) => {
      const { endpoint } = await service((_request, response) => {
        response.writeHead(status, { 'retry-after': '7' }).end('{}');
      });
      await identityAt(endpoint);
      const connection = await GcsConnection.open(optionsFor({ endpoint: undefined, key: undefined }));
      onTestFinished(() => connection.close());
      const url = 'https://storage.googleapis.com/photos/k';
      const error = await connection.send({ method: 'GET', url }, context.signal).catch((reason: unknown) => reason);
      expect(toStorageError(error, { bucket: 'photos', write: true })).toMatchObject({
        code,
        applied: 'no',
        retryAfterMs: 7_000,
        message: expect.stringContaining(`login, HTTP ${status}`),
      });
    },
    30_000,
  );
});
