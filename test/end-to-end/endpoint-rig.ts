import { once } from 'node:events';
import { createServer, type IncomingMessage, type RequestListener, request } from 'node:http';
import { type AddressInfo, connect } from 'node:net';
import {
  createProxy,
  definePlugin,
  type EndpointDefinition,
  type Plugin,
  type ProxyEvent,
  tokens,
} from '@tintype/core';
import fs from '@tintype/fs';
import http from '@tintype/http';
import imgproxyUrl from '@tintype/imgproxy-url';
import memory from '@tintype/memory';
import { startServer } from '@tintype/server';
import sharp from '@tintype/sharp';
import { PATIENT, UNHURRIED } from './rig.ts';

/** An answer as it came over the wire. */
export interface Answer {
  readonly status: number;
  /** By lower-case name; lists of those that came several times are in `raw`. */
  readonly headers: Readonly<Record<string, string>>;
  readonly raw: readonly (readonly [string, string])[];
  readonly body: string;
}

export interface Ask {
  readonly method?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string;
}

/** A request on its way. */
export interface Started {
  readonly begun: Promise<void>;
  readonly answer: Promise<Answer>;
}

/** A proxy with endpoints on loopback, with every built-in plugin and a clock that only a test moves. */
export class EndpointRig implements AsyncDisposable {
  readonly port: number;
  readonly events: ProxyEvent[];
  readonly #clock: { now: number };
  readonly #stop: () => Promise<void>;
  readonly #wakers: Set<() => void>;

  private constructor(
    port: number,
    events: ProxyEvent[],
    clock: { now: number },
    wakers: Set<() => void>,
    stop: () => Promise<void>,
  ) {
    this.port = port;
    this.events = events;
    this.#clock = clock;
    this.#wakers = wakers;
    this.#stop = stop;
  }

  static async start(
    endpoints: readonly EndpointDefinition[],
    settings: Readonly<Record<string, unknown>> = {},
    further: readonly Plugin[] = [],
  ): Promise<EndpointRig> {
    const events: ProxyEvent[] = [];
    const clock = { now: Date.now() };
    const wakers = new Set<() => void>();
    const ears = definePlugin({
      name: 'test/ears',
      register(registry) {
        registry.container.bind(tokens.clock).toConstantValue(() => clock.now);
        registry.observer({
          observe(event) {
            events.push(event);
            for (const wake of wakers) wake();
          },
        });
      },
    });
    const plugins = [fs, memory, http, sharp, imgproxyUrl, ears, ...further];
    const proxy = await createProxy({ plugins, endpoints, settings: { ...UNHURRIED, ...settings } });
    await proxy.open();
    const server = await startServer(proxy, PATIENT);
    return new EndpointRig(server.port ?? 0, events, clock, wakers, async () => {
      await server.close();
      await proxy.close();
    });
  }

  /** What the proxy takes the time for, in milliseconds since the epoch. */
  get now(): number {
    return this.#clock.now;
  }

  advance(seconds: number): void {
    this.#clock.now += seconds * 1_000;
  }

  /** Resolves when so many responses were stored since the start. */
  async stored(count: number): Promise<void> {
    const far = () => this.events.filter(({ type }) => type === 'stored').length;
    while (far() < count) await new Promise<void>((resolve) => this.#wakers.add(resolve));
  }

  ask(path: string, how: Ask = {}): Promise<Answer> {
    return this.start(path, how).answer;
  }

  /** Asks, and tells when the answer's header and first bytes have come. */
  start(path: string, { method = 'GET', headers = {}, body }: Ask = {}): Started {
    const { promise: answer, resolve, reject } = Promise.withResolvers<Answer>();
    const { promise: begun, resolve: begin } = Promise.withResolvers<void>();
    const asked = request({ host: '127.0.0.1', port: this.port, path, method, headers, agent: false }, (response) => {
      const chunks: Buffer[] = [];
      response.on('data', (chunk: Buffer) => {
        chunks.push(chunk);
        begin();
      });
      response.on('error', reject);
      response.on('end', () => resolve(answerOf(response, Buffer.concat(chunks).toString('latin1'))));
    });
    asked.on('error', reject);
    asked.end(body);
    return { begun, answer };
  }

  /** Sends bytes as they are and returns everything that comes until the server hangs up. */
  async talk(text: string): Promise<string> {
    const socket = connect(this.port, '127.0.0.1');
    let received = '';
    socket.setEncoding('latin1').on('data', (chunk: string) => {
      received += chunk;
    });
    socket.on('error', () => {});
    socket.write(Buffer.from(text, 'latin1'));
    await once(socket, 'close');
    return received;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#stop();
  }
}

function answerOf(response: IncomingMessage, body: string): Answer {
  const raw: (readonly [string, string])[] = [];
  for (let index = 0; index + 1 < response.rawHeaders.length; index += 2) {
    raw.push([response.rawHeaders[index] ?? '', response.rawHeaders[index + 1] ?? '']);
  }
  const headers: Record<string, string> = {};
  for (const [name, value] of raw) {
    const before = headers[name.toLowerCase()];
    headers[name.toLowerCase()] = before === undefined ? value : `${before}, ${value}`;
  }
  return { status: response.statusCode ?? 0, headers, raw, body };
}

/** A web server on loopback whose answers a test decides, without a `Date`: its clock is the proxy's. */
export class Origin implements AsyncDisposable {
  readonly requests: IncomingMessage[] = [];
  #listener: RequestListener;
  readonly #server = createServer((asked, response) => {
    this.requests.push(asked);
    response.sendDate = false;
    this.#listener(asked, response);
  });

  private constructor(listener: RequestListener) {
    this.#listener = listener;
  }

  static async start(listener: RequestListener): Promise<Origin> {
    const origin = new Origin(listener);
    // None closes what the proxy may be about to use.
    origin.#server.keepAliveTimeout = 600_000;
    await new Promise<void>((resolve) => origin.#server.listen(0, '127.0.0.1', resolve));
    return origin;
  }

  get base(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}/`;
  }

  /** The next requests are answered by this. */
  answer(listener: RequestListener): void {
    this.#listener = listener;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise<void>((resolve) => this.#server.close(() => resolve()));
  }
}
