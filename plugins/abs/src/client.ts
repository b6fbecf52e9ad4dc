import { Agent as HttpAgent } from 'node:http';
import { Agent as HttpsAgent } from 'node:https';
import { Socket } from 'node:net';
import { Readable } from 'node:stream';
import type {
  BlobDownloadResponseParsed,
  BlobServiceClient,
  ContainerClient,
  StoragePipelineOptions,
} from '@azure/storage-blob';
import { readable, StorageError } from '@tintype/core';
import { isMissing } from './errors.ts';
import { type AbsOptions, serviceUrl } from './options.ts';

/** The SDK, which is only loaded once somebody opens a storage or an origin. */
type AbsSdk = typeof import('@azure/storage-blob');

/** The SDK hands all of its options on to its HTTP pipeline, which knows one more than its types say. */
type PipelineOptions = StoragePipelineOptions & { readonly agent: HttpAgent };

/**
 * Connections to one account with one set of credentials. The SDK retries nothing: its caller does.
 */
export class AbsConnection {
  readonly #service: BlobServiceClient;
  readonly #agent: HttpAgent;

  private constructor(service: BlobServiceClient, agent: HttpAgent) {
    this.#service = service;
    this.#agent = agent;
  }

  /** Loads the SDK. No request yet. */
  static async open(options: AbsOptions): Promise<AbsConnection> {
    const sdk = await import('@azure/storage-blob');
    const { connectionString } = options;
    const isPlain =
      connectionString === undefined
        ? serviceUrl(options).startsWith('http:')
        : /BlobEndpoint=http:|DefaultEndpointsProtocol=http(;|$)|UseDevelopmentStorage=true/i.test(connectionString);
    const agent = agentOf(isPlain, options);
    const pipeline: PipelineOptions = { agent, retryOptions: { maxTries: 1 } };
    const service =
      connectionString === undefined
        ? await serviceOf(sdk, options, pipeline)
        : serviceOfString(sdk, connectionString, pipeline);
    return new AbsConnection(service, agent);
  }

  container(name: string): ContainerClient {
    return this.#service.getContainerClient(name);
  }

  /**
   * Whether there is a container, and somebody who takes our signature and lets us read. A blob that is
   * not there is answer enough; to list is a permission of its own, which nobody need have for that.
   */
  async reach(name: string, abortSignal: AbortSignal): Promise<void> {
    const blob = this.container(name).getBlobClient('~tintype-probe');
    try {
      bodyOf(await blob.download(0, 1, { abortSignal, maxRetryRequests: 0 })).destroy();
    } catch (error) {
      if (!isMissing(error)) throw error;
    }
  }

  /** Breaks off what is still running. */
  close(): void {
    this.#agent.destroy();
  }
}

/** The body of an answer, which holds its connection until it is read or destroyed. */
export function bodyOf({ readableStreamBody }: BlobDownloadResponseParsed): Readable {
  if (readableStreamBody === undefined || readableStreamBody instanceof Readable) return readable(readableStreamBody);
  throw new TypeError('The SDK gave a body that is no stream of Node.');
}

async function serviceOf(sdk: AbsSdk, options: AbsOptions, pipeline: PipelineOptions): Promise<BlobServiceClient> {
  const url = serviceUrl(options);
  const { name, key, sasToken } = options;
  if (sasToken !== undefined) {
    return new sdk.BlobServiceClient(`${url}?${sasToken.replace(/^\?/, '')}`, new sdk.AnonymousCredential(), pipeline);
  }
  if (name !== undefined && key !== undefined) {
    return new sdk.BlobServiceClient(url, new sdk.StorageSharedKeyCredential(name, key), pipeline);
  }
  const { DefaultAzureCredential } = await import('@azure/identity');
  try {
    return new sdk.BlobServiceClient(url, new DefaultAzureCredential(), pipeline);
  } catch (error) {
    // It tells which of its variables has a value that it does not know.
    const message = `The variables AZURE_* cannot be used: ${error instanceof Error ? error.message : error}`;
    throw new StorageError({ code: 'misconfigured', message });
  }
}

function serviceOfString(sdk: AbsSdk, connectionString: string, pipeline: PipelineOptions): BlobServiceClient {
  try {
    return sdk.BlobServiceClient.fromConnectionString(connectionString, pipeline);
  } catch {
    // Without the cause: it may repeat what it does not understand.
    const message = 'CONNECTION_STRING cannot be used; take it from the portal as it is.';
    throw new StorageError({ code: 'misconfigured', message });
  }
}

/** Connections that are kept, up to a number, and end after too long a silence. */
function agentOf(isPlain: boolean, { maxSockets, requestTimeout }: AbsOptions): HttpAgent {
  const timeout = requestTimeout * 1_000;
  const settings = { keepAlive: true, maxSockets, ...(timeout > 0 && { timeout }) };
  const agent = isPlain ? new HttpAgent(settings) : new HttpsAgent(settings);
  // The agent sets the timer; what happens then is left to whoever makes the request, which the SDK does not do.
  const connect = agent.createConnection.bind(agent);
  agent.createConnection = (options, callback) => {
    const socket = connect(options, callback);
    if (socket instanceof Socket) {
      socket.on('timeout', () => {
        socket.destroy(Object.assign(new Error('There was silence for too long.'), { code: 'ETIMEDOUT' }));
      });
    }
    return socket;
  };
  return agent;
}
