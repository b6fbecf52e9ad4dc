import { randomUUID } from 'node:crypto';
import * as sdk from '@aws-sdk/client-s3';
import { S3Client, type S3ClientConfig } from '@aws-sdk/client-s3';
import { FaultProxy, type StorageSubject } from '@tintype/conformance';
import { type OperationContext, prefixed, type StorageScope } from '@tintype/core';
import { type RunningServer, s3Access, serverForTest } from '@tintype-test/servers';
import type { S3StorageOptions } from '../src/options.ts';
import { S3Storage } from '../src/storage.ts';

export const context: OperationContext = { signal: new AbortController().signal };

export function scopeOf(bucket: string): StorageScope {
  return { bucket, bucketVariable: 'TINTYPE_CACHE_BUCKET', variablePrefix: 'TINTYPE_CACHE_S3_' };
}

/** Every option, the defaults where nothing else is said. */
export function optionsFor(more: Partial<S3StorageOptions> = {}): S3StorageOptions {
  return {
    region: 'us-east-1',
    endpoint: 'http://127.0.0.1:9',
    endpointUsePathStyle: true,
    accessKeyId: 'AKIDEXAMPLE',
    secretAccessKey: 'a-secret-of-tests',
    sessionToken: undefined,
    assumeRoleArn: undefined,
    assumeRoleExternalId: undefined,
    maxSockets: 50,
    requestTimeout: 60,
    conditionalWrites: 'auto',
    consistency: 'strong',
    sse: undefined,
    storageClass: undefined,
    ...more,
  };
}

/** A server with a new bucket, and what the tests see of it besides the storage. */
export interface Bench {
  readonly server: RunningServer;
  readonly bucket: string;
  /** The bare SDK. */
  readonly client: S3Client;
  options(more?: Partial<S3StorageOptions>): S3StorageOptions;
  storage(more?: Partial<S3StorageOptions>, bucket?: string): S3Storage;
  /** Multipart uploads that are open, as the server lists them. */
  openUploads(): Promise<readonly string[]>;
  stop(): Promise<void>;
}

export type BenchForTest =
  | { readonly bench: Bench; readonly missing: undefined }
  | { readonly bench: undefined; readonly missing: string };

/** Starts the server if it is there, and makes a bucket. */
export async function benchFor(name: string): Promise<BenchForTest> {
  const { server, missing } = await serverForTest(name);
  if (server === undefined) return { bench: undefined, missing };
  const bucket = `tintype-${randomUUID()}`;
  const { endpoint, region, accessKeyId, secretAccessKey } = s3Access(server);
  const config: S3ClientConfig = {
    endpoint,
    region,
    forcePathStyle: true,
    credentials: { accessKeyId, secretAccessKey },
    requestChecksumCalculation: 'WHEN_REQUIRED',
    responseChecksumValidation: 'WHEN_REQUIRED',
  };
  const client = new S3Client(config);
  await client.send(new sdk.CreateBucketCommand({ Bucket: bucket }));
  // Timestamps decide between writers of Swift: what was read may be overtaken by what was deleted before.
  const consistency = name === 'swift' ? 'eventual' : 'strong';
  const options = (more: Partial<S3StorageOptions> = {}) =>
    optionsFor({ region, endpoint, accessKeyId, secretAccessKey, consistency, ...more });
  const bench: Bench = {
    server,
    bucket,
    client,
    options,
    storage: (more, other = bucket) => new S3Storage(options(more), scopeOf(other)),
    async openUploads() {
      const { Uploads = [] } = await client.send(new sdk.ListMultipartUploadsCommand({ Bucket: bucket }));
      return Uploads.map(({ Key, UploadId }) => `${Key} ${UploadId}`);
    },
    async stop() {
      await emptied(client, bucket);
      client.destroy();
      await server.stop();
    },
  };
  return { bench, missing: undefined };
}

/** A storage for the suite, in the bucket of `bench`. */
export function subjectOf(bench: Bench): StorageSubject {
  const { bucket, server } = bench;
  const options = bench.options();
  return {
    adapter: bench.storage(),
    sibling: () => bench.storage(),
    prefixed: (prefix) => prefixed(bench.storage(), prefix),
    leaks: async () => (await bench.openUploads()).map((upload) => `the upload ${upload}`),
    misconfigured: () => [
      { name: 'a missing bucket', adapter: bench.storage({}, `${bucket}-none`), codes: ['misconfigured'] },
      {
        name: 'a wrong secret',
        adapter: bench.storage({ secretAccessKey: 'wrong-secret-of-tests' }),
        codes: ['access-denied'],
        secrets: ['wrong-secret-of-tests'],
      },
      {
        name: 'an unknown key',
        adapter: bench.storage({ accessKeyId: 'nobody:nobody' }),
        codes: ['access-denied'],
        secrets: [s3Access(server).secretAccessKey],
      },
      {
        name: 'a port where nobody listens',
        adapter: bench.storage({ endpoint: 'http://127.0.0.1:9' }),
        codes: ['unavailable'],
      },
      {
        name: 'TLS where there is none',
        adapter: bench.storage({ endpoint: server.endpoint.replace('http:', 'https:') }),
        codes: ['misconfigured'],
      },
      {
        name: 'a host that is none',
        adapter: bench.storage({ endpoint: 'http://none.invalid' }),
        codes: ['misconfigured', 'unavailable'],
      },
    ],
    async network() {
      const proxy = await new FaultProxy(server.endpoint).listen();
      return { adapter: bench.storage({ endpoint: proxy.url }), proxy };
    },
    crash: {
      module: `data:text/javascript,${encodeURIComponent(
        `import { S3Storage } from ${JSON.stringify(new URL('../src/storage.ts', import.meta.url).href)};
         export const createAdapter = ({ options, scope }) => new S3Storage(options, scope);`,
      )}`,
      data: { options, scope: scopeOf(bucket) },
    },
    without: {
      sabotage: 'only the service itself reaches what it stored',
      capped: 'a bucket has no limit at which it forgets',
    },
  };
}

async function emptied(client: S3Client, Bucket: string): Promise<void> {
  for (;;) {
    const { Contents = [] } = await client.send(new sdk.ListObjectsV2Command({ Bucket }));
    if (Contents.length === 0) break;
    await Promise.all(Contents.map(({ Key }) => client.send(new sdk.DeleteObjectCommand({ Bucket, Key }))));
  }
  await client.send(new sdk.DeleteBucketCommand({ Bucket })).catch(() => undefined);
}
