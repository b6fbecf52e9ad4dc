import { once } from 'node:events';
import { writeFile } from 'node:fs/promises';
import { createServer, type RequestListener, request } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import type { PurgeAnnouncement } from '@tintype/core';
import { expect, test } from 'vitest';
import { ask } from './client.ts';
import { CAN_SEE_CHILDREN, childrenOf, Folder, TintypeProcess, until, WITHOUT_CHILD } from './tintype-process.ts';

const CORE = JSON.stringify(new URL('../../packages/core/dist/index.js', import.meta.url).href);

/**
 * A plugin by which a test purges in one serving process: it announces what comes over a socket that is named
 * for the process, to the proxy that the process made last, and answers once all have heard.
 */
const PURGER = `
import { createServer } from 'node:http';
import { definePlugin, tokens } from ${CORE};
let coordinator;
let server;
function listen() {
  server ??= createServer(async (request, response) => {
    let text = '';
    for await (const chunk of request) text += chunk;
    await coordinator.announce(JSON.parse(text));
    response.end();
  }).listen(process.pid + '.sock');
  server.unref();
}
export default definePlugin({
  name: 'purger',
  register({ container }) {
    // Of the proxy that is made last.
    container.onActivation(tokens.coordinator, (_context, made) => (coordinator = made));
    // Serving processes alone: the one that supervises them makes proxies only to check settings.
    if (process.send !== undefined) listen();
  },
});
`;

interface Both {
  readonly proxy: TintypeProcess;
  readonly folder: Folder;
  readonly base: string;
  /** What the processes answer, each of them in turn. */
  seen(path: string): Promise<readonly string[]>;
  /** The next answers of the origin have this in them. */
  change(): void;
  /** Purges in one of the serving processes. */
  purge(purge: Omit<PurgeAnnouncement, 'at'>): Promise<void>;
  put(path: string): Promise<void>;
  /** Passes over one process's turn. */
  skip(): Promise<unknown>;
  readonly asked: number;
}

/** Two serving processes, each with a memory of its own before one folder, and an origin whose answers never grow old. */
async function withTwo(use: (both: Both) => Promise<void>): Promise<void> {
  let value = 0;
  let asked = 0;
  const answer: RequestListener = ({ method }, response) => {
    if (method === 'PUT') value += 1;
    else asked += 1;
    const svg = `<svg xmlns="http://www.w3.org/2000/svg" width="1" height="${value + 1}"/>`;
    response.writeHead(200, { 'Cache-Control': 'max-age=600', 'Content-Type': 'image/svg+xml' }).end(svg);
  };
  const origin = createServer({ keepAliveTimeout: 0 }, answer).listen(0, '127.0.0.1');
  await once(origin, 'listening');
  const base = `http://127.0.0.1:${(origin.address() as AddressInfo).port}/`;
  await using folder = await Folder.make();
  await writeFile(join(folder.path, 'purger.mjs'), PURGER);
  const endpoints = [
    { path: '/', origins: [base], methods: '*' },
    { path: '/images', origins: [base], dialect: 'imgproxy-url' },
  ];
  await writeFile(join(folder.path, 'tintype.config.ts'), `export default ${JSON.stringify({ endpoints })};\n`);
  try {
    const env = {
      ...WITHOUT_CHILD,
      TINTYPE_PROCESSES: '2',
      TINTYPE_PLUGINS: './purger.mjs',
      TINTYPE_CACHE_TIERS: 'memory,fs',
      TINTYPE_CACHE_FS_ROOT: './cache',
      TINTYPE_SOURCES_USE: 'memory',
    };
    await using proxy = new TintypeProcess({ cwd: folder.path, env });
    const address = await proxy.serves();
    await use({
      proxy,
      folder,
      base,
      // Connections are handed out in turn: two requests are one to each process.
      async seen(path) {
        const answers: string[] = [];
        for (let time = 0; time < 2; time++) answers.push(heightOf((await ask(address + path)).body.toString()));
        return answers;
      },
      change() {
        value += 1;
      },
      get asked() {
        return asked;
      },
      async purge(purge) {
        const [pid = 0] = await childrenOf(proxy.pid);
        await post(join(folder.path, `${pid}.sock`), JSON.stringify({ ...purge, at: Date.now() }));
      },
      put: (path) => send(address + path, 'PUT'),
      skip: () => ask(`${address}/livez`),
    });
    expect(await proxy.stop()).toBe(0);
  } finally {
    origin.closeAllConnections();
    origin.close();
  }
}

const heightOf = (svg: string): string => /height="(\d+)"/.exec(svg)?.[1] ?? svg;

function post(socketPath: string, body: string): Promise<void> {
  return new Promise((resolve, reject) => {
    request({ socketPath, method: 'POST', agent: false }, (response) => response.resume().once('end', () => resolve()))
      .once('error', reject)
      .end(body);
  });
}

function send(url: string, method: string): Promise<void> {
  return new Promise((resolve, reject) => {
    request(url, { method, agent: false }, (response) => response.resume().once('end', () => resolve()))
      .once('error', reject)
      .end('new');
  });
}

/** Both have an answer in memory, and need the origin no more for it. */
async function remembered(both: Both, path: string, height: string): Promise<void> {
  await until(async () => {
    const before = both.asked;
    const seen = await both.seen(path);
    return both.asked === before && seen.every((one) => one === height);
  });
}

const IMAGE = '/images/unsafe/raw:1/plain/';

test.runIf(CAN_SEE_CHILDREN)(
  'a purge of any kind reaches every serving process, outlasts a reload, and reaches those that come later',
  async () => {
    await withTwo(async (both) => {
      const { proxy } = both;
      const cat = ['/cat.svg', `${IMAGE}cat.svg`];
      const ofCat = { scope: 'source', value: `${both.base}cat.svg` } as const;
      let height = 1;
      for (const purge of [{ scope: 'all', value: '' } as const, ofCat]) {
        for (const path of cat) await remembered(both, path, String(height));
        both.change();
        for (const path of cat) expect(await both.seen(path)).toEqual([String(height), String(height)]);
        await both.purge(purge);
        height += 1;
        // What is passed through and what is made alike.
        for (const path of cat) expect(await both.seen(path)).toEqual([String(height), String(height)]);
      }

      const later = [`${IMAGE}dog.svg`, `${IMAGE}elk.svg`];
      for (const path of ['/cow.svg', '/dog.svg', ...later]) await remembered(both, path, String(height));
      // One removes it from the folder; what lies in the memory of the other is only kept out.
      await both.put('/cow.svg');
      for (const name of ['dog', 'elk']) await both.purge({ scope: 'source', value: `${both.base}${name}.svg` });
      proxy.signal('SIGHUP');
      await proxy.said(/^The configuration was read again/);
      height += 1;
      // The folder still has what was purged, and nobody has asked for it since.
      for (const path of ['/cow.svg', '/dog.svg'])
        expect(await both.seen(path)).toEqual([String(height), String(height)]);
      const [, second = 0] = await childrenOf(proxy.pid);
      process.kill(second, 'SIGKILL');
      await proxy.said(/^The serving process was replaced/);
      for (const path of later) {
        expect(await both.seen(path)).toEqual([String(height), String(height)]);
        // So that of the next one the other process is asked first.
        await both.skip();
      }
    });
  },
  180_000,
);
