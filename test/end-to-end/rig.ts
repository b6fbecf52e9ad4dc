import { mkdtemp, rm } from 'node:fs/promises';
import { createServer, type IncomingMessage, type RequestListener, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import {
  type CacheRule,
  type ConfiguredProxy,
  createProxy,
  definePlugin,
  type Plugin,
  type ProxyEvent,
  tokens,
} from '@tintype/core';
import fs from '@tintype/fs';
import http from '@tintype/http';
import imgproxyUrl from '@tintype/imgproxy-url';
import memory from '@tintype/memory';
import { type ServerOptions, startServer } from '@tintype/server';
import sharp from '@tintype/sharp';
import { onTestFinished } from 'vitest';

/** The photographs that the demo shows. */
export const PHOTOS = fileURLToPath(new URL('../../examples/demo/images/', import.meta.url));
/** Broken images. */
export const BROKEN = fileURLToPath(new URL('../images/', import.meta.url));

/**
 * Settings with which nothing is too late, and no source is asked twice because its first answer takes
 * long: a busy machine may take its time. What comes too late is tested where it is meant.
 */
export const UNHURRIED = { timeout: 60, downloadTimeout: 60, cacheLookupTimeout: 60, fetchAgainAfter: 0 } as const;

export interface Rig {
  /** `http://127.0.0.1:port` */
  readonly base: string;
  readonly proxy: ConfiguredProxy;
  readonly events: ProxyEvent[];
  /** How often something was fetched from an origin, or transformed. */
  count(type: ProxyEvent['type']): number;
  /** Moves the proxy's clock, in seconds. Between such moves it stands still, however long a test takes. */
  advance(seconds: number): void;
  get(path: string, init?: RequestInit): Promise<Response>;
  /** Resolves when everything that was being stored is stored. */
  stored(count: number): Promise<void>;
  stop(): Promise<void>;
}

/** A whole proxy on a free port of loopback, with all built-in plugins. Stopped when the test ends. */
export async function startProxy(
  settings: Record<string, unknown>,
  further: readonly Plugin[] = [],
  cacheRules: readonly CacheRule[] = [],
): Promise<Rig> {
  const events: ProxyEvent[] = [];
  const waiting = new Set<() => void>();
  let now = Date.now();
  const ears = definePlugin({
    name: 'test/ears',
    register(registry) {
      registry.container.bind(tokens.clock).toConstantValue(() => now);
      registry.observer({
        observe(event) {
          events.push(event);
          for (const wake of waiting) wake();
        },
      });
    },
  });
  const proxy = await createProxy({
    plugins: [fs, memory, http, sharp, imgproxyUrl, ears, ...further],
    settings: { localFilesystemRoot: PHOTOS, ...UNHURRIED, ...settings },
    cacheRules,
  });
  await proxy.open();
  const server = await startServer(proxy, PATIENT);
  const count = (type: ProxyEvent['type']) => events.filter((event) => event.type === type).length;
  let stopped: Promise<void> | undefined;
  const rig: Rig = {
    base: server.address,
    proxy,
    events,
    count,
    advance: (seconds) => {
      now += seconds * 1_000;
    },
    get: (path, init) => fetch(server.address + path, init),
    async stored(wanted) {
      while (count('stored') < wanted) await new Promise<void>((resolve) => waiting.add(resolve));
    },
    stop() {
      stopped ??= (async () => {
        await server.close();
        await proxy.close();
      })();
      return stopped;
    },
  };
  onTestFinished(() => rig.stop());
  return rig;
}

/** A server on a free port of loopback that gives a client on a busy machine time to send its request, and to read. */
export const PATIENT = {
  bind: { kind: 'tcp', host: '127.0.0.1', port: 0 },
  headersTimeout: 60,
  requestTimeout: 60,
  writeStallTimeout: 300,
} as const satisfies ServerOptions;

export interface WebOrigin {
  readonly base: string;
  readonly requests: IncomingMessage[];
  /** The next requests are answered by this. */
  answer(listener: RequestListener): void;
}

/** A web server on loopback whose answers the test decides. */
export async function startWebOrigin(
  listener: RequestListener = (_request, response: ServerResponse) => response.end(),
): Promise<WebOrigin> {
  let current = listener;
  const requests: IncomingMessage[] = [];
  const server = createServer((request, response) => {
    requests.push(request);
    current(request, response);
  });
  // None closes what the proxy may be about to use.
  server.keepAliveTimeout = 600_000;
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => {
    server.closeAllConnections();
    return new Promise<void>((resolve) => server.close(() => resolve()));
  });
  return {
    base: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    requests,
    answer: (next) => {
      current = next;
    },
  };
}

/** A folder that is gone after the test. */
export async function temporaryFolder(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'tintype-e2e-'));
  onTestFinished(() => rm(folder, { recursive: true, force: true }));
  return folder;
}

/** A source URL as a path segment after `/plain/`. */
export function plain(source: string): string {
  return `plain/${encodeURIComponent(source)}`;
}
