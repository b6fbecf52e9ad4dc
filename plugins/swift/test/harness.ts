import { randomUUID } from 'node:crypto';
import { FaultProxy, type Misconfiguration, type StorageSubject } from '@tintype/conformance';
import { type OperationContext, prefixed, type StorageScope, whyNotAKey } from '@tintype/core';
import { accessThrough, type RunningServer, serverForTest } from '@tintype-test/servers';
import { type SwiftAnswer, SwiftConnection, type SwiftRequest } from '../src/client.ts';
import { credentialsOf, type SwiftStorageOptions } from '../src/options.ts';
import { SwiftStorage } from '../src/storage.ts';

export const context: OperationContext = { signal: new AbortController().signal };

export function scopeOf(bucket: string): StorageScope {
  return { bucket, bucketVariable: 'TINTYPE_CACHE_BUCKET', variablePrefix: 'TINTYPE_CACHE_SWIFT_' };
}

/** Every option, the defaults where nothing else is said. */
export function optionsFor(more: Partial<SwiftStorageOptions> = {}): SwiftStorageOptions {
  return {
    username: 'test:nobody',
    apiKey: 'a-secret-of-tests',
    authUrl: 'http://127.0.0.1:9/auth/v1.0',
    authVersion: 0,
    tenant: undefined,
    domain: undefined,
    region: undefined,
    maxSockets: 50,
    timeoutSeconds: 60,
    connectTimeoutSeconds: 60,
    ...more,
  };
}

/** How to log in to a server. */
export function accessTo({ access }: RunningServer): SwiftStorageOptions {
  const { AUTH_URL: authUrl, USERNAME: username, API_KEY: apiKey, TENANT: tenant, REGION, DOMAIN: domain } = access;
  // Where Swift has its own login the region is that of its S3 API.
  return optionsFor({ authUrl, username, apiKey, tenant, domain, region: tenant === undefined ? undefined : REGION });
}

/** A server with a new container, and what the tests see of it besides the storage. */
export interface Bench {
  readonly server: RunningServer;
  readonly bucket: string;
  options(more?: Partial<SwiftStorageOptions>): SwiftStorageOptions;
  storage(more?: Partial<SwiftStorageOptions>, bucket?: string): SwiftStorage;
  /** A bare request. */
  send(request: Omit<SwiftRequest, 'signal' | 'bucket'> & { readonly bucket?: string }): Promise<SwiftAnswer>;
  /** Options with which object requests, and with Swift's own login that one too, go through a proxy. */
  proxied(): Promise<{ readonly proxy: FaultProxy; readonly options: SwiftStorageOptions }>;
  /** Names in the container that are no keys. */
  strangers(): Promise<readonly string[]>;
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
  const options = (more: Partial<SwiftStorageOptions> = {}) => ({ ...accessTo(server), ...more });
  const connection = await SwiftConnection.open(credentialsOf(options(), ''), options());
  const send: Bench['send'] = (request) => connection.send({ bucket, ...request, signal: context.signal });
  await send({ method: 'PUT', expect: [201, 202] });
  const bench: Bench = {
    server,
    bucket,
    options,
    storage: (more, other = bucket) => new SwiftStorage(options(more), scopeOf(other)),
    send,
    async proxied() {
      const proxy = await new FaultProxy(server.endpoint).listen();
      const way = await accessThrough(server, proxy.url);
      return { proxy, options: options('REGION' in way ? { region: way.REGION } : { authUrl: way.AUTH_URL }) };
    },
    async strangers() {
      return (await namesIn(bench)).filter((name) => whyNotAKey(name.toLowerCase()) !== undefined);
    },
    async stop() {
      await emptied(bench);
      await connection.close();
      await server.stop();
    },
  };
  return { bench, missing: undefined };
}

/** A storage for the suite, in the container of `bench`. */
export function subjectOf(bench: Bench): StorageSubject {
  const { bucket } = bench;
  const options = bench.options();
  return {
    adapter: bench.storage(),
    sibling: () => bench.storage(),
    prefixed: (prefix) => prefixed(bench.storage(), prefix),
    // What a put leaves behind would be an object that is no entry.
    leaks: () => bench.strangers(),
    misconfigured: () => wrongWays(bench),
    async network() {
      const { proxy, options } = await bench.proxied();
      return { adapter: bench.storage(options), proxy };
    },
    crash: {
      module: `data:text/javascript,${encodeURIComponent(
        `import { SwiftStorage } from ${JSON.stringify(new URL('../src/storage.ts', import.meta.url).href)};
         export const createAdapter = ({ options, scope }) => new SwiftStorage(options, scope);`,
      )}`,
      data: { options, scope: scopeOf(bucket) },
    },
    without: {
      sabotage: 'only the service itself reaches what it stored',
      capped: 'a container has no limit at which it forgets',
    },
  };
}

function wrongWays({ storage, bucket, server }: Bench): readonly Misconfiguration[] {
  const { AUTH_URL = '', OTHER_USERNAME: username, OTHER_API_KEY: apiKey, ADMIN_USERNAME } = server.access;
  const { API_KEY = '' } = server.access;
  const path = new URL(AUTH_URL).pathname;
  const ways: Misconfiguration[] = [
    { name: 'a missing container', adapter: storage({}, `${bucket}-none`), codes: ['misconfigured'] },
    {
      name: 'a wrong password',
      adapter: storage({ apiKey: 'wrong-secret-of-tests' }),
      codes: ['access-denied'],
      secrets: ['wrong-secret-of-tests'],
    },
    {
      name: 'an unknown user',
      adapter: storage({ username: 'nobody:nobody' }),
      codes: ['access-denied'],
      secrets: [API_KEY],
    },
    {
      name: 'a user without rights',
      adapter: storage({ username, apiKey }),
      codes: ['access-denied'],
    },
    {
      name: 'a port where nobody listens',
      adapter: storage({ authUrl: `http://127.0.0.1:9${path}` }),
      codes: ['unavailable'],
    },
    {
      name: 'TLS where there is none',
      adapter: storage({ authUrl: AUTH_URL.replace('http:', 'https:') }),
      codes: ['misconfigured'],
    },
    {
      name: 'a host that is none',
      adapter: storage({ authUrl: `http://none.invalid${path}` }),
      codes: ['misconfigured', 'unavailable'],
    },
    {
      name: 'a path without a login',
      adapter: storage({ authUrl: `${server.endpoint}/nothing${path}` }),
      codes: ['misconfigured', 'access-denied'],
    },
  ];
  if (ADMIN_USERNAME !== undefined) {
    ways.push(
      { name: 'a region that is none', adapter: storage({ region: 'Nowhere' }), codes: ['misconfigured'] },
      { name: 'a project that is none', adapter: storage({ tenant: 'none' }), codes: ['access-denied'] },
    );
  }
  return ways;
}

/** The first ten thousand. */
async function namesIn({ send }: Bench): Promise<readonly string[]> {
  const { stream } = await send({ method: 'GET', query: { format: 'json' }, expect: [200] });
  const rows = JSON.parse(Buffer.concat(await stream.toArray()).toString()) as readonly { name: string }[];
  return rows.map(({ name }) => name);
}

async function emptied(bench: Bench): Promise<void> {
  const { send } = bench;
  for (let names = await namesIn(bench); names.length > 0; names = await namesIn(bench)) {
    await Promise.all(names.map((key) => send({ method: 'DELETE', key, expect: [204, 404] })));
  }
  await send({ method: 'DELETE', expect: [204, 404, 409] });
}
