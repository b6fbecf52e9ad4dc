import { randomBytes } from 'node:crypto';
import { CreateBucketCommand, GetObjectCommand, PutObjectCommand, S3Client } from '@aws-sdk/client-s3';
import type { CacheStorage } from '@tintype/core';
import { S3Storage } from '@tintype/s3';
import { type RunningServer, s3Access, serverForTest } from '@tintype-test/servers';
import { compareCalls, ENCODED, expectWhole, getWhole, METADATA, openStorage, SIZE } from '../cloud-calls.ts';
import type { Bench, Figure, Result } from '../figure.ts';

const BUCKET = 'bench';

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
  const storage = await storageOn(server);
  const body = randomBytes(SIZE);
  try {
    const put = await compareCalls(
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
    const get = await compareCalls(
      bench,
      'get',
      (key) => getWhole(storage, key),
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

function storageOn(server: RunningServer): Promise<CacheStorage> {
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
  return openStorage('s3', adapter);
}
