// The program under test: the built packages, composed and logged as `tintype serve` does it.
import {
  type ConfiguredProxy,
  createProxy,
  definePlugin,
  type Plugin,
  type Transformer,
  type TransformResult,
  tokens,
} from '@tintype/core';
import fs from '@tintype/fs';
import http from '@tintype/http';
import imgproxyUrl from '@tintype/imgproxy-url';
import memory from '@tintype/memory';
import { createLogger, startServer, tuneCollector } from '@tintype/server';
import sharp from '@tintype/sharp';
import { TransformPool, workers } from '@tintype/workers';
import { serveCalls } from './calls.ts';

export interface ProxySetup {
  readonly settings: Readonly<Record<string, unknown>>;
  readonly transforms: 'in-process' | 'child';
  /** Makes one image of one request and hands it out for all: to fill a cache in little time. */
  readonly memoised?: boolean;
}

let proxy: ConfiguredProxy;
let stored = 0;
let transformed = 0;
let dropped = 0;
const waiting: { count: number; resolve(): void }[] = [];

const ears = definePlugin({
  name: 'bench/ears',
  register: (registry) =>
    registry.observer({
      observe({ type }) {
        if (type === 'transformed') transformed++;
        if (type === 'store-dropped' || type === 'cache-error') dropped++;
        if (type !== 'stored') return;
        stored++;
        for (const waiter of waiting) if (stored >= waiter.count) waiter.resolve();
      },
    }),
});

/** What it made of the first request answers all: the same picture under many names. */
const memoising: Plugin = definePlugin({
  name: 'bench/memoising',
  register({ container }) {
    container.onActivation(tokens.transformer, (_context, transformer): Transformer => {
      let first: Promise<TransformResult> | undefined;
      return {
        revision: transformer.revision,
        supports: transformer.supports,
        open: () => transformer.open(),
        close: () => transformer.close(),
        transform(request) {
          first ??= transformer.transform(request);
          return first;
        },
      };
    });
  },
});

async function start({ settings, transforms, memoised = false }: ProxySetup): Promise<{ readonly port: number }> {
  tuneCollector();
  const pool = workers({ modules: [import.meta.resolve('@tintype/sharp')] });
  proxy = await createProxy({
    plugins: [
      fs,
      memory,
      http,
      sharp,
      imgproxyUrl,
      ears,
      ...(memoised ? [memoising] : []),
      ...(transforms === 'child' ? [pool] : []),
    ],
    settings,
  });
  await proxy.open();
  const logger = createLogger({ level: proxy.settings.logLevel, format: 'json' });
  const server = await startServer(proxy, {
    bind: { kind: 'tcp', host: '127.0.0.1', port: 0 },
    logger,
    logHits: () => proxy.settings.logHits,
  });
  return { port: server.port ?? 0 };
}

serveCalls({
  start,
  sign: (paths: readonly string[]) => paths.map((path) => proxy.sign(path)),
  cpu: () => process.cpuUsage(),
  children() {
    const transformer = proxy.container.get(tokens.transformer);
    return transformer instanceof TransformPool ? transformer.pids : [];
  },
  counts: () => ({ stored, transformed, dropped }),
  /** Resolves once so many entries have been stored since the start. */
  whenStored: (count: number) =>
    stored >= count ? undefined : new Promise<void>((resolve) => waiting.push({ count, resolve })),
  close: () => proxy.close(),
});
