import { service } from '@tintype-test/servers/scripted-service';
import {
  body,
  type FailingCloud,
  failureOf,
  key,
  metadata,
  storageOn,
  testStorageErrors,
} from '@tintype-test/servers/storage-errors';
import { expect, onTestFinished, test } from 'vitest';
import { context, optionsFor, scopeOf } from '../test/harness.ts';
import { logsIn, refuse } from '../test/service.ts';
import { SwiftStorage } from './storage.ts';

const swift: FailingCloud = {
  place: 'container photos',
  storage: (endpoint, timeoutSeconds = 0) =>
    new SwiftStorage(optionsFor({ authUrl: `${endpoint}/auth/v1.0`, timeoutSeconds }), scopeOf('photos')),
  opens(opening, request, response) {
    if (logsIn(request, response)) return true;
    if (opening) response.writeHead(200).end('[]');
    return opening;
  },
  refuse: (response, { status, headers }) => refuse(response, status, headers),
};

testStorageErrors(swift, {
  refusals: [
    [200, '', 'unavailable', 'not what Swift answers'],
    [302, '', 'unavailable', 'not what Swift answers'],
    [400, '', 'internal', 'refused'],
    [401, '', 'access-denied', 'new token'],
    [403, '', 'access-denied', 'right to read, write and list'],
    [404, '', 'misconfigured', 'no such container'],
    [408, '', 'timeout', 'waited too long'],
    [409, '', 'conflict', 'another write'],
    [412, '', 'precondition-failed', 'condition'],
    [413, '', 'too-large', 'larger'],
    [429, '', 'rate-limited', 'fewer requests'],
    [498, '', 'rate-limited', 'fewer requests'],
    [499, '', 'unavailable', 'connection'],
    [500, '', 'unavailable', 'failed'],
    [502, '', 'unavailable', 'failed'],
    [503, '', 'unavailable', 'not available'],
    [504, '', 'timeout', 'in time'],
    [507, '', 'no-space', 'space'],
  ],
  applied: [
    [403, '', 'no'],
    [412, '', 'no'],
    [429, '', 'no'],
    [500, '', 'unknown'],
    [504, '', 'unknown'],
  ],
  overload: [503, ''],
  secrets: {
    status: 403,
    word: '',
    headers: { 'x-echo': 'a-token a-secret-of-tests' },
    unsaid: ['a-token', 'a-secret-of-tests'],
  },
});

test('a write that was accepted without effect is a conflict, and can be tried again', async () => {
  const storage = await storageOn(swift, (response) => refuse(response, 202));
  const error = await failureOf(storage.put(key, body, metadata, undefined, context));
  expect(error).toMatchObject({ code: 'conflict', retryable: true, applied: 'no' });
});

test('silence of Swift ends after TIMEOUT_SECONDS, as that of the identity service', async () => {
  const { endpoint } = await service((request, response) => void logsIn(request, response));
  await expect(swift.storage(endpoint, 0.2).open(context)).rejects.toMatchObject({ code: 'timeout', retryable: true });
});

test('a refusal is told with what Swift calls the request in its logs', async () => {
  const storage = await storageOn(swift, (response) => refuse(response, 503));
  expect((await failureOf(storage.get(key, undefined, context))).message).toContain('HTTP 503, transaction tx0');
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
