import { Agent, createServer, type IncomingMessage, request, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import {
  type ByteRange,
  type CheckResult,
  type EntryInfo,
  type GetOutcome,
  type OperationContext,
  type PutBody,
  type StorageCapabilities,
  StorageError,
  type StorageKey,
  type StoredMetadata,
  StreamedBody,
  type Version,
  type VersionCondition,
} from '@tintype/core';
import { FaultProxy } from '../proxy/fault-proxy.ts';
import type { StorageSubject } from '../storage/harness.ts';
import { ReferenceData, ReferenceStorage, tick, unsupported } from './reference-storage.ts';

/** The server's side: one object per path, over the data of a reference. */
export class ObjectServer {
  readonly data: ReferenceData = new ReferenceData();
  readonly #storage = new ReferenceStorage(this.data);
  readonly #server: Server = createServer((incoming, answer) => {
    this.#answer(incoming).then(
      ({ status, headers = {}, body }) => answer.writeHead(status, headers).end(incoming.method === 'HEAD' ? '' : body),
      // Whoever sent it has gone: nothing was stored.
      () => answer.destroy(),
    );
  });

  async listen(): Promise<this> {
    // Only clients end connections: none is lost that is about to be used again.
    this.#server.keepAliveTimeout = 0;
    await new Promise<void>((resolve) => this.#server.listen(0, '127.0.0.1', resolve));
    return this;
  }

  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  close(): void {
    this.#server.close();
    this.#server.closeAllConnections();
  }

  async #answer(incoming: IncomingMessage): Promise<Answer> {
    const key = decodeURIComponent(incoming.url?.slice(1) ?? '') as StorageKey;
    const description = String(incoming.headers['x-metadata'] ?? '');
    const metadata = description === '' ? undefined : (JSON.parse(description) as StoredMetadata);
    if (incoming.method === 'PUT') {
      const chunks: Uint8Array[] = [];
      for await (const chunk of incoming) chunks.push(chunk as Uint8Array);
      if (!incoming.complete || metadata === undefined) throw new Error('Half a request.');
      return { status: 200, headers: { etag: this.#storage.commit(key, Buffer.concat(chunks), metadata) } };
    }
    incoming.resume();
    if (incoming.method === 'DELETE') {
      this.data.entries.delete(key);
      return { status: 204 };
    }
    const stored = this.data.entries.get(key);
    if (stored === undefined) return { status: 404 };
    if (incoming.method === 'PATCH' && metadata !== undefined) {
      return { status: 200, headers: { etag: this.#storage.commit(key, stored.bytes, metadata) } };
    }
    const headers = {
      etag: stored.version,
      'content-length': stored.bytes.length,
      'x-metadata': JSON.stringify(stored.metadata),
    };
    return { status: 200, headers, body: stored.bytes };
  }
}

interface Answer {
  readonly status: number;
  readonly headers?: Record<string, string | number>;
  readonly body?: Uint8Array;
}

const CAPABILITIES: Partial<StorageCapabilities> = {
  conditionalCreate: false,
  conditionalReplace: false,
  conditionalMetadata: false,
  conditionalDelete: false,
  ranges: false,
  nativeExpiry: false,
};

/** What may be wrong with an HTTP adapter, for the zoo. */
export interface HttpFlaws {
  /** A write whose answer was lost is reported as not applied. */
  readonly claimsNotApplied?: boolean;
  readonly forgetsRetryAfter?: boolean;
  readonly retries?: boolean;
  /** A lost connection is a miss. */
  readonly lostIsMiss?: boolean;
  readonly ignoresAbort?: boolean;
  readonly acceptsShortBodies?: boolean;
  readonly headBeforeGet?: boolean;
  readonly serverErrorsAreInternal?: boolean;
  readonly throwsPlainErrors?: boolean;
  readonly keepsConnections?: boolean;
}

/** An adapter over HTTP, as sound as its flaws allow: what the tests of errors are tried on. */
export class HttpReference extends ReferenceStorage {
  readonly #url: string;
  readonly #flaws: HttpFlaws;
  readonly #agent = new Agent({ keepAlive: true, maxSockets: 64 });

  constructor(server: ObjectServer, flaws: HttpFlaws = {}, url: string = server.url) {
    super(server.data, CAPABILITIES);
    this.#url = url;
    this.#flaws = flaws;
  }

  override async close(): Promise<void> {
    if (!this.#flaws.keepsConnections) this.#agent.destroy();
    await tick();
  }

  override async get(key: StorageKey, range: ByteRange | undefined, context: OperationContext): Promise<GetOutcome> {
    if (range !== undefined) throw unsupported('byte ranges');
    try {
      if (this.#flaws.headBeforeGet) await this.stat(key, context);
      const response = await this.#send('GET', key, context);
      const info = infoOf(response);
      if (info === undefined) {
        response.resume();
        return undefined;
      }
      const { size } = info;
      const short = this.#flaws.acceptsShortBodies;
      const body = new StreamedBody(
        async function* () {
          try {
            for await (const chunk of response) yield chunk as Uint8Array;
          } catch (error) {
            if (context.signal.aborted) throw context.signal.reason;
            if (!short) throw lost(error, 'no');
          }
        },
        () => void response.destroy(),
      );
      return { kind: 'entry', ...info, size, range: undefined, body };
    } catch (error) {
      if (this.#flaws.lostIsMiss && !context.signal.aborted) return undefined;
      throw error;
    }
  }

  override async stat(key: StorageKey, context: OperationContext): Promise<EntryInfo | undefined> {
    const response = await this.#send('HEAD', key, context);
    response.resume();
    return infoOf(response);
  }

  override async put(
    key: StorageKey,
    body: PutBody,
    metadata: StoredMetadata,
    condition: Parameters<ReferenceStorage['put']>[3],
    context: OperationContext,
  ): Promise<Version> {
    this.refuseUndeclared(condition);
    const response = await this.#send('PUT', key, context, { 'x-metadata': JSON.stringify(metadata) }, body);
    response.resume();
    return String(response.headers.etag) as Version;
  }

  override async setMetadata(
    key: StorageKey,
    metadata: StoredMetadata,
    condition: VersionCondition | undefined,
    context: OperationContext,
  ): Promise<Version | undefined> {
    if (condition !== undefined) throw unsupported('conditional setMetadata');
    const response = await this.#send('PATCH', key, context, { 'x-metadata': JSON.stringify(metadata) });
    response.resume();
    return response.statusCode === 404 ? undefined : (String(response.headers.etag) as Version);
  }

  override async delete(
    key: StorageKey,
    condition: VersionCondition | undefined,
    context: OperationContext,
  ): Promise<void> {
    if (condition !== undefined) throw unsupported('conditional delete');
    (await this.#send('DELETE', key, context)).resume();
  }

  override async check(): Promise<CheckResult> {
    return { ok: true, summary: 'reference storage over HTTP' };
  }

  async #send(
    method: string,
    key: StorageKey,
    context: OperationContext,
    headers: Record<string, string> = {},
    body?: PutBody,
  ): Promise<IncomingMessage> {
    try {
      return await this.#attempt(method, key, context, headers, body);
    } catch (error) {
      const again = this.#flaws.retries && StorageError.is(error) && error.retryable && body === undefined;
      if (!again) throw error;
      return this.#attempt(method, key, context, headers, body);
    }
  }

  async #attempt(
    method: string,
    key: StorageKey,
    context: OperationContext,
    headers: Record<string, string>,
    body: PutBody | undefined,
  ): Promise<IncomingMessage> {
    const { signal } = context;
    signal.throwIfAborted();
    let failure: { readonly error: unknown } | undefined;
    const writes = method !== 'GET' && method !== 'HEAD';
    const response = await new Promise<IncomingMessage>((resolve, reject) => {
      const outgoing = request(`${this.#url}/${encodeURIComponent(key)}`, {
        method,
        headers,
        agent: this.#agent,
        ...(this.#flaws.ignoresAbort ? {} : { signal }),
      });
      outgoing.on('response', resolve);
      outgoing.on('error', reject);
      if (body === undefined) outgoing.end();
      else {
        send(body, outgoing).catch((error) => {
          failure = { error };
          outgoing.destroy();
        });
      }
    }).catch((error) => {
      if (failure) throw failure.error;
      if (signal.aborted) throw signal.reason;
      if (this.#flaws.throwsPlainErrors) throw error;
      throw lost(error, writes && !this.#flaws.claimsNotApplied ? 'unknown' : 'no');
    });
    const status = response.statusCode ?? 0;
    if (status < 300 || status === 404) return response;
    response.resume();
    const after = Number(response.headers['retry-after']);
    throw new StorageError({
      code: status === 429 ? 'rate-limited' : this.#flaws.serverErrorsAreInternal ? 'internal' : 'unavailable',
      message: `The server answered ${status}.`,
      ...(after > 0 && !this.#flaws.forgetsRetryAfter ? { retryAfterMs: after * 1_000 } : {}),
    });
  }
}

async function send(body: PutBody, outgoing: ReturnType<typeof request>): Promise<void> {
  for await (const chunk of body.stream()) {
    // A socket that was reset never drains.
    if (outgoing.destroyed) return;
    if (!outgoing.write(chunk)) await drained(outgoing);
  }
  outgoing.end();
}

function drained(outgoing: ReturnType<typeof request>): Promise<void> {
  return new Promise((resolve) => {
    const go = () => {
      outgoing.off('drain', go).off('close', go);
      resolve();
    };
    outgoing.on('drain', go).on('close', go);
  });
}

function lost(cause: unknown, applied: 'no' | 'unknown'): StorageError {
  return new StorageError({ code: 'unavailable', message: 'The connection was lost.', applied, cause });
}

function infoOf(response: IncomingMessage): EntryInfo | undefined {
  if (response.statusCode === 404) return undefined;
  return {
    metadata: JSON.parse(String(response.headers['x-metadata'])) as StoredMetadata,
    size: Number(response.headers['content-length']),
    version: String(response.headers.etag) as Version,
  };
}

/** A subject over HTTP, with the network hook. */
export async function httpSubject(flaws: HttpFlaws = {}): Promise<StorageSubject> {
  const server = await new ObjectServer().listen();
  return {
    adapter: new HttpReference(server, flaws),
    sibling: () => new HttpReference(server, flaws),
    async network() {
      const proxy = await new FaultProxy(server.url).listen();
      return { adapter: new HttpReference(server, flaws, proxy.url), proxy };
    },
    dispose: () => server.close(),
  };
}
