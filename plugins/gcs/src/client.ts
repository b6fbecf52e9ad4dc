import { Agent as HttpAgent } from 'node:http';
import { Agent as HttpsAgent } from 'node:https';
import type { Socket } from 'node:net';
import type { Readable } from 'node:stream';
import { endpointUrl, readable, unlessAborted } from '@tintype/core';
import type { AuthClient } from 'google-auth-library';
import { AnswerError, LoginError } from './errors.ts';
import { type GcsOptions, serviceAccountKey } from './options.ts';

/** Longest answer that is read of a refusal, in bytes. */
const MAX_REFUSAL = 64 * 1024;

/** What objects can be read, written and described with. https://cloud.google.com/storage/docs/oauth-scopes */
const SCOPE = 'https://www.googleapis.com/auth/devstorage.full_control';

/**
 * What new buckets would belong to, and nothing else: requests for objects name no project, and who pays is said by
 * `GOOGLE_CLOUD_QUOTA_PROJECT` or the credentials. Without one the SDK's first login looks for it: it runs `gcloud`
 * and asks the metadata servers of Google's machines, which elsewhere takes seconds.
 */
const NO_PROJECT = 'none';

/** A login that is refused is not repeated more often than this, in milliseconds. */
const RENEW_MS = 10_000;

/** One request. */
export interface GcsRequest {
  readonly method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';
  readonly url: string;
  readonly headers?: Readonly<Record<string, string>>;
  /** Lies in memory, so that the request can be made again after a new login. */
  readonly body?: Uint8Array | string;
  /** Statuses besides 2xx that are an answer and not a failure. */
  readonly also?: readonly number[];
}

/** What came, with a body that is still to be read or destroyed. */
export interface GcsAnswer {
  readonly status: number;
  readonly headers: Headers;
  readonly body: Readable;
}

interface Agents {
  readonly http: HttpAgent;
  readonly https: HttpsAgent;
}

/**
 * Connections to one service with one login, over the SDK's authenticated transport. The SDK's own
 * methods for objects cannot be given up, share their sockets with the whole process and do not
 * limit them, so requests are made here. Nothing is retried but a login that is not accepted any
 * more: core does the rest.
 */
export class GcsConnection {
  /** `https://storage.googleapis.com`, without a slash at its end. */
  readonly endpoint: string;
  readonly #logIn: () => Promise<AuthClient>;
  readonly #agents: Agents;
  /** Longest time for a login; 0 = no limit. */
  readonly #timeoutMs: number;
  #client: Promise<AuthClient> | undefined;
  #renewed = Number.NEGATIVE_INFINITY;

  private constructor(endpoint: string, logIn: () => Promise<AuthClient>, agents: Agents, timeoutMs: number) {
    this.endpoint = endpoint;
    this.#logIn = logIn;
    this.#agents = agents;
    this.#timeoutMs = timeoutMs;
  }

  /** Loads the SDK. No request yet. */
  static async open(options: GcsOptions): Promise<GcsConnection> {
    const [{ Storage }, { JWT, PassThroughClient }] = await Promise.all([
      import('@google-cloud/storage'),
      import('google-auth-library'),
    ]);
    const timeout = options.requestTimeout * 1_000;
    const agent = { keepAlive: true, maxSockets: options.maxSockets };
    const agents = {
      http: withTimeout(new HttpAgent(agent), timeout),
      https: withTimeout(new HttpsAgent(agent), timeout),
    };
    const apiEndpoint = options.endpoint === undefined ? undefined : endpointUrl(options.endpoint);
    const key = options.key === undefined ? undefined : serviceAccountKey(options.key);
    const universe = key?.universe_domain === undefined ? {} : { universeDomain: key.universe_domain };
    const service = { ...(apiEndpoint !== undefined && { apiEndpoint }), ...universe };
    const storage = () => new Storage({ ...service, projectId: NO_PROJECT });
    const { apiEndpoint: endpoint, customEndpoint } = storage();
    const logIn = async () => {
      if (key !== undefined) {
        const { client_email: email, private_key, private_key_id: keyId } = key;
        return new JWT({
          email,
          key: private_key,
          ...(keyId !== undefined && { keyId }),
          scopes: [SCOPE],
          ...universe,
        });
      }
      // Tokens of this machine are for Google alone.
      return customEndpoint && !isGoogle(endpoint) ? new PassThroughClient() : storage().authClient.getClient();
    };
    return new GcsConnection(endpoint, logIn, agents, timeout);
  }

