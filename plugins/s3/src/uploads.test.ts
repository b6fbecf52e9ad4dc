import { AbortMultipartUploadCommand, CreateMultipartUploadCommand, UploadPartCommand } from '@aws-sdk/client-s3';
import { type Fault, FaultProxy } from '@tintype/conformance';
import { parts, storageKey } from '@tintype/core';
import { service } from '@tintype-test/servers/scripted-service';
import {
  MiB,
  metadata,
  openBehindProxy,
  streamed,
  testTakingBack,
  testUploads,
  type UploadBench,
} from '@tintype-test/servers/storage-uploads';
import { afterAll, describe, expect, onTestFinished, test } from 'vitest';
import { benchFor, context, optionsFor } from '../test/harness.ts';
import { S3Connection } from './client.ts';
import { ABANDONED_MS, PART_BYTES, S3Uploads } from './uploads.ts';

const { bench, missing } = await benchFor('versitygw');

describe('a body above 8 MiB', () => {
  if (bench === undefined) {
    test('is uploaded in parts', ({ skip }) => skip(missing));
    return;
  }
  afterAll(() => bench.stop());

  const first = { path: /partNumber=1/, methods: ['PUT'] };
  const part = { path: /partNumber=2/, methods: ['PUT'] };
  const beginning = { path: /uploads/, methods: ['POST'] };
  const completion = { path: /uploadId/, methods: ['POST'] };
  const uploads: UploadBench = {
    storage: (more) => bench.storage(more),
    async behindProxy() {
      const proxy = await new FaultProxy(bench.server.endpoint).listen();
      return { storage: bench.storage({ endpoint: proxy.url, conditionalWrites: 'off' }), proxy };
    },
    leftOvers: () => bench.openUploads(),
    part,
    trouble: [
      ['a part is refused', { kind: 'status', status: 403 }, part],
      ['a part is throttled', { kind: 'status', status: 429 }, part],
      ['a part fails', { kind: 'status', status: 500 }, first],
      ['the service is overloaded', { kind: 'status', status: 503, headers: { 'retry-after': '1' } }, part],
      ['a part is lost', { kind: 'reset-before' }, part],
      ['the answer to a part is lost', { kind: 'reset-after' }, part],
      ['the beginning is lost', { kind: 'reset-before' }, beginning],
      ['the completion is lost', { kind: 'reset-before' }, completion],
      ['the completion fails', { kind: 'status', status: 500 }, completion],
    ],
  };
  testUploads(uploads);
  testTakingBack(uploads);

  test('goes in parts of equal size, and one of 8 MiB in one request', async () => {
    const { storage, proxy } = await openBehindProxy(uploads);
    await storage.put(storageKey('whole'), streamed(8 * MiB), metadata, undefined, context);
    expect(proxy.requests.map(({ method }) => method)).toEqual(['PUT']);
    const before = proxy.requests.length;
    await storage.put(storageKey('parts'), streamed(17 * MiB), metadata, undefined, context);
    const sent = proxy.requests.slice(before).filter(({ path }) => path.includes('partNumber'));
    expect(sent).toHaveLength(3);
    const entry = await storage.get(storageKey('parts'), undefined, context);
    if (entry?.kind !== 'entry') throw new Error('it is not there');
    expect(entry.size).toBe(17 * MiB);
    await entry.body.discard();
  });

  test.each<[string, Fault]>([
    ['lost', { kind: 'reset-after' }],
    ['cut off', { kind: 'truncate', bytes: 20 }],
  ])(
    'whose beginning has an answer that is %s is aborted once it has had no part for a while, and nobody else is',
    async (_, fault) => {
      const { proxy } = await openBehindProxy(uploads);
      const connection = await S3Connection.open(bench.options({ endpoint: proxy.url }));
      onTestFinished(() => connection.close());
      let now = Date.now();
      const s3Uploads = new S3Uploads({ connection }, bench.bucket, () => now);
      const put = (key: string) => {
        const pieces = parts(streamed(9 * MiB).stream(), PART_BYTES);
        const first = { bytes: new Uint8Array(PART_BYTES), last: false };
        return s3Uploads.put(key, first, pieces, {}, {}, context.signal);
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
      await s3Uploads.tidy();
      expect(await bench.openUploads()).toHaveLength(2);
      // Counted from what the server calls the beginning, and its clock may be a little ahead.
      now = Date.now() + ABANDONED_MS.withoutParts + 5_000;
      await s3Uploads.tidy();
      expect(await bench.openUploads()).toEqual([`shared ${UploadId}`]);
      now += ABANDONED_MS.withParts;
      await s3Uploads.tidy();
      expect(await bench.openUploads()).toEqual([]);
    },
  );
});

test('a beginning that was never sent leaves nothing to look for', async () => {
  const { endpoint, requests } = await service((_request, response) => response.writeHead(500).end());
  const nowhere = await S3Connection.open(optionsFor({ endpoint: 'http://127.0.0.1:9' }));
  const there = await S3Connection.open(optionsFor({ endpoint }));
  onTestFinished(() => {
    nowhere.close();
    there.close();
  });
  let now = Date.now();
  const backend = { connection: nowhere };
  const s3Uploads = new S3Uploads(backend, 'photos', () => now);
  const put = () => {
    const first = { bytes: new Uint8Array(PART_BYTES), last: false };
    return s3Uploads.put('k', first, parts(streamed(9 * MiB).stream(), PART_BYTES), {}, {}, context.signal);
  };
  await expect(put()).rejects.toMatchObject({ code: 'ECONNREFUSED' });
  backend.connection = there;
  now += ABANDONED_MS.withoutParts;
  await s3Uploads.tidy();
  expect(requests).toEqual([]);
  // What may have come is looked for.
  await expect(put()).rejects.toThrow();
  now += ABANDONED_MS.withoutParts;
  await s3Uploads.tidy();
  expect(requests.map(({ method }) => method)).toEqual(['POST', 'GET']);
});
