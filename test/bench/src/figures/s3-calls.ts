import { randomBytes } from 'node:crypto';
import { CreateBucketCommand, GetObjectCommand, PutObjectCommand, S3Client } from '@aws-sdk/client-s3';
import { type CacheStorage, createStorage, type EntryMetadata } from '@tintype/core';
import { S3Storage } from '@tintype/s3';
import { type RunningServer, s3Access, serverForTest } from '@tintype-test/servers';
import { alternate } from '../alternate.ts';
import type { Bench, Figure, Result } from '../figure.ts';
import { spread } from '../statistics.ts';

const BUCKET = 'bench';
const SIZE = 20 * 1024;
/** Calls under way at a time, on both sides. */
const AT_A_TIME = 4;
const BAR = 1.15;

/** A put or a get of 20 KiB by the storage, its public side included, against the bare SDK doing the same. */
export const s3Calls: Figure = {
  name: 's3-calls',
  title: 'S3: put and get of 20 KiB against the bare SDK, on versitygw',
  async measure(bench) {
    const { server, missing } = await serverForTest('versitygw');
    if (server === undefined) throw new Error(missing);
    try {
      return await measureOn(bench, server);
    } finally {
      await server.stop();
    }
  },
};

async function measureOn(bench: Bench, server: RunningServer): Promise<readonly Result[]> {
  const { endpoint, region, accessKeyId, secretAccessKey } = s3Access(server);
  const bare = new S3Client({
    endpoint,
    region,
    forcePathStyle: true,
    credentials: { accessKeyId, secretAccessKey },
    maxAttempts: 1,
    requestChecksumCalculation: 'WHEN_REQUIRED',
    responseChecksumValidation: 'WHEN_REQUIRED',
  });
  await bare.send(new CreateBucketCommand({ Bucket: BUCKET }));
  const storage = await openStorage(server);
  const body = randomBytes(SIZE);
  try {
    const put = await compare(
      bench,
      'put',
      (key) => storage.put(key, body, METADATA),
      (Key) =>
        bare.send(
          new PutObjectCommand({
            Bucket: BUCKET,
            Key,
            Body: body,
            ContentType: 'image/jpeg',
            Metadata: { t0: ENCODED },
          }),
        ),
    );
    const get = await compare(
      bench,
      'get',
      async (key) => {
        const hit = await storage.get(key);
        if (hit?.kind !== 'entry') throw new Error(`${key} is not there`);
        expectWhole(await hit.body.bytes());
      },
      async (Key) => {
        const { Body } = await bare.send(new GetObjectCommand({ Bucket: BUCKET, Key }));
        if (Body !== undefined) expectWhole(await Body.transformToByteArray());
      },
    );
    return [put, get];
  } finally {
    await storage.close();
    bare.destroy();
  }
}

/** Milliseconds that a call takes on both sides, on the same keys. */
async function compare(
  bench: Bench,
  what: string,
  ours: (key: string) => Promise<unknown>,
  reference: (key: string) => Promise<unknown>,
): Promise<Result> {
  const pairs = await alternate(
    bench,
    what,
    () => time(bench, 'ours', ours),
    () => time(bench, 'bare', reference),
  );
  const middle = (side: 'ours' | 'reference') => spread(pairs.map((pair) => pair[side])).median.toFixed(2);
  return {
    what: `${what} of 20 KiB, ${AT_A_TIME} at a time`,
    ratio: spread(pairs.map((pair) => pair.ours / pair.reference)),
    bar: { atMost: BAR },
    detail: `${middle('ours')} / ${middle('reference')} ms a call`,
  };
}

/** Keys in use: enough that calls do not meet, few enough that every get finds what a put has made. */
const KEYS = 64;

async function time(bench: Bench, side: string, call: (key: string) => Promise<unknown>): Promise<number> {
  let number = 0;
  const until = async (end: () => boolean) => {
    const worker = async () => {
      while (!end()) await call(`${side}/${number++ % KEYS}`);
    };
    await Promise.all(Array.from({ length: AT_A_TIME }, worker));
  };
  // Every key once, so that connections are open and the code is compiled.
  await until(() => number >= KEYS);
  const before = number;
  const start = performance.now();
  await until(() => performance.now() - start >= bench.seconds * 1_000);
  return (performance.now() - start) / ((number - before) / AT_A_TIME);
}

async function openStorage(server: RunningServer): Promise<CacheStorage> {
  const adapter = new S3Storage(
    {
      ...s3Access(server),
      endpointUsePathStyle: true,
      sessionToken: undefined,
      assumeRoleArn: undefined,
      assumeRoleExternalId: undefined,
      maxSockets: 50,
      requestTimeout: 10,
      conditionalWrites: 'off',
      consistency: 'strong',
      sse: undefined,
      storageClass: undefined,
    },
    { bucket: BUCKET, bucketVariable: 'TINTYPE_CACHE_BUCKET', variablePrefix: 'TINTYPE_CACHE_S3_' },
  );
  const storage = createStorage(adapter, { name: 's3' });
  await storage.open();
  return storage;
}

function expectWhole(bytes: Uint8Array): void {
  if (bytes.length !== SIZE) throw new Error(`${bytes.length} bytes came instead of ${SIZE}`);
}

const METADATA: EntryMetadata = {
  status: 200,
  contentType: 'image/jpeg',
  etag: '"0123456789abcdef"',
  storedAt: Date.now(),
  freshUntil: Date.now() + 3_600_000,
  source: 'https://images.example.com/2026/11/a-photograph-of-something.jpg',
};

/** About as long as what the storage sends. */
const ENCODED = JSON.stringify(METADATA).slice(0, 240);
