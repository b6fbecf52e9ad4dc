import { FaultProxy } from '@tintype/conformance';
import { type PutBody, storageKey } from '@tintype/core';
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
import { benchFor, context } from '../test/harness.ts';

const { bench, missing } = await benchFor('fake-gcs-server');

describe('a body above 8 MiB', () => {
  if (bench === undefined) {
    test('is uploaded in parts', ({ skip }) => skip(missing));
    return;
  }
  afterAll(() => bench.stop());

  const first = { path: /upload_id/, methods: ['PUT'] };
  const part = { ...first, after: 1 };
  const end = { ...first, after: 2 };
  const uploads: UploadBench = {
    storage: (more) => bench.storage(more),
    async behindProxy() {
      const proxy = await new FaultProxy(bench.server.endpoint).listen();
      return { storage: bench.storage({ endpoint: proxy.url }), proxy };
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
      ['the beginning is lost', { kind: 'reset-before' }, { path: /uploadType=resumable/, methods: ['POST'] }],
      ['the end is lost', { kind: 'reset-before' }, end],
      ['the end fails', { kind: 'status', status: 500 }, end],
    ],
  };
  testUploads(uploads);
  testTakingBack(uploads);

  test('goes in parts of equal size, and one of 8 MiB in one request', async () => {
    const { storage, proxy } = await openBehindProxy(uploads);
    await storage.put(storageKey('whole'), streamed(8 * MiB), metadata, undefined, context);
    expect(proxy.requests.map(({ method }) => method)).toEqual(['POST']);
    const before = proxy.requests.length;
    await storage.put(storageKey('parts'), streamed(17 * MiB), metadata, undefined, context);
    expect(proxy.requests.slice(before).map(({ method }) => method)).toEqual(['POST', 'PUT', 'PUT', 'PUT']);
    const entry = await storage.get(storageKey('parts'), undefined, context);
    if (entry?.kind !== 'entry') throw new Error('it is not there');
    expect(entry.size).toBe(17 * MiB);
    await entry.body.discard();
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
  }, 180_000);
});

/** Bytes outside of the heap, where bodies lie. */
function held(): number {
  const { arrayBuffers } = process.memoryUsage();
  return arrayBuffers;
}
