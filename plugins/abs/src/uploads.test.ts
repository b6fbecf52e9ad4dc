import type { Fault } from '@tintype/conformance';
import { type PutBody, storageKey } from '@tintype/core';
import { afterAll, describe, expect, onTestFinished, test, vi } from 'vitest';
import { type Bench, benchFor, context } from '../test/harness.ts';

vi.setConfig({ testTimeout: 60_000 });

const MiB = 1024 * 1024;
const metadata = { encoded: 'm', contentType: 'image/tiff' };

function streamed(size: number, failure?: Error): PutBody {
  return {
    bytes: undefined,
    size: undefined,
    replayable: false,
    async *stream() {
      for (let sent = 0; sent < size; sent += MiB) yield new Uint8Array(Math.min(MiB, size - sent)).fill(sent / MiB);
      if (failure !== undefined) throw failure;
    },
  };
}

const { bench, missing } = await benchFor('azurite');

describe('a body above 8 MiB', () => {
  if (bench === undefined) {
    test('is uploaded in blocks', ({ skip }) => skip(missing));
    return;
  }
  afterAll(() => bench.stop());

  test('goes in blocks of equal size, and one of 8 MiB in one request', async () => {
    const { storage, proxy } = await behindProxy(bench);
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
    const { storage, proxy } = await behindProxy(bench);
    for (let i = 0; i < 2; i++) await storage.put(storageKey('ids'), streamed(9 * MiB), metadata, undefined, context);
    const ids = proxy.requests.flatMap(({ path }) => new URL(path, proxy.url).searchParams.get('blockid') ?? []);
    expect(new Set(ids).size).toBe(4);
    expect(new Set(ids.map((id) => Buffer.from(id, 'base64').length)).size).toBe(1);
  });

  test('loses to a writer who came through meanwhile: a conflict, which may be tried again', async () => {
    const { storage } = await behindProxy(bench);
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

  test.each<[string, Fault, RegExp]>([
    ['a block is refused', { kind: 'status', status: 403 }, /comp=block&/],
    ['a block is throttled', { kind: 'status', status: 429 }, /comp=block&/],
    ['a block fails', { kind: 'status', status: 500 }, /comp=block&/],
    ['a block is lost', { kind: 'reset-before' }, /comp=block&/],
    ['the answer to a block is lost', { kind: 'reset-after' }, /comp=block&/],
    ['the commit is lost', { kind: 'reset-before' }, /comp=blocklist/],
    ['the commit fails', { kind: 'status', status: 500 }, /comp=blocklist/],
  ])('shows nowhere when %s', async (_when, fault, path) => {
    const { storage, proxy } = await behindProxy(bench);
    const key = storageKey('left');
    proxy.script({ fault, path, methods: ['PUT'] });
    await expect(storage.put(key, streamed(20 * MiB), metadata, undefined, context)).rejects.toMatchObject({
      name: 'StorageError',
    });
    expect(await storage.get(key, undefined, context)).toBeUndefined();
    expect(await Array.fromAsync(storage.list('left', undefined, context))).toEqual([]);
  });

  test('shows nowhere when its body breaks, or when it is given up', async () => {
    const { storage, proxy } = await behindProxy(bench);
    const key = storageKey('broken');
    const failure = new Error('the body broke');
    await expect(storage.put(key, streamed(12 * MiB, failure), metadata, undefined, context)).rejects.toBe(failure);
    const controller = new AbortController();
    const reason = new Error('gave up');
    proxy.script({ fault: { kind: 'silence' }, path: /comp=block&/ });
    const put = storage.put(key, streamed(20 * MiB), metadata, undefined, { signal: controller.signal });
    await vi.waitUntil(() => proxy.requests.some(({ fault }) => fault === 'silence'), { timeout: 20_000 });
    controller.abort(reason);
    await expect(put).rejects.toBe(reason);
    expect(await storage.stat(key, context)).toBeUndefined();
  });

  test('a hundred bodies that nobody reads do not keep fifty sockets', async () => {
    const storage = bench.storage({ maxSockets: 50 });
    await storage.open(context);
    onTestFinished(() => storage.close());
    const key = storageKey('unread');
    await storage.put(key, streamed(4 * MiB), metadata, undefined, context);
    for (let i = 0; i < 100; i++) {
      const entry = await storage.get(key, undefined, context);
      if (entry?.kind === 'entry') await entry.body.discard();
    }
    const entry = await storage.get(key, undefined, { signal: AbortSignal.timeout(5_000) });
    expect(entry?.kind === 'entry' && (await entry.body.bytes()).length).toBe(4 * MiB);
  });
});

async function behindProxy(on: Bench) {
  const { proxy, endpoint } = await on.proxy();
  const storage = on.storage({ endpoint });
  await storage.open(context);
  // What opening asked is not of interest.
  (proxy.requests as unknown[]).length = 0;
  onTestFinished(async () => {
    proxy.clear();
    await storage.close();
    await proxy.close();
  });
  return { storage, proxy };
}
