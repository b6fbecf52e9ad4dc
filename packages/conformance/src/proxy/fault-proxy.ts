import { createServer, request as httpRequest, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';

/** What the proxy does to a request instead of passing it on faithfully. */
export type Fault =
  /** Waits, then passes it on. */
  | { readonly kind: 'latency'; readonly ms: number }
  /** Resets the connection; the server never hears of the request. */
  | { readonly kind: 'reset-before' }
  /** Lets the server do it, then resets the connection: the answer is lost. */
  | { readonly kind: 'reset-after' }
  /** Passes on the head and this many bytes of the answer's body, then resets. */
  | { readonly kind: 'truncate'; readonly bytes: number }
  /** Passes on the answer's body in small pieces. */
  | { readonly kind: 'drip'; readonly bytes: number; readonly everyMs: number }
  /** Answers by itself. */
  | {
      readonly kind: 'status';
      readonly status: number;
      readonly headers?: Readonly<Record<string, string>>;
      readonly body?: string;
    }
  /** Answers with bytes that are no HTTP. */
  | { readonly kind: 'garbage' }
  /** Takes the request and never answers. */
  | { readonly kind: 'silence' };

/** When a fault strikes. All that is given must fit. */
export interface FaultRule {
  readonly fault: Fault;
  readonly methods?: readonly string[];
  /** Path and query. */
  readonly path?: RegExp;
  /** Lets this many matching requests pass first. */
  readonly after?: number;
  /** Strikes this often; for ever unless given. */
  readonly times?: number;
}

/** A request that came by. */
export interface SeenRequest {
  readonly method: string;
  readonly path: string;
  readonly fault: Fault['kind'] | undefined;
}

interface Scripted {
  readonly rule: FaultRule;
  seen: number;
  struck: number;
}

/**
 * A reverse proxy on loopback that passes HTTP on to a real server, and fails as it is told to. It
 * keeps the Host field, so that signed requests stay valid: configure the adapter with `url`.
 */
export class FaultProxy {
  readonly #upstream: URL;
  readonly #server = createServer((incoming, answer) => void this.#handle(incoming, answer));
  readonly #sockets = new Set<Socket>();
  readonly #requests: SeenRequest[] = [];
  #scripts: Scripted[] = [];

  /** @param upstream the real server: scheme, host and port. Only `http:`. */
  constructor(upstream: string | URL) {
    this.#upstream = new URL(upstream);
    // An idle connection that it closed of itself, just as it is used again, would be a fault that nobody asked for.
    this.#server.keepAliveTimeout = 0;
    this.#server.on('connection', (socket) => {
      this.#sockets.add(socket);
      socket.on('close', () => this.#sockets.delete(socket));
      socket.on('error', () => undefined);
    });
    // Clients that give up half-way are what this is about.
    this.#server.on('clientError', (_, socket) => socket.destroy());
  }

  /** Starts to listen on a free port of 127.0.0.1. */
  async listen(): Promise<this> {
    await new Promise<void>((resolve, reject) => {
      this.#server.once('error', reject);
      this.#server.listen(0, '127.0.0.1', resolve);
    });
    return this;
  }

  /** Where it listens: `http://127.0.0.1:PORT`. */
  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  /** Every request so far, in order. */
  get requests(): readonly SeenRequest[] {
    return this.#requests;
  }

  /** Connections of clients that are open now. */
  get openSockets(): number {
    return this.#sockets.size;
  }

  /** Requests so far by method. */
  counts(): Readonly<Record<string, number>> {
    const counts: Record<string, number> = {};
    for (const { method } of this.#requests) counts[method] = (counts[method] ?? 0) + 1;
    return counts;
  }

  /** Adds a rule; the first that fits strikes. */
  script(rule: FaultRule): void {
    this.#scripts.push({ rule, seen: 0, struck: 0 });
  }

  /** Forgets all rules: requests pass faithfully. */
  clear(): void {
    this.#scripts = [];
  }

  async close(): Promise<void> {
    const closed = new Promise<void>((resolve) => this.#server.close(() => resolve()));
    for (const socket of this.#sockets) socket.destroy();
    await closed;
  }

  #choose(method: string, path: string): Fault | undefined {
    for (const script of this.#scripts) {
      const { rule } = script;
      if (rule.methods && !rule.methods.includes(method)) continue;
      if (rule.path && !rule.path.test(path)) continue;
      if (script.seen++ < (rule.after ?? 0)) continue;
      if (script.struck >= (rule.times ?? Number.POSITIVE_INFINITY)) continue;
      script.struck++;
      return rule.fault;
    }
    return undefined;
  }

  async #handle(incoming: IncomingMessage, answer: ServerResponse): Promise<void> {
    const method = incoming.method ?? 'GET';
    const path = incoming.url ?? '/';
    const fault = this.#choose(method, path);
    this.#requests.push({ method, path, fault: fault?.kind });
    incoming.on('error', () => undefined);
    answer.on('error', () => undefined);
    switch (fault?.kind) {
      case 'reset-before':
        reset(incoming.socket);
        return;
      case 'silence':
        incoming.resume();
        return;
      case 'garbage':
        incoming.socket.end('\u0000\u0001 this is no HTTP \r\n\r\n');
        return;
      case 'status': {
        // Reads the body first, as a server that throttles late does; clients hear the answer.
        incoming.resume();
        await new Promise((resolve) => incoming.once('end', resolve).once('close', resolve));
        const body = fault.body ?? '';
        answer.writeHead(fault.status, { ...fault.headers, 'content-length': Buffer.byteLength(body) });
        answer.end(method === 'HEAD' ? undefined : body);
        return;
      }
      case 'latency':
        await new Promise((resolve) => setTimeout(resolve, fault.ms));
        break;
    }
    this.#forward(incoming, answer, fault);
  }

  #forward(incoming: IncomingMessage, answer: ServerResponse, fault: Fault | undefined): void {
    const upstream = httpRequest({
      host: this.#upstream.hostname,
      port: this.#upstream.port,
      method: incoming.method,
      path: incoming.url,
      headers: incoming.rawHeaders,
      agent: false,
    });
    upstream.on('error', () => reset(incoming.socket));
    incoming.on('close', () => {
      if (!incoming.complete) upstream.destroy();
    });
    answer.on('close', () => {
      if (!answer.writableEnded) upstream.destroy();
    });
    upstream.on('response', (response) => void this.#answer(response, incoming, answer, fault));
    incoming.pipe(upstream);
  }

  async #answer(
    response: IncomingMessage,
    incoming: IncomingMessage,
    answer: ServerResponse,
    fault: Fault | undefined,
  ): Promise<void> {
    response.on('error', () => reset(incoming.socket));
    if (fault?.kind === 'reset-after') {
      response.resume();
      response.once('end', () => reset(incoming.socket));
      return;
    }
    answer.writeHead(response.statusCode ?? 502, response.statusMessage, response.rawHeaders);
    if (fault?.kind === 'truncate') {
      let left = fault.bytes;
      response.on('data', (chunk: Buffer) => {
        if (left > 0) answer.write(chunk.subarray(0, left), () => left <= 0 && reset(incoming.socket));
        left -= chunk.length;
      });
      response.once('end', () => reset(incoming.socket));
      return;
    }
    if (fault?.kind === 'drip') {
      try {
        for await (const chunk of response as AsyncIterable<Buffer>) {
          for (let offset = 0; offset < chunk.length && !answer.destroyed; offset += fault.bytes) {
            answer.write(chunk.subarray(offset, offset + fault.bytes));
            await new Promise((resolve) => setTimeout(resolve, fault.everyMs));
          }
          if (answer.destroyed) break;
        }
        answer.end();
      } catch {
        reset(incoming.socket);
      }
      return;
    }
    response.pipe(answer);
  }
}

/** Ends a connection with RST, so that the peer sees a reset and not an end. */
function reset(socket: Socket): void {
  if (!socket.destroyed) socket.resetAndDestroy();
}
