import { type StorageError, storageKey } from '@tintype/core';
import { service } from '@tintype-test/servers/scripted-service';
import { afterEach, beforeEach, expect, onTestFinished, test, vi } from 'vitest';
import { context, optionsFor, scopeOf } from '../test/harness.ts';
import { refuse } from '../test/service.ts';
import { tlsService } from '../test/tls-service.ts';
import { toStorageError } from './errors.ts';
import { AbsStorage } from './storage.ts';

const key = storageKey('k');

/** No identity of the machine that runs the tests. */
beforeEach(() => {
  for (const variable of Object.keys(process.env)) {
    if (/^(AZURE_|IDENTITY_|MSI_)/.test(variable)) vi.stubEnv(variable, undefined);
  }
});
afterEach(() => {
  vi.unstubAllEnvs();
});

test('without a key the machine is asked who it is, once for many requests', async () => {
  const identity = await service((_request, response) => {
    const expires_on = Math.floor(Date.now() / 1_000) + 3_600;
    const token = { access_token: 'token-of-tests', expires_on, resource: 'storage', token_type: 'Bearer' };
    response.setHeader('content-type', 'application/json').end(JSON.stringify(token));
  });
  // As App Service and Container Apps tell it.
  vi.stubEnv('IDENTITY_ENDPOINT', identity.endpoint);
  vi.stubEnv('IDENTITY_HEADER', 'header-of-tests');
  vi.stubEnv('AZURE_TOKEN_CREDENTIALS', 'prod');
  const seen: (string | undefined)[] = [];
  const { endpoint } = await tlsService((request, response) => {
    seen.push(request.headers.authorization);
    refuse(response, 404, 'BlobNotFound');
  });
  const storage = new AbsStorage(optionsFor({ name: undefined, key: undefined, endpoint }), scopeOf('photos'));
  onTestFinished(() => storage.close());
  await storage.open(context);
  expect(await storage.get(key, undefined, context)).toBeUndefined();
  expect(seen).toEqual(['Bearer token-of-tests', 'Bearer token-of-tests']);
  expect(identity.requests.map(({ headers }) => headers['x-identity-header'])).toEqual(['header-of-tests']);
});

test('a machine that is nobody is told what to set', async () => {
  vi.stubEnv('AZURE_TOKEN_CREDENTIALS', 'EnvironmentCredential');
  const { endpoint } = await tlsService((_request, response) => response.end());
  const storage = new AbsStorage(optionsFor({ key: undefined, endpoint }), scopeOf('photos'));
  await expect(storage.open(context)).rejects.toMatchObject({
    code: 'misconfigured',
    message: expect.stringMatching(/no credentials were found.*AZURE_/),
  });
  expect(await storage.check(context)).toMatchObject({ ok: false, problem: expect.stringContaining('AZURE_') });
});

test('an identity that Entra ID refuses never reached the container', () => {
  const refused = Object.assign(new Error('AADSTS7000215: Invalid client secret provided.'), {
    name: 'AuthenticationError',
    statusCode: 401,
  });
  const error = toStorageError(refused, { bucket: 'photos', write: true }) as StorageError;
  const message = expect.stringMatching(/Entra ID does not accept .*AADSTS7000215/);
  expect(error).toMatchObject({ code: 'access-denied', applied: 'no', message });
});

test.each([
  ['AuthenticationError', 'invalid_request Status code: 400\n\n network_error: Network request failed'],
  ['AuthenticationError', 'unknown_error Status code: 503\nMore details:\nAn unknown error has occurred.'],
  ['AuthenticationError', 'AADSTS90033: A transient error has occurred. Please try again.'],
  [
    'AggregateAuthenticationError',
    'failed.\nCredentialUnavailableError: none\nAuthenticationRequiredError: network_error',
  ],
])('a login that got no answer is no refused one: %s, %s', (name, message) => {
  const failed = Object.assign(new Error(message), { name, statusCode: 400 });
  const error = toStorageError(failed, { bucket: 'photos', write: true });
  expect(error).toMatchObject({ code: 'unavailable', applied: 'no', retryable: true });
});

test('a certificate that nobody vouches for is for the operator', async () => {
  const { createServer } = await import('node:tls');
  const server = createServer().listen(0, '127.0.0.1');
  await new Promise((resolve) => server.once('listening', resolve));
  onTestFinished(() => {
    server.close();
  });
  const { port } = server.address() as { port: number };
  const storage = new AbsStorage(optionsFor({ endpoint: `https://127.0.0.1:${port}/account` }), scopeOf('photos'));
  await expect(storage.open(context)).rejects.toMatchObject({
    code: 'misconfigured',
    message: expect.stringContaining('TLS'),
  });
});
