import { generateKeyPairSync, randomUUID } from 'node:crypto';
import { type Bucket, Storage } from '@google-cloud/storage';
import { FaultProxy, type StorageSubject } from '@tintype/conformance';
import { type OperationContext, prefixed, type StorageCapabilities, type StorageScope } from '@tintype/core';
import { type RunningServer, serverForTest } from '@tintype-test/servers';
import type { GcsStorageOptions } from '../src/options.ts';
import { GCS_CAPABILITIES, GcsStorage } from '../src/storage.ts';

export const context: OperationContext = { signal: new AbortController().signal };

export function scopeOf(bucket: string): StorageScope {
  return { bucket, bucketVariable: 'TINTYPE_CACHE_BUCKET', variablePrefix: 'TINTYPE_CACHE_GCS_' };
}

/** Every option, the defaults where nothing else is said. */
export function optionsFor(more: Partial<GcsStorageOptions> = {}): GcsStorageOptions {
  return { key: undefined, endpoint: 'http://127.0.0.1:9', maxSockets: 50, requestTimeout: 60, ...more };
}

const pair = generateKeyPairSync('rsa', { modulusLength: 2048 });

/** What verifies the tokens of `serviceAccount`. */
export const publicKey: typeof pair.publicKey = pair.publicKey;

/**
 * The key of a service account that nobody knows. It is of a universe of its own: there the SDK signs
 * tokens by itself, instead of asking Google for them.
 */
export function serviceAccount(more: object = {}): string {
  return JSON.stringify({
    type: 'service_account',
    project_id: 'a-project-of-tests',
    private_key_id: 'a-key-id-of-tests',
    client_email: 'tester@a-project-of-tests.iam.gserviceaccount.com',
    private_key: pair.privateKey.export({ type: 'pkcs8', format: 'pem' }),
    universe_domain: 'universe.invalid',
    ...more,
  });
}

/** Where a server takes more writes of a name than Google does, the suite need not wait a second between two. */
export class HurriedStorage extends GcsStorage {
  override readonly capabilities: StorageCapabilities = { ...GCS_CAPABILITIES, minWriteIntervalMs: 0 };
}

/** A server with a new bucket, and what the tests see of it besides the storage. */
export interface Bench {
  readonly server: RunningServer;
  readonly bucket: string;
  /** The bare SDK. */
  readonly client: Bucket;
  options(more?: Partial<GcsStorageOptions>): GcsStorageOptions;
  storage(more?: Partial<GcsStorageOptions>, bucket?: string): GcsStorage;
  /** Resumable uploads that are open, as the server lists them; Google does not. */
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
  const { endpoint, access } = server;
  const given = access.KEY === undefined ? {} : { key: access.KEY };
  const sdk = new Storage({
    apiEndpoint: endpoint,
    projectId: access.PROJECT ?? 'a-project-of-tests',
    ...(access.KEY !== undefined && { credentials: JSON.parse(access.KEY), useAuthWithCustomEndpoint: true }),
  });
  const bucket = `tintype-${randomUUID()}`;
  const [client] = await sdk.createBucket(bucket);
  const options = (more: Partial<GcsStorageOptions> = {}) => optionsFor({ endpoint, ...given, ...more });
  const Storing = name === 'fake-gcs-server' ? HurriedStorage : GcsStorage;
  const bench: Bench = {
    server,
    bucket,
    client,
    options,
    storage: (more, other = bucket) => new Storing(options(more), scopeOf(other)),
    async openUploads() {
      return (await (await fetch(`${endpoint}/_open-uploads`)).json()) as string[];
    },
    async stop() {
      await client.deleteFiles({ force: true });
      await client.delete().catch(() => undefined);
      await server.stop();
    },
  };
  return { bench, missing: undefined };
}

/** A storage for the suite, in the bucket of `bench`. */
export function subjectOf(bench: Bench): StorageSubject {
  const { bucket, server } = bench;
  return {
    adapter: bench.storage(),
    sibling: () => bench.storage(),
    prefixed: (prefix) => prefixed(bench.storage(), prefix),
    // Google lists no uploads.
    ...(server.access.BARE_ENDPOINT !== undefined && {
      leaks: async () => (await bench.openUploads()).map((upload) => `the upload ${upload}`),
    }),
    misconfigured: () => [
      { name: 'a missing bucket', adapter: bench.storage({}, `${bucket}-none`), codes: ['misconfigured'] },
      {
        name: 'a private key that is none',
        adapter: bench.storage({ key: serviceAccount({ private_key: 'a-private-key-of-tests' }) }),
        codes: ['access-denied'],
        secrets: ['a-private-key-of-tests'],
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
        `import { HurriedStorage } from ${JSON.stringify(import.meta.url)};
         export const createAdapter = ({ options, scope }) => new HurriedStorage(options, scope);`,
      )}`,
      data: { options: bench.options(), scope: scopeOf(bucket) },
    },
    without: {
      sabotage: 'only the service itself reaches what it stored',
      capped: 'a bucket has no limit at which it forgets',
    },
  };
}
