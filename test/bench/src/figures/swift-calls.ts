import { randomBytes } from 'node:crypto';
import type { CacheStorage } from '@tintype/core';
import { SwiftStorage } from '@tintype/swift';
import { logInToSwift, type RunningServer, serverForTest } from '@tintype-test/servers';
import { Agent } from 'undici';
import { compareCalls, ENCODED, expectWhole, getWhole, METADATA, openStorage, SIZE } from '../cloud-calls.ts';
import type { Bench, Figure, Result } from '../figure.ts';

const CONTAINER = 'bench';

/** A put or a get of 20 KiB by the storage, its public side included, against a bare request of undici. */
export const swiftCalls: Figure = {
  name: 'swift-calls',
  title: 'Swift: put and get of 20 KiB against a bare request, on OpenStack Swift',
  async measure(bench) {
    const { server, missing } = await serverForTest('swift');
    if (server === undefined) throw new Error(missing);
    try {
      return await measureOn(bench, server);
    } finally {
      await server.stop();
    }
  },
};

async function measureOn(bench: Bench, server: RunningServer): Promise<readonly Result[]> {
  const { url, token } = await logInToSwift(server);
  const { origin, pathname } = new URL(url);
  const agent = new Agent({ connections: 50 });
  const ask = async (method: 'GET' | 'PUT', key: string, headers = {}, body?: Uint8Array) => {
    const answer = await agent.request({
      origin,
      path: `${pathname}/${CONTAINER}${key}`,
      method,
      headers: { 'x-auth-token': token, ...headers },
      ...(body !== undefined && { body }),
    });
    const bytes = await answer.body.bytes();
    if (answer.statusCode >= 300) throw new Error(`Swift answers ${answer.statusCode}`);
    return bytes;
  };
  await ask('PUT', '');
  const storage = await storageOn(server);
  const body = randomBytes(SIZE);
  const headers = { 'content-type': METADATA.contentType, 'x-object-meta-t0': ENCODED };
  try {
    const put = await compareCalls(
      bench,
      'put',
      (key) => storage.put(key, body, METADATA),
      (key) => ask('PUT', `/${key}`, headers, body),
    );
    const get = await compareCalls(
      bench,
      'get',
      (key) => getWhole(storage, key),
      async (key) => expectWhole(await ask('GET', `/${key}`)),
    );
    return [put, get];
  } finally {
    await storage.close();
    await agent.close();
  }
}

function storageOn({ access }: RunningServer): Promise<CacheStorage> {
  const adapter = new SwiftStorage(
    {
      username: access.USERNAME,
      apiKey: access.API_KEY,
      authUrl: access.AUTH_URL,
      authVersion: 1,
      tenant: undefined,
      domain: undefined,
      region: undefined,
      maxSockets: 50,
      timeoutSeconds: 60,
      connectTimeoutSeconds: 10,
    },
    { bucket: CONTAINER, bucketVariable: 'TINTYPE_CACHE_BUCKET', variablePrefix: 'TINTYPE_CACHE_SWIFT_' },
  );
  return openStorage('swift', adapter);
}
