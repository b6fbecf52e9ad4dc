import { randomUUID } from 'node:crypto';
import { BlobServiceClient, type ContainerClient, StorageSharedKeyCredential } from '@azure/storage-blob';
import { FaultProxy, type Misconfiguration, type StorageSubject } from '@tintype/conformance';
import { type OperationContext, prefixed, type StorageScope, whyNotAKey } from '@tintype/core';
import { type AbsAccess, absAccess, type RunningServer, serverForTest } from '@tintype-test/servers';
import type { AbsStorageOptions } from '../src/options.ts';
import { AbsStorage } from '../src/storage.ts';

export const context: OperationContext = { signal: new AbortController().signal };

export function scopeOf(bucket: string): StorageScope {
  return { bucket, bucketVariable: 'TINTYPE_CACHE_BUCKET', variablePrefix: 'TINTYPE_CACHE_ABS_' };
}

/** A key that no account has. */
export const WRONG_KEY: string = Buffer.from('a wrong key of tests').toString('base64');

/** Every option, the defaults where nothing else is said. */
export function optionsFor(more: Partial<AbsStorageOptions> = {}): AbsStorageOptions {
  return {
    name: 'account',
    endpoint: 'http://127.0.0.1:9/account',
    key: Buffer.from('a-secret-of-tests').toString('base64'),
    sasToken: undefined,
    connectionString: undefined,
    maxSockets: 50,
    requestTimeout: 60,
    ...more,
  };
}

/** A server with a new container, and what the tests see of it besides the storage. */
export interface Bench {
  readonly server: RunningServer;
  readonly access: AbsAccess;
  readonly bucket: string;
  /** The bare SDK. */
  readonly client: ContainerClient;
  options(more?: Partial<AbsStorageOptions>): AbsStorageOptions;
  storage(more?: Partial<AbsStorageOptions>, bucket?: string): AbsStorage;
  /** A proxy in front of the server, and the endpoint that leads through it. */
  proxy(): Promise<{ readonly proxy: FaultProxy; readonly endpoint: string }>;
  stop(): Promise<void>;
}

export type BenchForTest =
  | { readonly bench: Bench; readonly missing: undefined }
  | { readonly bench: undefined; readonly missing: string };

/** Starts the server if it is there, and makes a container. */
export async function benchFor(name: string): Promise<BenchForTest> {
  const { server, missing } = await serverForTest(name);
  if (server === undefined) return { bench: undefined, missing };
  const bucket = `tintype-${randomUUID()}`;
  const access = absAccess(server);
  const credential = new StorageSharedKeyCredential(access.name, access.key);
  const client = new BlobServiceClient(access.endpoint, credential).getContainerClient(bucket);
  await client.create();
  const options = (more: Partial<AbsStorageOptions> = {}) => optionsFor({ ...access, ...more });
  const bench: Bench = {
    server,
    access,
    bucket,
    client,
    options,
    storage: (more, other = bucket) => new AbsStorage(options(more), scopeOf(other)),
    async proxy() {
      const { origin, pathname } = new URL(access.endpoint);
      const proxy = await new FaultProxy(origin).listen();
      return { proxy, endpoint: `${proxy.url}${pathname}` };
    },
    async stop() {
      await client.delete();
      await server.stop();
    },
  };
  return { bench, missing: undefined };
}

/** A storage for the suite, in the container of `bench`. */
export function subjectOf(bench: Bench): StorageSubject {
  const { bucket, access } = bench;
  const options = bench.options();
  const isPlain = access.endpoint.startsWith('http:');
  const withoutTls: Misconfiguration = {
    name: 'TLS where there is none',
    adapter: bench.storage({ endpoint: access.endpoint.replace('http:', 'https:') }),
    codes: ['misconfigured'],
  };
  const network = async () => {
    const { proxy, endpoint } = await bench.proxy();
    return { adapter: bench.storage({ endpoint }), proxy };
  };
  return {
    adapter: bench.storage(),
    sibling: () => bench.storage(),
    prefixed: (prefix) => prefixed(bench.storage(), prefix),
    // Nothing but entries. Blocks that were not committed are no leak: they show nowhere, and Azure forgets them.
    leaks: async () => {
      const blobs = await Array.fromAsync(bench.client.listBlobsFlat());
      return blobs.flatMap(({ name }) => (whyNotAKey(name.toLowerCase()) === undefined ? [] : [`the blob ${name}`]));
    },
    misconfigured: () => [
      { name: 'a missing container', adapter: bench.storage({}, `${bucket}-none`), codes: ['misconfigured'] },
      {
        name: 'a wrong key',
        adapter: bench.storage({ key: WRONG_KEY }),
        codes: ['access-denied'],
        secrets: [WRONG_KEY],
      },
      {
        name: 'an unknown account',
        adapter: bench.storage({ name: 'nobody' }),
        codes: ['access-denied'],
        secrets: [access.key],
      },
      {
        name: 'a port where nobody listens',
        adapter: bench.storage({ endpoint: `http://127.0.0.1:9/${access.name}` }),
        codes: ['unavailable'],
      },
      {
        name: 'a host that is none',
        adapter: bench.storage({ endpoint: `http://none.invalid/${access.name}` }),
        codes: ['misconfigured', 'unavailable'],
      },
      ...(isPlain ? [withoutTls] : []),
    ],
    // The proxy speaks no TLS.
    ...(isPlain && { network }),
    crash: {
      module: `data:text/javascript,${encodeURIComponent(
        `import { AbsStorage } from ${JSON.stringify(new URL('../src/storage.ts', import.meta.url).href)};
         export const createAdapter = ({ options, scope }) => new AbsStorage(options, scope);`,
      )}`,
      data: { options, scope: scopeOf(bucket) },
    },
    without: {
      sabotage: 'only the service itself reaches what it stored',
      capped: 'a container has no limit at which it forgets',
    },
  };
}
