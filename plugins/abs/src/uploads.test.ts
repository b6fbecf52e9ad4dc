import { storageKey } from '@tintype/core';
import {
  MiB,
  metadata,
  openBehindProxy,
  streamed,
  testUploads,
  type UploadBench,
} from '@tintype-test/servers/storage-uploads';
import { afterAll, describe, expect, test } from 'vitest';
import { benchFor, context } from '../test/harness.ts';

const { bench, missing } = await benchFor('azurite');

describe('a body above 8 MiB', () => {
  if (bench === undefined) {
    test('is uploaded in parts', ({ skip }) => skip(missing));
    return;
  }
  afterAll(() => bench.stop());

  const part = { path: /comp=block&/, methods: ['PUT'] };
  const commit = { path: /comp=blocklist/, methods: ['PUT'] };
  const uploads: UploadBench = {
    storage: (more) => bench.storage(more),
    async behindProxy() {
      const { proxy, endpoint } = await bench.proxy();
      return { storage: bench.storage({ endpoint }), proxy };
    },
    // Blocks that were not committed show nowhere, and Azure forgets them.
    async leftOvers() {
      const blobs = await Array.fromAsync(bench.client.listBlobsFlat({ prefix: 'left' }));
      return blobs.map(({ name }) => name);
    },
    part,
    trouble: [
      ['a part is refused', { kind: 'status', status: 403 }, part],
      ['a part is throttled', { kind: 'status', status: 429 }, part],
      ['a part fails', { kind: 'status', status: 500 }, part],
      ['the service is overloaded', { kind: 'status', status: 503, headers: { 'retry-after': '1' } }, part],
      ['a part is lost', { kind: 'reset-before' }, part],
      ['the answer to a part is lost', { kind: 'reset-after' }, part],
      ['the commit is lost', { kind: 'reset-before' }, commit],
      ['the commit fails', { kind: 'status', status: 500 }, commit],
    ],
  };
  testUploads(uploads);

  test('goes in parts of equal size, and one of 8 MiB in one request', async () => {
    const { storage, proxy } = await openBehindProxy(uploads);
    await storage.put(storageKey('whole'), streamed(8 * MiB), metadata, undefined, context);
    expect(proxy.requests.map(({ method }) => method)).toEqual(['PUT']);
    const before = proxy.requests.length;
    await storage.put(storageKey('parts'), streamed(17 * MiB), metadata, undefined, context);
    const paths = proxy.requests.slice(before).map(({ path }) => path);
    expect(paths.filter((path) => path.includes('comp=block&'))).toHaveLength(3);
    expect(paths).toHaveLength(4);
    const entry = await storage.get(storageKey('parts'), undefined, context);
    if (entry?.kind !== 'entry') throw new Error('it is not there');
    expect([entry.size, entry.metadata]).toEqual([17 * MiB, metadata]);
    const bytes = await entry.body.bytes();
    expect([0, 8 * MiB, 17 * MiB - 1].map((at) => bytes[at])).toEqual([0, 8, 16]);
  });

  test('has blocks of ids of one length that no other upload has', async () => {
    const { storage, proxy } = await openBehindProxy(uploads);
    for (let i = 0; i < 2; i++) await storage.put(storageKey('ids'), streamed(9 * MiB), metadata, undefined, context);
    const ids = proxy.requests.flatMap(({ path }) => new URL(path, proxy.url).searchParams.get('blockid') ?? []);
    expect(new Set(ids).size).toBe(4);
    expect(new Set(ids.map((id) => Buffer.from(id, 'base64').length)).size).toBe(1);
  });

  test('loses to a writer who came through meanwhile: a conflict, which may be tried again', async () => {
    const { storage } = await openBehindProxy(uploads);
    const key = storageKey('contested');
    const half = Promise.withResolvers<void>();
    const go = Promise.withResolvers<void>();
    const slow = storage.put(
      key,
      {
        ...streamed(0),
        async *stream() {
          yield* streamed(9 * MiB).stream();
          half.resolve();
          await go.promise;
          yield new Uint8Array(MiB);
        },
      },
      metadata,
      undefined,
      context,
    );
    await half.promise;
    const version = await storage.put(key, streamed(10 * MiB), metadata, undefined, context);
    go.resolve();
    await expect(slow).rejects.toMatchObject({ code: 'conflict', retryable: true, applied: 'no' });
    expect((await storage.stat(key, context))?.version).toBe(version);
  });
});
