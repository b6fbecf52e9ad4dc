import { Agent as HttpAgent } from 'node:http';
import { Agent as HttpsAgent } from 'node:https';
import type { S3Client, S3ClientConfig } from '@aws-sdk/client-s3';
import { endpointUrl } from '@tintype/core';
import { LoginError, type LoginStep, redirectedRegion } from './errors.ts';
import type { S3Options } from './options.ts';

/** The SDK, which is only loaded once somebody opens a storage or an origin. */
export type S3Sdk = typeof import('@aws-sdk/client-s3');

const SILENT: NonNullable<S3ClientConfig['logger']> = { debug() {}, info() {}, warn() {}, error() {} };

interface Agents {
  readonly http: HttpAgent;
  readonly https: HttpsAgent;
}

/** Where AWS answers for buckets of every region, if only with a redirect. */
const DEFAULT_REGION = 'us-east-1';

/** Buckets whose region is remembered; clients choose the names, so there must be an end. */
const MAX_REMEMBERED = 1_000;

/**
 * Connections to one service with one set of credentials. The SDK retries nothing: its caller does.
 */
export class S3Connection {
  readonly sdk: S3Sdk;
  readonly #config: S3ClientConfig;
  readonly #agents: Agents;
  readonly #region: string;
  /** By region. */
  readonly #clients = new Map<string, S3Client>();
  /** By bucket, where it is not the configured one. */
  readonly #regions = new Map<string, string>();

  private constructor(sdk: S3Sdk, region: string, config: S3ClientConfig, agents: Agents) {
    this.sdk = sdk;
    this.#region = region;
    this.#config = config;
    this.#agents = agents;
  }

  /** Loads the SDK. No request yet. */
  static async open(options: S3Options): Promise<S3Connection> {
    const [sdk, { NodeHttpHandler }] = await Promise.all([
      import('@aws-sdk/client-s3'),
      import('@smithy/node-http-handler'),
    ]);
    const agent = { keepAlive: true, maxSockets: options.maxSockets };
    const agents = { http: new HttpAgent(agent), https: new HttpsAgent(agent) };
    const timeout = options.requestTimeout * 1_000;
    const { endpoint } = options;
    const region = options.region ?? (await regionOf(sdk));
    const url = endpoint === undefined ? undefined : endpointUrl(endpoint);
    const credentials = await credentialsOf(options, region);
    const config: S3ClientConfig = {
      ...(url !== undefined && { endpoint: url, forcePathStyle: options.endpointUsePathStyle }),
      credentials,
      maxAttempts: 1,
      // Left alone it writes warnings to the console; what failed is told by the error.
      logger: SILENT,
      // Other services than AWS's refuse the checksums that the SDK would send and expect by itself,
      // or store their framing as content.
      requestChecksumCalculation: 'WHEN_REQUIRED',
      responseChecksumValidation: 'WHEN_REQUIRED',
      // Bodies are small and in memory: waiting for "100 Continue" would cost a round trip.
      expectContinueHeader: false,
      requestHandler: new NodeHttpHandler({
        httpAgent: agents.http,
        httpsAgent: agents.https,
        connectionTimeout: timeout,
        socketTimeout: timeout,
      }),
    };
    return new S3Connection(sdk, region, config, agents);
  }

  /**
   * Runs one request. If the bucket turns out to live in another region, the request is made once
   * more there, and later ones go there at once.
   *
   * @param request must be repeatable: no streams.
   */
  async run<T>(bucket: string, request: (client: S3Client) => Promise<T>): Promise<T> {
    const asked = this.#regions.get(bucket) ?? this.#region;
    try {
      return await request(this.#client(asked));
    } catch (error) {
      const region = redirectedRegion(error);
      if (region === undefined || region === asked) throw error;
      if (this.#regions.size >= MAX_REMEMBERED) this.#regions.clear();
      this.#regions.set(bucket, region);
      return await request(this.#client(region));
    }
  }

  /** Breaks off what is still running. */
  close(): void {
    for (const client of this.#clients.values()) client.destroy();
    this.#agents.http.destroy();
    this.#agents.https.destroy();
  }

  #client(region: string): S3Client {
    const known = this.#clients.get(region);
    if (known !== undefined) return known;
    const client = new this.sdk.S3Client({ ...this.#config, region });
    this.#clients.set(region, client);
    return client;
  }
}

/** The region that the SDK's environment names: its variables, its shared files. */
async function regionOf(sdk: S3Sdk): Promise<string> {
  const undecided = new sdk.S3Client({});
  try {
    return await undecided.config.region();
  } catch {
    return DEFAULT_REGION;
  } finally {
    undecided.destroy();
  }
}

/** Who requests are signed as. What fails of that is a `LoginError`, and none of the bucket. */
async function credentialsOf(options: S3Options, region: string): Promise<NonNullable<S3ClientConfig['credentials']>> {
  const { accessKeyId, secretAccessKey, sessionToken, assumeRoleArn, assumeRoleExternalId } = options;
  const own =
    accessKeyId === undefined || secretAccessKey === undefined
      ? undefined
      : { accessKeyId, secretAccessKey, ...(sessionToken !== undefined && { sessionToken }) };
  if (assumeRoleArn === undefined && own !== undefined) return own;
  const { fromNodeProviderChain, fromTemporaryCredentials } = await import('@aws-sdk/credential-providers');
  const clientConfig = { region };
  if (assumeRoleArn === undefined) return toldAs('credentials', fromNodeProviderChain({ clientConfig }));
  const assume = fromTemporaryCredentials({
    ...(own !== undefined && { masterCredentials: own }),
    params: {
      RoleArn: assumeRoleArn,
      RoleSessionName: 'tintype',
      ...(assumeRoleExternalId !== undefined && { ExternalId: assumeRoleExternalId }),
    },
    clientConfig,
  });
  return toldAs('AssumeRole', assume);
}

function toldAs<A extends readonly unknown[], T>(
  step: LoginStep,
  provide: (...context: A) => Promise<T>,
): (...context: A) => Promise<T> {
  return (...context) =>
    provide(...context).catch((error: unknown) => {
      throw new LoginError(step, error);
    });
}
