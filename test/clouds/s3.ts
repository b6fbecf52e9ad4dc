import { randomUUID } from 'node:crypto';
import * as sdk from '@aws-sdk/client-s3';
import type { Fault } from '@tintype/conformance';
import { s3Access } from '@tintype-test/servers';
import { onTestFinished } from 'vitest';
import { type Cloud, WRONG_PASSWORD } from './cloud.ts';

/** Buckets of S3. */
export const s3: Cloud = {
  servers: ['versitygw', 'swift', 'fauxqs'],

  // https://docs.aws.amazon.com/AmazonS3/latest/API/ErrorResponses.html
  expired: refusal(400, 'ExpiredToken', 'The provided token has expired.'),
  forbidden: refusal(403, 'AccessDenied', 'Access Denied'),

  async make(server, photograph) {
    const { endpoint, region, accessKeyId, secretAccessKey } = s3Access(server);
    const client = new sdk.S3Client({
      endpoint,
      region,
      forcePathStyle: true,
      credentials: { accessKeyId, secretAccessKey },
      requestChecksumCalculation: 'WHEN_REQUIRED',
    });
    onTestFinished(() => client.destroy());
    const id = randomUUID();
    const [sources, cache] = [`sources-${id}`, `cache-${id}`];
    for (const Bucket of [sources, cache]) await client.send(new sdk.CreateBucketCommand({ Bucket }));
    const Key = '2026/rocket.jpg';
    await client.send(
      new sdk.PutObjectCommand({
        Bucket: sources,
        Key,
        Body: photograph,
        ContentType: 'image/jpeg',
        CacheControl: 'max-age=600',
      }),
    );
    const access = (prefix: string) => ({
      [`${prefix}ENDPOINT`]: endpoint,
      [`${prefix}REGION`]: region,
      [`${prefix}ACCESS_KEY_ID`]: accessKeyId,
      [`${prefix}SECRET_ACCESS_KEY`]: secretAccessKey,
      [`${prefix}REQUEST_TIMEOUT`]: '60',
    });
    return {
      sourceUrl: `s3://${sources}/${Key}`,
      env: {
        TINTYPE_USE_S3: 'true',
        TINTYPE_CACHE_USE: 's3',
        TINTYPE_CACHE_BUCKET: cache,
        ...access('TINTYPE_S3_'),
        ...access('TINTYPE_CACHE_S3_'),
      },
      async cached() {
        const { Contents = [] } = await client.send(new sdk.ListObjectsV2Command({ Bucket: cache }));
        return Contents.map(({ Key = '' }) => Key);
      },
      // fauxqs takes any.
      wrongPassword:
        server.name === 'fauxqs' ? undefined : async () => ({ TINTYPE_CACHE_S3_SECRET_ACCESS_KEY: WRONG_PASSWORD }),
      through: async ({ url }) => ({ TINTYPE_CACHE_S3_ENDPOINT: url }),
    };
  },
};

function refusal(status: number, code: string, message: string): Fault {
  const body = `<?xml version="1.0" encoding="UTF-8"?>\n<Error><Code>${code}</Code><Message>${message}</Message></Error>`;
  return { kind: 'status', status, headers: { 'content-type': 'application/xml' }, body };
}