  /**
   * Makes one request. If the login is not accepted, a new one is made, and the request once more.
   *
   * @throws AnswerError for what is neither 2xx nor in `also`, LoginError, or what the connection says.
   */
  async send(request: GcsRequest, signal: AbortSignal): Promise<GcsAnswer> {
    const client = this.#current();
    const first = await this.#sendAs(client, request, signal);
    if (first.status !== 401 || !this.#mayRenew(client)) return await checked(first, request);
    first.body.destroy();
    return await checked(await this.#sendAs(this.#current(), request, signal), request);
  }

  /** The same for an answer of JSON. */
  async json<T>(request: GcsRequest, signal: AbortSignal): Promise<T> {
    return jsonOf<T>(await this.send(request, signal));
  }

  /** Breaks off what is still running. */
  close(): void {
    this.#agents.http.destroy();
    this.#agents.https.destroy();
  }

  #current(): Promise<AuthClient> {
    if (this.#client !== undefined) return this.#client;
    const client = this.#logIn();
    this.#client = client;
    // A login that failed is tried again with the next request.
    client.catch(() => {
      if (this.#client === client) this.#client = undefined;
    });
    return client;
  }

  /** Forgets a login that was refused, unless that is already done; not again and again if none is accepted. */
  #mayRenew(refused: Promise<AuthClient>): boolean {
    if (this.#client !== refused) return true;
    const now = performance.now();
    if (now - this.#renewed < RENEW_MS) return false;
    this.#renewed = now;
    this.#client = undefined;
    return true;
  }

  async #sendAs(client: Promise<AuthClient>, request: GcsRequest, signal: AbortSignal): Promise<GcsAnswer> {
    const { url, method, headers, body } = request;
    const [{ transporter }, login] = await unlessAborted(this.#loggedIn(client, url), signal);
    const {
      status,
      headers: answered,
      data,
    } = await transporter.request<Readable>({
      url,
      method,
      headers: { ...headers, ...Object.fromEntries(login.entries()) },
      ...(body !== undefined && { data: body }),
      responseType: 'stream',
      // Bodies come as they are stored: what is decompressed on the way has neither length nor checksum.
      ...{ compress: false },
      redirect: 'manual',
      // Refusals are read here: the SDK's errors carry the whole request.
      validateStatus: () => true,
      retry: false,
      signal,
      agent: new URL(url).protocol === 'https:' ? this.#agents.https : this.#agents.http,
    });
    return { status, headers: answered, body: readable(data || undefined) };
  }

  /** The SDK neither gives up a login nor limits it: a late one is forgotten, and the next request makes another. */
  async #loggedIn(pending: Promise<AuthClient>, url: string): Promise<[AuthClient, Headers]> {
    const late = Promise.withResolvers<never>();
    const timer =
      this.#timeoutMs === 0
        ? undefined
        : setTimeout(() => {
            if (this.#client === pending) this.#client = undefined;
            const message = `The login took more than ${this.#timeoutMs} ms.`;
            late.reject(Object.assign(new Error(message), { code: 'ETIMEDOUT' }));
          }, this.#timeoutMs);
    try {
      return await Promise.race([signedIn(pending, url), late.promise]);
    } catch (error) {
      throw new LoginError(error);
    } finally {
      clearTimeout(timer);
    }
  }
}

/** An answer of JSON. @throws AnswerError if it is none, or what the connection says. */
export async function jsonOf<T>({ status, headers, body }: GcsAnswer): Promise<T> {
  const text = await textOf(body, Number.POSITIVE_INFINITY);
  try {
    return JSON.parse(text) as T;
  } catch {
    throw new AnswerError(status, headers, 'The answer is not JSON.');
  }
}

async function signedIn(pending: Promise<AuthClient>, url: string): Promise<[AuthClient, Headers]> {
  const client = await pending;
  return [client, await client.getRequestHeaders(url)];
}

async function checked(answer: GcsAnswer, { also = [] }: GcsRequest): Promise<GcsAnswer> {
  const { status, headers, body } = answer;
  if ((status >= 200 && status < 300) || also.includes(status)) return answer;
  throw new AnswerError(status, headers, await textOf(body, MAX_REFUSAL));
}

/** No more than `limit` bytes; what comes after them is not read. */
async function textOf(body: Readable, limit: number): Promise<string> {
  const chunks: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of body as AsyncIterable<Uint8Array>) {
    chunks.push(chunk);
    size += chunk.length;
    if (size > limit) break;
  }
  return Buffer.concat(chunks).toString();
}

function isGoogle(endpoint: string): boolean {
  const { hostname, protocol } = new URL(endpoint);
  return protocol === 'https:' && (hostname === 'googleapis.com' || hostname.endsWith('.googleapis.com'));
}

/** Ends connections that are silent for so long, also while they are made. 0 = never. */
function withTimeout<A extends HttpAgent>(agent: A, ms: number): A {
  if (ms === 0) return agent;
  const connect = agent.createConnection.bind(agent);
  agent.createConnection = (options, callback) => {
    const socket = connect(options, callback) as Socket;
    const set = socket.setTimeout.bind(socket);
    // The transport switches the time off with the head of an answer, though its body may halt; the
    // agent shortens it between two requests, as the service asks.
    socket.setTimeout = (wanted, listener) => {
      if (wanted !== 0) return set(Math.min(wanted, ms), listener);
      if (listener !== undefined) socket.removeListener('timeout', listener);
      return set(ms);
    };
    set(ms, () => {
      socket.destroy(Object.assign(new Error(`Nothing came for ${ms} ms.`), { code: 'ETIMEDOUT' }));
    });
    return socket;
  };
  const reuse = agent.reuseSocket.bind(agent);
  agent.reuseSocket = (socket, request) => {
    reuse(socket, request);
    (socket as Socket).setTimeout(ms);
  };
  return agent;
}
