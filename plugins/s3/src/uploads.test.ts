import { AbortMultipartUploadCommand, CreateMultipartUploadCommand, UploadPartCommand } from '@aws-sdk/client-s3';
import { type Fault, FaultProxy } from '@tintype/conformance';
import { type PutBody, parts, storageKey } from '@tintype/core';
import { afterAll, describe, expect, onTestFinished, test, vi } from 'vitest';
import { type Bench, benchFor, context } from '../test/harness.ts';
import { S3Connection } from './client.ts';
import { ABANDONED_MS, PART_BYTES, S3Uploads } from './uploads.ts';

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

const { bench, missing } = await benchFor('versitygw');

describe('a body above 8 MiB', () => {
  if (bench === undefined) {
    test('is uploaded in parts', ({ skip }) => skip(missing));
    return;
  }
  afterAll(() => bench.stop());

  test('goes in parts of equal size, and one of 8 MiB in one request', async () => {
    const { storage, proxy } = await behindProxy(bench);
    await storage.put(storageKey('whole'), streamed(8 * MiB), metadata, undefined, context);
    expect(proxy.requests.map(({ method }) => method)).toEqual(['PUT']);
    const before = proxy.requests.length;
    await storage.put(storageKey('parts'), streamed(17 * MiB), metadata, undefined, context);
    const parts = proxy.requests.slice(before).filter(({ path }) => path.includes('partNumber'));
    expect(parts).toHaveLength(3);
    const entry = await storage.get(storageKey('parts'), undefined, context);
    if (entry?.kind !== 'entry') throw new Error('it is not there');
    expect(entry.size).toBe(17 * MiB);
    await entry.body.discard();
  });

  test.each<[string, Fault, RegExp, readonly string[]]>([
    ['a part is refused', { kind: 'status', status: 403 }, /partNumber=2/, ['PUT']],
    ['a part is throttled', { kind: 'status', status: 429 }, /partNumber=2/, ['PUT']],
    ['a part fails', { kind: 'status', status: 500 }, /partNumber=1/, ['PUT']],
    [
      'the service is overloaded',
      { kind: 'status', status: 503, headers: { 'retry-after': '1' } },
      /partNumber=2/,
      ['PUT'],
    ],
    ['a part is lost', { kind: 'reset-before' }, /partNumber=2/, ['PUT']],
    ['the answer to a part is lost', { kind: 'reset-after' }, /partNumber=2/, ['PUT']],
    ['the beginning is lost', { kind: 'reset-before' }, /uploads/, ['POST']],
    ['the completion is lost', { kind: 'reset-before' }, /uploadId/, ['POST']],
    ['the completion fails', { kind: 'status', status: 500 }, /uploadId/, ['POST']],
  ])('leaves no upload behind when %s', async (_when, fault, path, methods) => {
    const { storage, proxy } = await behindProxy(bench);
    proxy.script({ fault, path, methods });
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
    proxy.script({ fault: { kind: 'silence' }, path: /partNumber=2/ });
    const put = storage.put(storageKey('left'), streamed(20 * MiB), metadata, undefined, { signal: controller.signal });
    await vi.waitUntil(() => proxy.requests.some(({ fault }) => fault === 'silence'), { timeout: 20_000 });
    controller.abort(reason);
    await expect(put).rejects.toBe(reason);
    expect(await bench.openUploads()).toEqual([]);
  });

  test('leaves no upload behind although aborting fails too: at the latest close does it', async () => {
    const { storage, proxy } = await behindProxy(bench);
    proxy.script({ fault: { kind: 'status', status: 500 }, path: /partNumber=2/ });
    proxy.script({ fault: { kind: 'reset-before' }, methods: ['DELETE'] });
    await expect(
      storage.put(storageKey('left'), streamed(20 * MiB), metadata, undefined, context),
    ).rejects.toMatchObject({ code: 'unavailable' });
    expect(await bench.openUploads()).toHaveLength(1);
    proxy.clear();
    await storage.close();
    expect(await bench.openUploads()).toEqual([]);
  });

  test.each<[string, Fault]>([
    ['lost', { kind: 'reset-after' }],
    ['cut off', { kind: 'truncate', bytes: 20 }],
  ])(
    'whose beginning has an answer that is %s is aborted once it has had no part for a minute, and nobody else is',
    async (_, fault) => {
      const { proxy } = await behindProxy(bench);
      const connection = await S3Connection.open(bench.options({ endpoint: proxy.url }));
      onTestFinished(() => connection.close());
      let now = Date.now();
      const uploads = new S3Uploads({ connection }, bench.bucket, () => now);
      const put = (key: string) => {
        const pieces = parts(streamed(9 * MiB).stream(), PART_BYTES);
        const first = { bytes: new Uint8Array(PART_BYTES), last: false };
        return uploads.put(key, first, pieces, {}, {}, context.signal);
      };
      const where = { Bucket: bench.bucket, Key: 'shared' };
      proxy.script({ fault, path: /uploads/, methods: ['POST'], times: 1 });
      await expect(put('shared')).rejects.toThrow();
      // Another process uploads the same key.
      const { UploadId } = await bench.client.send(new CreateMultipartUploadCommand(where));
      onTestFinished(async () => {
        await bench.client.send(new AbortMultipartUploadCommand({ ...where, UploadId })).catch(() => undefined);
      });
      await bench.client.send(
        new UploadPartCommand({ ...where, UploadId, PartNumber: 1, Body: new Uint8Array(5 * MiB) }),
      );
      await uploads.tidy();
      expect(await bench.openUploads()).toHaveLength(2);
      // The server's clock may be a little ahead.
      now += ABANDONED_MS.withoutParts + 5_000;
      await uploads.tidy();
      expect(await bench.openUploads()).toEqual([`shared ${UploadId}`]);
      now += ABANDONED_MS.withParts;
      await uploads.tidy();
      expect(await bench.openUploads()).toEqual([]);
    },
  );

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
  const proxy = await new FaultProxy(on.server.endpoint).listen();
  const storage = on.storage({ endpoint: proxy.url, conditionalWrites: 'off' });
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
