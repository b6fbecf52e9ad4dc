import { type Fault, FaultProxy } from '@tintype/conformance';
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

const { bench, missing } = await benchFor('fake-gcs-server');

describe('a body above 8 MiB', () => {
  if (bench === undefined) {
    test('is uploaded in chunks', ({ skip }) => skip(missing));
    return;
  }
  afterAll(() => bench.stop());

  test('goes in chunks of equal size, and one of 8 MiB in one request', async () => {
    const { storage, proxy } = await behindProxy(bench);
    await storage.put(storageKey('whole'), streamed(8 * MiB), metadata, undefined, context);
    expect(proxy.requests.map(({ method }) => method)).toEqual(['POST']);
    const before = proxy.requests.length;
    await storage.put(storageKey('chunks'), streamed(17 * MiB), metadata, undefined, context);
    expect(proxy.requests.slice(before).map(({ method }) => method)).toEqual(['POST', 'PUT', 'PUT', 'PUT']);
    const entry = await storage.get(storageKey('chunks'), undefined, context);
    if (entry?.kind !== 'entry') throw new Error('it is not there');
    expect(entry.size).toBe(17 * MiB);
    await entry.body.discard();
  });

  test.each<[string, Fault, RegExp, readonly string[], number?]>([
    ['a chunk is refused', { kind: 'status', status: 403 }, /upload_id/, ['PUT'], 1],
    ['a chunk is throttled', { kind: 'status', status: 429 }, /upload_id/, ['PUT'], 1],
    ['a chunk fails', { kind: 'status', status: 500 }, /upload_id/, ['PUT']],
    [
      'the service is overloaded',
      { kind: 'status', status: 503, headers: { 'retry-after': '1' } },
      /upload_id/,
      ['PUT'],
      1,
    ],
    ['a chunk is lost', { kind: 'reset-before' }, /upload_id/, ['PUT'], 1],
    ['the answer to a chunk is lost', { kind: 'reset-after' }, /upload_id/, ['PUT'], 1],
    ['the beginning is lost', { kind: 'reset-before' }, /uploadType=resumable/, ['POST']],
    ['the end is lost', { kind: 'reset-before' }, /upload_id/, ['PUT'], 2],
    ['the end fails', { kind: 'status', status: 500 }, /upload_id/, ['PUT'], 2],
  ])('leaves no upload behind when %s', async (_when, fault, path, methods, after = 0) => {
    const { storage, proxy } = await behindProxy(bench);
    proxy.script({ fault, path, methods, after });
    await expect(
      storage.put(storageKey('left'), streamed(20 * MiB), metadata, undefined, context),
    ).rejects.toMatchObject({
      name: 'StorageError',
    });
    expect(await bench.openUploads()).toEqual([]);
    expect(await storage.get(storageKey('left'), undefined, context)).toBeUndefined();
  });

  test('leaves no upload behind when its body breaks', async () => {
    const { storage } = await behindProxy(bench);
    const failure = new Error('the body broke');
    const put = storage.put(storageKey('left'), streamed(12 * MiB, failure), metadata, undefined, context);
    await expect(put).rejects.toBe(failure);
    expect(await bench.openUploads()).toEqual([]);
  });

  test('leaves no upload behind when it is given up', async () => {
    const { storage, proxy } = await behindProxy(bench);
    const controller = new AbortController();
    const reason = new Error('gave up');
    proxy.script({ fault: { kind: 'silence' }, path: /upload_id/, methods: ['PUT'], after: 1 });
    const put = storage.put(storageKey('left'), streamed(20 * MiB), metadata, undefined, { signal: controller.signal });
    await vi.waitUntil(() => proxy.requests.some(({ fault }) => fault === 'silence'), { timeout: 20_000 });
    controller.abort(reason);
    await expect(put).rejects.toBe(reason);
    expect(await bench.openUploads()).toEqual([]);
  });

  test('leaves no upload behind although cancelling fails too: at the latest close does it', async () => {
    const { storage, proxy } = await behindProxy(bench);
    proxy.script({ fault: { kind: 'status', status: 500 }, methods: ['PUT'], after: 1 });
    proxy.script({ fault: { kind: 'reset-before' }, methods: ['DELETE'] });
    await expect(
      storage.put(storageKey('left'), streamed(20 * MiB), metadata, undefined, context),
    ).rejects.toMatchObject({ code: 'unavailable' });
    expect(await bench.openUploads()).toHaveLength(1);
    proxy.clear();
    await storage.close();
    expect(await bench.openUploads()).toEqual([]);
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

  test('of 256 MiB goes through in both directions without being held', async () => {
    const storage = bench.storage();
    await storage.open(context);
    onTestFinished(() => storage.close());
    const key = storageKey('large');
    let most = 0;
    const before = held();
    const body = streamed(256 * MiB);
    const watched: PutBody = {
      ...body,
      async *stream() {
        for await (const chunk of body.stream()) {
          most = Math.max(most, held() - before);
          yield chunk;
        }
      },
    };
    await storage.put(key, watched, metadata, undefined, context);
    const entry = await storage.get(key, undefined, context);
    if (entry?.kind !== 'entry') throw new Error('it is not there');
    let size = 0;
    for await (const chunk of entry.body.stream()) {
      if (chunk[0] !== Math.floor(size / MiB) % 256) throw new Error(`Other bytes came at ${size}.`);
      size += chunk.length;
      most = Math.max(most, held() - before);
    }
    expect(size).toBe(256 * MiB);
    expect(most).toBeLessThan(128 * MiB);
    await storage.delete(key, undefined, context);
  });
});

async function behindProxy(on: Bench) {
  const proxy = await new FaultProxy(on.server.endpoint).listen();
  const storage = on.storage({ endpoint: proxy.url });
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

/** Bytes outside of the heap, where bodies lie. */
function held(): number {
  const { arrayBuffers } = process.memoryUsage();
  return arrayBuffers;
}
