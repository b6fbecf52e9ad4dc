import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdir, readFile, stat, writeFile } from 'node:fs/promises';
import { createServer, request } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, test, vi } from 'vitest';
import { BARE_ENVIRONMENT } from '../../packages/cli/src/bare-environment.fixture.ts';
import { ask } from './client.ts';
import { Folder, TintypeProcess, until, WITHOUT_CHILD } from './tintype-process.ts';

vi.setConfig({ testTimeout: 180_000 });

const TINTYPE = fileURLToPath(new URL('../../packages/cli/bin/tintype.js', import.meta.url));

const CORE = JSON.stringify(new URL('../../packages/core/dist/index.js', import.meta.url).href);

/** An origin whose answers never grow old, and say what they are: `1` until they are changed. */
async function changing() {
  let value = 1;
  let asked = 0;
  const server = createServer({ keepAliveTimeout: 0 }, (_request, response) => {
    asked += 1;
    const svg = `<svg xmlns="http://www.w3.org/2000/svg" width="1" height="${value}"/>`;
    response.writeHead(200, { 'Cache-Control': 'max-age=600', 'Content-Type': 'image/svg+xml' }).end(svg);
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    base: `http://127.0.0.1:${(server.address() as AddressInfo).port}/`,
    change: () => {
      value += 1;
    },
    get asked() {
      return asked;
    },
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };
}

/** A folder with the configuration of a proxy before an origin: what is passed through, and images. */
async function before(base: string, env: Readonly<Record<string, string>>) {
  const folder = await Folder.make();
  const endpoints = [
    { path: '/', origins: [base] },
    { path: '/images', origins: [base], dialect: 'imgproxy-url' },
  ];
  await writeFile(join(folder.path, 'tintype.config.ts'), `export default ${JSON.stringify({ endpoints })};\n`);
  return {
    path: folder.path,
    serve: () => new TintypeProcess({ cwd: folder.path, env: { ...WITHOUT_CHILD, ...env } }),
    /** Runs `tintype cache purge` with the same settings. */
    async purge(...args: string[]) {
      const all = [TINTYPE, 'cache', 'purge', ...args];
      const child = spawn(process.execPath, all, { cwd: folder.path, env: { ...BARE_ENVIRONMENT, ...env } });
      child.stdin.end();
      const said = { stdout: '', stderr: '' };
      for (const name of ['stdout', 'stderr'] as const) {
        child[name].setEncoding('utf8').on('data', (text: string) => {
          said[name] += text;
        });
      }
      const [code] = await once(child, 'close');
      return { code, ...said };
    },
    [Symbol.asyncDispose]: () => folder[Symbol.asyncDispose](),
  };
}

/** Of an SVG, or of a PNG that was made of one. */
function heightOf(body: Buffer): string {
  if (body[0] === 0x89) return String(body.readUInt32BE(20));
  return /height="(\d+)"/.exec(body.toString())?.[1] ?? body.toString();
}

/** What the processes answer, each of them in turn. */
async function seen(address: string, path: string, processes: number): Promise<readonly string[]> {
  const answers: string[] = [];
  for (let time = 0; time < processes; time++) answers.push(heightOf((await ask(address + path)).body));
  return answers;
}

/** `POST` and the like to the control socket of a proxy in this folder; resolves with the status. */
function send(folder: string, method: string, path: string, body: string): Promise<number> {
  return new Promise((resolve, reject) => {
    request({ socketPath: join(folder, 'control.sock'), method, path, agent: false }, (response) => {
      response.resume();
      resolve(response.statusCode ?? 0);
    })
      .once('error', reject)
      .end(body);
  });
}

const paths = (name: string): readonly string[] => [`/${name}`, `/images/unsafe/f:png/plain/${name}`];

describe.each([1, 2])('of %i serving processes with memory before a folder', (processes) => {
  test('each one hears of what is purged, and the folder and the copies of sources lose it', async () => {
    await using origin = await changing();
    await using there = await before(origin.base, {
      TINTYPE_PROCESSES: String(processes),
      TINTYPE_CACHE_TIERS: 'memory,fs',
      TINTYPE_CACHE_FS_ROOT: './cache',
      TINTYPE_SOURCES_USE: 'fs',
      TINTYPE_SOURCES_FS_ROOT: './originals',
      TINTYPE_CONTROL_SOCKET: './control.sock',
    });
    await using proxy = there.serve();
    const address = await proxy.serves();
    const all = [...paths('cat.svg'), ...paths('dog.svg')];
    const remembered = async (): Promise<void> => {
      for (const path of all) {
        await until(async () => {
          const asked = origin.asked;
          await seen(address, path, processes);
          return origin.asked === asked;
        });
      }
    };
    await remembered();
    // What is in memory may still be on its way to the folders.
    const stored = async () => JSON.parse((await there.purge('--all', '--dry-run', '--json')).stdout).parts;
    const results = expect.objectContaining({ found: 4 });
    const copies = expect.objectContaining({ found: 2 });
    await expect.poll(stored).toEqual([results, copies]);
    origin.change();

    const counted = await there.purge('--source', `${origin.base}cat.svg`, '--dry-run');
    expect(counted).toMatchObject({ code: 0, stderr: '' });
    expect(counted.stdout).toMatch(/^Would remove 2 entries \(.*\) from the cache \(memory,fs\)\.$/m);
    for (const path of all) expect(new Set(await seen(address, path, processes))).toEqual(new Set(['1']));

    const purged = await there.purge('--source', `${origin.base}cat.svg`, '--json');
    expect(purged).toMatchObject({ code: 0, stderr: '' });
    expect(JSON.parse(purged.stdout)).toMatchObject({
      ok: true,
      dryRun: false,
      scope: 'source',
      told: true,
      parts: [
        { part: 'cache', found: 2, removed: 2 },
        { part: 'sources', storage: 'fs', found: 1, removed: 1 },
      ],
    });
    for (const path of paths('cat.svg')) {
      expect(new Set(await seen(address, path, processes))).toEqual(new Set(['2']));
    }
    for (const path of paths('dog.svg')) {
      expect(new Set(await seen(address, path, processes))).toEqual(new Set(['1']));
    }

    await remembered();
    origin.change();
    expect((await there.purge('--all')).code).toBe(0);
    for (const path of all) expect(new Set(await seen(address, path, processes))).toEqual(new Set(['3']));

    // What was removed stays away when nobody remembers the purge.
    await remembered();
    expect(await proxy.stop()).toBe(0);
    origin.change();
    // Nobody can be told any more, and the storages lose it all the same.
    const alone = await there.purge('--all');
    expect(alone.code).toBe(1);
    expect(alone.stdout).toMatch(/^The serving processes were not told\. Nobody listens at .*control\.sock/m);
    await using again = there.serve();
    expect(await seen(await again.serves(), '/dog.svg', 1)).toEqual(['4']);
  });
});

test.each([1, 2])(
  'that a coordinator of a plugin cannot tell others ends none of %i processes, and they use nothing of it themselves',
  async (processes) => {
    await using origin = await changing();
    await using there = await before(origin.base, {
      TINTYPE_PROCESSES: String(processes),
      TINTYPE_CACHE_USE: 'memory',
      TINTYPE_CONTROL_SOCKET: './control.sock',
    });
    const core = import.meta.resolve('../../packages/core/dist/index.js');
    await writeFile(
      join(there.path, 'tintype.config.ts'),
      `import { definePlugin, LocalCoordinator, tokens } from ${JSON.stringify(core)};
      class Cut extends LocalCoordinator {
        async announce() { throw new Error('The line is cut'); }
      }
      export default {
        endpoints: [{ path: '/', origins: [${JSON.stringify(origin.base)}] }],
        plugins: [definePlugin({
          name: 'test/cut',
          register: ({ container }) => void container.bind(tokens.coordinator).toConstantValue(new Cut()),
        })],
      };\n`,
    );
    await using proxy = there.serve();
    const address = await proxy.serves();
    await until(async () => {
      const asked = origin.asked;
      await seen(address, '/cat.svg', processes);
      return origin.asked === asked;
    });
    origin.change();
    const status = await send(there.path, 'POST', '/purge', '{"scope":"all"}');
    expect(status).toBe(processes === 1 ? 500 : 200);
    await proxy.said(/^A purge could not be told to others: The line is cut\.$/);
    expect(new Set(await seen(address, '/cat.svg', processes))).toEqual(new Set(['2']));
    expect(await proxy.stop()).toBe(0);
    expect(proxy.lines.filter(({ level }) => level === 60)).toEqual([]);
  },
);

test('without a socket the folder is emptied, and the command says that nobody was told', async () => {
  await using origin = await changing();
  await using there = await before(origin.base, { TINTYPE_CACHE_USE: 'fs', TINTYPE_CACHE_FS_ROOT: './cache' });
  await using proxy = there.serve();
  const address = await proxy.serves();
  await until(async () => {
    const asked = origin.asked;
    await ask(`${address}/cat.svg`);
    return origin.asked === asked;
  });
  origin.change();
  const { code, stdout } = await there.purge('--source', `${origin.base}cat.svg`);
  expect(stdout).toMatch(
    /^Removed 1 entry \(.*\) from the cache \(fs\)\.\nNo serving process was told, as TINTYPE_CONTROL_SOCKET is blank/,
  );
  expect(code).toBe(0);
  expect(heightOf((await ask(`${address}/cat.svg`)).body)).toBe('2');
});

test.each([
  ['TINTYPE_CACHE_FS_ROOT', { TINTYPE_CACHE_USE: 'fs', TINTYPE_CACHE_FS_ROOT: './mistyped' }],
  ['TINTYPE_SOURCES_FS_ROOT', { TINTYPE_SOURCES_USE: 'fs', TINTYPE_SOURCES_FS_ROOT: './mistyped' }],
])('a folder that is not there, of %s, is neither made nor purged', async (variable, env) => {
  await using there = await before('http://127.0.0.1:1/', env);
  const { code, stdout, stderr } = await there.purge('--all');
  expect([code, stdout]).toEqual([2, '']);
  expect(stderr).toContain(`There is no ${join(there.path, 'mistyped')}, which ${variable} names: nothing was purged.`);
  expect(await readdir(there.path)).toEqual(['tintype.config.ts']);
});

test('what is in memory alone is purged by telling, and cannot be purged without', async () => {
  await using origin = await changing();
  await using told = await before(origin.base, {
    TINTYPE_CACHE_USE: 'memory',
    TINTYPE_CONTROL_SOCKET: './control.sock',
  });
  await using proxy = told.serve();
  const address = await proxy.serves();
  await until(async () => {
    const asked = origin.asked;
    await ask(`${address}/cat.svg`);
    return origin.asked === asked;
  });
  origin.change();
  expect(heightOf((await ask(`${address}/cat.svg`)).body)).toBe('1');
  expect((await told.purge('--source', `${origin.base}cat.svg`)).code).toBe(0);
  expect(heightOf((await ask(`${address}/cat.svg`)).body)).toBe('2');

  await using untold = await before(origin.base, { TINTYPE_CACHE_USE: 'memory' });
  const { code, stdout, stderr } = await untold.purge('--all');
  expect([code, stdout]).toEqual([2, '']);
  expect(stderr).toContain('set TINTYPE_CONTROL_SOCKET');
});

test('only its owner may write to the socket, and it takes nothing but purges', async () => {
  await using origin = await changing();
  await using there = await before(origin.base, { TINTYPE_CONTROL_SOCKET: './control.sock' });
  await using proxy = there.serve();
  await proxy.serves();
  expect((await stat(join(there.path, 'control.sock'))).mode & 0o777).toBe(0o600);
  expect(await send(there.path, 'GET', '/purge', '')).toBe(405);
  expect(await send(there.path, 'POST', '/', '{"scope":"all"}')).toBe(404);
  for (const body of ['', 'all', '[]', '{"scope":"some"}', '{"scope":"source"}', '{"scope":"key","value":1}']) {
    expect(await send(there.path, 'POST', '/purge', body)).toBe(400);
  }
  expect(await send(there.path, 'POST', '/purge', '{"scope":"all"}')).toBe(200);
});

test('a coordinator that a plugin brings is told in place of the socket, and by it', async () => {
  await using origin = await changing();
  await using there = await before(origin.base, {
    TINTYPE_PLUGINS: './reach.mjs',
    TINTYPE_CACHE_USE: 'fs',
    TINTYPE_CACHE_FS_ROOT: './cache',
    TINTYPE_CONTROL_SOCKET: './control.sock',
  });
  await writeFile(
    join(there.path, 'reach.mjs'),
    `import { appendFileSync } from 'node:fs';
     import { definePlugin, LocalCoordinator, tokens } from ${CORE};
     class Reaching extends LocalCoordinator {
       async announce(purge) {
         appendFileSync('told', purge.value + '\\n');
         await super.announce(purge);
       }
     }
     export default definePlugin({
       name: 'reach',
       register: ({ container }) => void container.bind(tokens.coordinator).toConstantValue(new Reaching()),
     });`,
  );
  await using proxy = there.serve();
  await proxy.serves();
  const source = `${origin.base}cat.svg`;
  expect(JSON.parse((await there.purge('--source', source, '--json')).stdout)).toMatchObject({ ok: true, told: true });
  expect(await readFile(join(there.path, 'told'), 'utf8')).toBe(`${source}\n`);
  expect(await send(there.path, 'POST', '/purge', JSON.stringify({ scope: 'source', value: 'by the socket' }))).toBe(
    200,
  );
  expect(await readFile(join(there.path, 'told'), 'utf8')).toBe(`${source}\nby the socket\n`);
});

test.each([
  [[], 'Say what to purge'],
  [['--all', '--source', 'https://example.com/'], 'only one of them'],
  [['--source', 'photo.jpg'], 'expected a whole URL'],
  [['--entries', '../x'], 'expected a key of the storage'],
])('it says what it lacks: %j', async (args, text) => {
  await using there = await before('http://127.0.0.1:9/', {
    TINTYPE_CACHE_USE: 'fs',
    TINTYPE_CACHE_FS_ROOT: './cache',
  });
  const { code, stdout, stderr } = await there.purge(...args);
  expect([code, stdout]).toEqual([2, '']);
  expect(stderr).toContain(text);
});
