import { randomBytes } from 'node:crypto';
import { Storage } from '@google-cloud/storage';
import { GcsStorage } from '@tintype/gcs';
import { type RunningServer, serverForTest } from '@tintype-test/servers';
import { compareCalls, ENCODED, expectWhole, getWhole, METADATA, openStorage, SIZE } from '../cloud-calls.ts';
import type { Bench, Figure, Result } from '../figure.ts';

const BUCKET = 'bench';

/** A put or a get of 20 KiB by the storage, its public side included, against the bare SDK doing the same. */
export const gcsCalls: Figure = {
  name: 'gcs-calls',
  title: 'GCS: put and get of 20 KiB against the bare SDK, on fake-gcs-server',
  async measure(bench) {
    const { server, missing } = await serverForTest('fake-gcs-server');
    if (server === undefined) throw new Error(missing);
    try {
      return await measureOn(bench, server);
    } finally {
      await server.stop();
    }
  },
};

async function measureOn(bench: Bench, { endpoint }: RunningServer): Promise<readonly Result[]> {
  const sdk = new Storage({ apiEndpoint: endpoint, projectId: 'bench', retryOptions: { autoRetry: false } });
  const [bucket] = await sdk.createBucket(BUCKET);
  const adapter = new GcsStorage(
    { key: undefined, endpoint, maxSockets: 50, requestTimeout: 10 },
    { bucket: BUCKET, bucketVariable: 'TINTYPE_CACHE_BUCKET', variablePrefix: 'TINTYPE_CACHE_GCS_' },
  );
  const storage = await openStorage('gcs', adapter);
  const body = randomBytes(SIZE);
  const metadata = { contentType: METADATA.contentType, metadata: { t0: ENCODED } };
  try {
    const put = await compareCalls(
      bench,
      'put',
      (key) => storage.put(key, body, METADATA),
      (key) => bucket.file(key).save(body, { resumable: false, validation: false, metadata }),
    );
    const get = await compareCalls(
      bench,
      'get',
      (key) => getWhole(storage, key),
      async (key) => {
        const [bytes] = await bucket.file(key).download({ validation: false, decompress: false });
        expectWhole(bytes);
      },
    );
    return [put, get];
  } finally {
    await storage.close();
  }
}
