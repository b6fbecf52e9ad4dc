import { execFile, spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { Agent } from 'node:http';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { describe, expect, test } from 'vitest';
import { ask, Load } from './client.ts';
import {
  CAN_SEE_CHILDREN,
  childrenOf,
  Folder,
  freePort,
  isAlive,
  TintypeProcess,
  until,
  WITHOUT_CHILD,
} from './tintype-process.ts';

const CORE = fileURLToPath(new URL('../../packages/core/dist/index.js', import.meta.url));
const THUMBNAIL = '/unsafe/rs:fit:60/plain/local:///rocket.jpg';

/** Linux: changes the limits of a process that runs. */
const HAS_PRLIMIT = CAN_SEE_CHILDREN && spawnSync('prlimit', ['--version']).status === 0;

/** The processes that answered, by what they logged. */
function serving(proxy: TintypeProcess): Set<number> {
  return new Set(proxy.lines.filter(({ msg }) => msg === 'request').map(({ pid }) => pid));
}

describe('with TINTYPE_PROCESSES=2', () => {
  test('both serve the one address, in turn, and one line tells of the start', async () => {
    await using proxy = new TintypeProcess({ env: { TINTYPE_PROCESSES: '2', TINTYPE_WORKERS: '5' } });
    const address = await proxy.serves();
    for (let connection = 0; connection < 20; connection++) expect((await ask(address + THUMBNAIL)).status).toBe(200);
    await until(() => proxy.lines.filter(({ msg }) => msg === 'request').length === 20);
    const counts = new Map<number, number>();
    for (const { msg, pid } of proxy.lines) if (msg === 'request') counts.set(pid, (counts.get(pid) ?? 0) + 1);
    expect([...counts.values()]).toEqual([10, 10]);
    expect(counts.has(proxy.pid)).toBe(false);
    const starts = proxy.lines.filter(({ msg }) => msg.startsWith('Serving on'));
    expect(starts).toHaveLength(1);
    expect(starts[0]).toMatchObject({ pid: proxy.pid });
    expect(starts[0]?.msg).toContain('5 transforms at a time, 2 processes');
    expect(await proxy.stop()).toBe(0);
  }, 180_000);

  test('the line of the start comes when the first one serves, and another one when all do', async () => {
    await using folder = await Folder.make();
    // The second one does not come up before there is a file.
    await writeFile(
      join(folder.path, 'slow.js'),
      `import { definePlugin } from ${JSON.stringify(CORE)};
      import cluster from 'node:cluster';
      import { existsSync, mkdirSync } from 'node:fs';
      if (cluster.isWorker) {
        if (existsSync('first')) while (!existsSync('go')) await new Promise((resolve) => setTimeout(resolve, 10));
        else mkdirSync('first');
      }
      export default definePlugin({ name: 'slow', register: () => undefined });`,
    );
    const env = { TINTYPE_PROCESSES: '2', TINTYPE_PLUGINS: './slow.js', TINTYPE_CONTROL_SOCKET: './control.sock' };
    await using proxy = new TintypeProcess({ cwd: folder.path, env });
    const { msg } = await proxy.said(/^Serving on /);
    const address = /^Serving on ([^;]+);/.exec(msg)?.[1] ?? '';
    expect((await ask(address + THUMBNAIL)).status).toBe(200);
    // Whoever has read the line can purge.
    expect(existsSync(join(folder.path, 'control.sock'))).toBe(true);
    await proxy.said(/^request$/);
    await writeFile(join(folder.path, 'go'), '');
    await proxy.said(/^All 2 processes serve\.$/);
    const told = proxy.lines.map(({ msg }) => msg.replace(/ on .*/, ''));
    expect(told).toEqual(['Serving', 'request', 'All 2 processes serve.']);
    expect(await proxy.stop()).toBe(0);
  }, 180_000);

  test('one that is killed costs the others nothing and is replaced, on the same port', async () => {
    await using proxy = new TintypeProcess({ env: { TINTYPE_PROCESSES: '2' } });
    const address = await proxy.serves();
    while (serving(proxy).size < 2) await ask(address + THUMBNAIL);
    const [victim = 0, survivor = 0] = serving(proxy);
    process.kill(victim, 'SIGKILL');
    await proxy.said(/A serving process was ended by SIGKILL; another one is started/);
    for (let connection = 0; connection < 20; connection++) expect((await ask(address + THUMBNAIL)).status).toBe(200);
    await proxy.said(/The serving process was replaced/);
    while (serving(proxy).size < 3) await ask(address + THUMBNAIL);
    expect(serving(proxy)).toContain(survivor);
    // All of them at once: the address comes back.
    const running = serving(proxy).difference(new Set([victim]));
    for (const pid of running) process.kill(pid, 'SIGKILL');
    // A connection that is handed to one in the moment of its death is lost.
    const killed = () => proxy.lines.filter(({ msg }) => /was ended by SIGKILL/.test(msg)).length;
    await until(() => killed() === 1 + running.size);
    await until(() =>
      ask(`${address}/readyz`).then(
        ({ status }) => status === 200,
        () => false,
      ),
    );
    expect(await proxy.stop()).toBe(0);
  }, 180_000);

  test('one that takes the place of another listens where the others do, whatever the file says by then', async () => {
    await using folder = await Folder.make();
    const [port, other] = [await freePort(), await freePort()];
    const start = { bind: `127.0.0.1:${port}`, processes: 2, keepAliveTimeout: 500, ttl: 1000 };
    await folder.configure(start);
    const env = { TINTYPE_BIND: '', TINTYPE_KEEP_ALIVE_TIMEOUT: '' };
    await using proxy = new TintypeProcess({ cwd: folder.path, env });
    const address = await proxy.serves();
    while (serving(proxy).size < 2) await ask(address + THUMBNAIL);
    const first = [...serving(proxy)];
    const bind = `127.0.0.1:${other}`;
    await folder.configure({ ...start, bind, processes: 3, keepAliveTimeout: 400, logFormat: 'pretty', ttl: 2000 });
    proxy.signal('SIGHUP');
    const { msg } = await proxy.said(/^A restart is needed before this is in force/);
    expect(msg).toMatch(/: TINTYPE_BIND, TINTYPE_PROCESSES, TINTYPE_KEEP_ALIVE_TIMEOUT, TINTYPE_LOG_FORMAT\.$/);
    for (const pid of first) process.kill(pid, 'SIGKILL');
    const replaced = () => proxy.lines.filter((line) => line.msg === 'The serving process was replaced.');
    await until(() => replaced().length === 2);
    expect(proxy.lines.flatMap(({ endedPid }) => endedPid ?? [])).toEqual(expect.arrayContaining(first));
    const agent = new Agent({ keepAlive: true });
    const { headers } = await ask(address + THUMBNAIL, agent);
    agent.destroy();
    expect(headers).toMatchObject({
      'cache-control': expect.stringContaining('max-age=2000'),
      'keep-alive': 'timeout=500',
    });
    await expect(ask(`http://${bind}${THUMBNAIL}`)).rejects.toThrow('ECONNREFUSED');
    // Put back, nothing of it needs a restart.
    const restarts = () => proxy.lines.filter((line) => line.msg.startsWith('A restart is needed')).length;
    await folder.configure({ ...start, ttl: 3000 });
    const reads = () => proxy.lines.filter((line) => line.msg.endsWith('TINTYPE_TTL changed.')).length;
    proxy.signal('SIGHUP');
    await until(() => reads() === 2);
    expect((await ask(address + THUMBNAIL)).headers['cache-control']).toContain('max-age=3000');
    expect(await proxy.stop()).toBe(0);
    expect(restarts()).toBe(1);
  }, 180_000);

  test('one is replaced with what is in force also while the config file is broken', async () => {
    await using folder = await Folder.make();
    await folder.configure({ ttl: 1000 });
    await using proxy = new TintypeProcess({ cwd: folder.path, env: { TINTYPE_PROCESSES: '2' } });
    const address = await proxy.serves();
    while (serving(proxy).size < 2) await ask(address + THUMBNAIL);
    await writeFile(join(folder.path, 'tintype.config.ts'), 'export default {{');
    for (const pid of serving(proxy)) process.kill(pid, 'SIGKILL');
    await until(() => proxy.lines.filter(({ msg }) => msg === 'The serving process was replaced.').length === 2);
    const { status, headers } = await ask(address + THUMBNAIL);
    expect(status).toBe(200);
    expect(headers['cache-control']).toContain('max-age=1000');
    expect(await proxy.stop()).toBe(0);
  }, 180_000);

  test.runIf(HAS_PRLIMIT)(
    'one that cannot be replaced for want of descriptors is replaced later',
    async () => {
      await using proxy = new TintypeProcess({ env: { TINTYPE_PROCESSES: '2' } });
      await proxy.serves();
      const limit = (descriptors: string) =>
        promisify(execFile)('prlimit', ['--pid', String(proxy.pid), `--nofile=${descriptors}:`]);
      const { stdout: before } = await promisify(execFile)('prlimit', [
        ...['--pid', String(proxy.pid), '--nofile', '--noheadings', '--output', 'SOFT'],
      ]);
      const [victim = 0] = await childrenOf(proxy.pid);
      await limit('4');
      process.kill(victim, 'SIGKILL');
      await proxy.said(/A serving process could not be started \(.*EMFILE\); another one is started/);
      await limit(before.trim());
      await proxy.said(/The serving process was replaced/);
      expect(await proxy.stop()).toBe(0);
    },
    180_000,
  );

  test('a configuration that only a start can find wrong is told once, with exit code 2', async () => {
    await using taken = new TintypeProcess({ env: WITHOUT_CHILD });
    const { port } = new URL(await taken.serves());
    await using proxy = new TintypeProcess({
      env: { TINTYPE_PROCESSES: '2', TINTYPE_BIND: `127.0.0.1:${port}` },
    });
    expect(await proxy.ended).toEqual({ code: 2, signal: null });
    expect(proxy.lines).toEqual([]);
  }, 180_000);

  test('a reload under load changes what is in force in both, and no request fails', async () => {
    await using folder = await Folder.make();
    await folder.configure({ ttl: 1000, cacheUse: 'memory' });
    await using proxy = new TintypeProcess({ cwd: folder.path, env: { TINTYPE_PROCESSES: '2' } });
    const address = await proxy.serves();
    const load = new Load(
      8,
      () => address,
      (client, nth) =>
        `/unsafe/rs:fit:${nth % 4 === 0 ? 60 + client * 500 + (nth % 500) : 32}/plain/local:///rocket.jpg`,
    );
    await load.more(50);
    for (const ttl of [2000, 3000, 4000]) {
      await folder.configure({ ttl, cacheUse: 'memory' });
      const reloads = proxy.lines.filter(({ msg }) => msg.includes('TINTYPE_TTL changed')).length;
      proxy.signal('SIGHUP');
      await until(() => proxy.lines.filter(({ msg }) => msg.includes('TINTYPE_TTL changed')).length > reloads);
      await load.more(50);
    }
    await load.stop();
    expect(load.failures).toEqual([]);
    for (let nth = 0; nth < 4; nth++) {
      const { headers } = await ask(`${address}/unsafe/rs:fit:${20 + nth}/plain/local:///rocket.jpg`);
      expect(headers['cache-control']).toContain('max-age=4000');
    }
    expect(await proxy.stop()).toBe(0);
  }, 180_000);

  test('a reload that one of them cannot do is done by none', async () => {
    await using folder = await Folder.make();
    // An origin that can't be opened by whoever comes first, once there is a file.
    await writeFile(
      join(folder.path, 'faulty.js'),
      `import { definePlugin } from ${JSON.stringify(CORE)};
      import { existsSync, rmSync } from 'node:fs';
      const open = async () => {
        if (!existsSync('fail')) return;
        rmSync('fail');
        throw new Error('No file for it');
      };
      const create = () => ({ schemes: ['faulty'], open, close: async () => {}, check: async () => ({ ok: true, summary: '' }) });
      const origin = { id: 'faulty', prefix: 'FAULTY_', options: {}, create };
      export default definePlugin({ name: 'faulty', register: (registry) => registry.origin(origin) });`,
    );
    await folder.configure({ ttl: 1000 });
    const env = { TINTYPE_PROCESSES: '2', TINTYPE_PLUGINS: './faulty.js' };
    await using proxy = new TintypeProcess({ cwd: folder.path, env });
    const address = await proxy.serves();
    const lifetimes = async () => {
      const answers = await Promise.all([1, 2, 3, 4].map(() => ask(address + THUMBNAIL)));
      return new Set(answers.map(({ headers }) => headers['cache-control']));
    };
    await writeFile(join(folder.path, 'fail'), '');
    await folder.configure({ ttl: 2000 });
    proxy.signal('SIGHUP');
    const { msg } = await proxy.said(/^The new configuration could not be put in force/);
    expect(msg).toContain('No file for it');
    expect([...(await lifetimes())]).toEqual([expect.stringContaining('max-age=1000')]);
    // It is tried again when it is asked for.
    proxy.signal('SIGHUP');
    await proxy.said(/TINTYPE_TTL changed/);
    expect([...(await lifetimes())]).toEqual([expect.stringContaining('max-age=2000')]);
    expect(await proxy.stop()).toBe(0);
  }, 180_000);

  test.runIf(CAN_SEE_CHILDREN)(
    'nothing is left behind, however it ends',
    async () => {
      const endings = {
        stopped: (proxy: TintypeProcess) => proxy.signal('SIGTERM'),
        killed: (proxy: TintypeProcess) => proxy.signal('SIGKILL'),
      };
      for (const end of Object.values(endings)) {
        await using proxy = new TintypeProcess({ env: { TINTYPE_PROCESSES: '2' } });
        await proxy.serves();
        const children = await childrenOf(proxy.pid);
        const all = [...children, ...(await Promise.all(children.map(childrenOf))).flat()];
        // Two that serve, and one that transforms for each.
        expect(all).toHaveLength(4);
        end(proxy);
        await proxy.ended;
        await until(async () => !(await Promise.all(all.map(isAlive))).includes(true));
      }
    },
    180_000,
  );
});

test('limits of connections are those of all processes together', async () => {
  await using proxy = new TintypeProcess({ env: { TINTYPE_PROCESSES: '2', TINTYPE_MAX_CLIENTS: '4' } });
  const address = await proxy.serves();
  const agents = Array.from({ length: 8 }, () => new Agent({ keepAlive: true }));
  const outcomes: boolean[] = [];
  for (const agent of agents) {
    outcomes.push(
      await ask(`${address}/livez`, agent).then(
        () => true,
        () => false,
      ),
    );
  }
  for (const agent of agents) agent.destroy();
  expect(outcomes).toEqual([true, true, true, true, false, false, false, false]);
}, 180_000);
