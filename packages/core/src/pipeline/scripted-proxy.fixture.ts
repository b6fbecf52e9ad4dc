import { onTestFinished } from 'vitest';
import { StreamedBody } from '../bodies.ts';
import { type ConfiguredProxy, createProxy } from '../container/create-proxy.ts';
import { definePlugin } from '../container/define-plugin.ts';
import { tokens } from '../container/tokens.ts';
import type { ImageRequest } from '../contracts/dialect.ts';
import type { ProxyEvent } from '../contracts/observer.ts';
import { NO_OPERATIONS } from '../contracts/operations.ts';
import type { Origin } from '../contracts/origin.ts';
import type { ProxyRequest, ProxyResponse } from '../contracts/proxy.ts';
import type { CacheStorage } from '../contracts/storage.ts';
import type { Transformer } from '../contracts/transformer.ts';

/** What a test decides of a proxy. */
export interface Script {
  readonly fetch: Origin['fetch'];
  readonly transform?: Transformer['transform'];
  readonly transformFile?: Transformer['transformFile'];
  readonly storage?: CacheStorage;
  readonly settings?: Readonly<Record<string, unknown>>;
}

export interface ScriptedProxy {
  readonly proxy: ConfiguredProxy;
  readonly events: ProxyEvent[];
  /** Asks for `/raw/<source>` or `/image/<source>`. */
  ask(target: string, request?: Partial<ProxyRequest>): Promise<ProxyResponse>;
}

/** A proxy whose source, transformer and storage are a test's own, and have ten minutes. Closed when the test ends. */
export async function scriptedProxy({
  fetch,
  transform,
  transformFile,
  storage,
  settings,
}: Script): Promise<ScriptedProxy> {
  const events: ProxyEvent[] = [];
  const parts = definePlugin({
    name: 'test/parts',
    register(registry) {
      registry.dialect({
        id: 'scripted',
        options: {},
        create: () => ({
          signatureOf: ({ target }) => ({ text: '', payload: target }),
          parse: ({ target }) => imageRequest(target),
          verify: () => true,
          sign: (path) => path,
        }),
      });
      registry.transformer({
        id: 'scripted',
        options: {},
        create: () => ({
          revision: '1',
          supports: { operations: [], inputFormats: [], outputFormats: [] },
          open: async () => undefined,
          close: async () => undefined,
          transform:
            transform ?? (async () => ({ body: Buffer.from('made'), contentType: 'image/png', width: 1, height: 1 })),
          ...(transformFile && { transformFile }),
        }),
      });
      registry.origin({
        id: 'scripted',
        options: {},
        create: () => ({
          schemes: ['o'],
          open: async () => undefined,
          close: async () => undefined,
          check: async () => ({ ok: true, summary: '' }),
          fetch,
        }),
      });
      registry.observer({ observe: (event) => void events.push(event) });
      if (storage) registry.container.bind(tokens.resultStorage).toConstantValue(storage);
    },
  });
  const proxy = await createProxy({ plugins: [parts], settings: { timeout: 600, ...settings } });
  await proxy.open();
  onTestFinished(() => proxy.close());
  const ask: ScriptedProxy['ask'] = (target, request = {}) =>
    proxy.handle({ method: 'GET', target, headers: {}, signal: new AbortController().signal, ...request });
  return { proxy, events, ask };
}

function imageRequest(target: string): ImageRequest {
  const [, mode, source = ''] = /^\/(raw|image)\/(.*)$/.exec(target) ?? [];
  return {
    source,
    mode: mode === 'raw' ? 'raw' : 'transform',
    operations: NO_OPERATIONS,
    output: { format: null, quality: 0 },
    cachebuster: '',
    response: {},
  };
}

/** A source that sends what the test gives it. */
export interface ScriptedSource {
  readonly fetch: Origin['fetch'];
  /** Resolves when a chunk is taken. */
  send(chunk: Uint8Array): Promise<void>;
  end(): void;
  /** Resolves when nobody reads it any more, before its end. */
  readonly givenUp: Promise<void>;
}

/** @param ignoresSignal whether it goes on although it was aborted. */
export function scriptedSource(contentType = 'image/png', ignoresSignal = false): ScriptedSource {
  const chunks: { readonly chunk: Uint8Array | undefined; readonly taken: () => void }[] = [];
  const { promise: givenUp, resolve: giveUp } = Promise.withResolvers<void>();
  let wake: () => void = () => undefined;
  const put = (chunk: Uint8Array | undefined) =>
    new Promise<void>((taken) => {
      chunks.push({ chunk, taken });
      wake();
    });
  const fetch: Origin['fetch'] = async (_source, { signal }) => {
    async function* stream() {
      for (;;) {
        const next = chunks.shift();
        if (next === undefined) {
          await new Promise<void>((resolve) => {
            wake = resolve;
            if (!ignoresSignal) signal.addEventListener('abort', () => resolve(), { once: true });
          });
          if (!ignoresSignal) signal.throwIfAborted();
          continue;
        }
        if (next.chunk !== undefined) yield next.chunk;
        next.taken();
        if (next.chunk === undefined) return;
      }
    }
    return { status: 200, headers: { 'content-type': contentType }, body: new StreamedBody(stream, giveUp) };
  };
  return { fetch, send: (chunk) => put(chunk), end: () => void put(undefined), givenUp };
}
