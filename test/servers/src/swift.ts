import { existsSync } from 'node:fs';
import { mkdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { answers, dataFolder, endProcesses, freePorts, onPath, run, start, until } from './processes.ts';
import { type RunningServer, ServerError, type ServerKind } from './server.ts';
import { proxyConfig, ringScript, type SwiftPorts, serverConfig, swiftConfig } from './swift-config.ts';

/** Debian's packages. */
const PACKAGES = ['swift-proxy', 'swift-account', 'swift-container', 'swift-object', 'memcached', 'python3-swift'];

/** Debian's own interpreter: another Python on the PATH does not know Debian's modules. */
const PYTHON = '/usr/bin/python3';

/** Runs a packaged program with another configuration folder than /etc/swift, so it needs no root. */
const LAUNCHER = `
import runpy, sys
from swift.common.utils import set_swift_dir
set_swift_dir(sys.argv[1])
sys.argv = sys.argv[2:]
runpy.run_path(sys.argv[0], run_name='__main__')
`;

/** OpenStack Swift on one node, with its native API and its S3 API. */
export const swift: ServerKind = {
  name: 'swift',
  description: 'OpenStack Swift with its S3 API, one node; from Debian packages',

  async find() {
    const programs = ['proxy', 'account', 'container', 'object'].map((name) => `/usr/bin/swift-${name}-server`);
    return [...programs, PYTHON, '/usr/bin/memcached'].every(existsSync) ? programs[0] : undefined;
  },

  async install(say) {
    if ((await this.find()) !== undefined) return;
    const command = `apt-get install --no-install-recommends ${PACKAGES.join(' ')}`;
    if ((await onPath('apt-get')) === undefined) {
      throw new ServerError('Swift comes from Debian packages, and this machine has no apt-get.');
    }
    const sudo = process.getuid?.() === 0 ? [] : ['sudo', '-n'];
    if (sudo.length > 0 && (await onPath('sudo')) === undefined) {
      throw new ServerError(`Installing Swift needs root. Run: ${command}`);
    }
    say(`installing Debian packages: ${PACKAGES.join(' ')}`);
    const apt = async (...args: readonly string[]) => {
      const [program = '', ...rest] = [...sudo, 'apt-get', '-o', 'DPkg::Lock::Timeout=300', '-q', ...args];
      await run(program, rest, { DEBIAN_FRONTEND: 'noninteractive' });
    };
    await withoutServices(sudo, async () => {
      await apt('update');
      await apt('install', '-y', '--no-install-recommends', ...PACKAGES);
    });
  },

  async start(): Promise<RunningServer> {
    if ((await this.find()) === undefined) throw new ServerError('Swift is not installed.');
    const folder = await dataFolder('swift');
    const [proxy = 0, account = 0, container = 0, object = 0, memcached = 0] = await freePorts(5);
    const ports: SwiftPorts = { proxy, account, container, object, memcached };
    const log = join(folder, 'log');
    const etc = join(folder, 'etc');
    for (const name of ['etc', 'devices/d1', 'recon']) await mkdir(join(folder, name), { recursive: true });
    const config = (name: string, text: string) => writeFile(join(etc, name), text);
    await config('swift.conf', swiftConfig());
    await config('proxy-server.conf', proxyConfig(folder, ports));
    for (const kind of ['account', 'container', 'object'] as const) {
      await config(`${kind}-server.conf`, serverConfig(kind, folder, ports[kind]));
    }
    await run(PYTHON, ['-c', ringScript, etc, `${object}`, `${container}`, `${account}`]);

    const user = process.getuid?.() === 0 ? ['-u', 'nobody'] : [];
    const children = [
      start('/usr/bin/memcached', ['-l', '127.0.0.1', '-p', `${memcached}`, '-m', '32', '-t', '1', ...user], log),
      ...(['object', 'container', 'account', 'proxy'] as const).map((kind) =>
        start(PYTHON, ['-c', LAUNCHER, etc, `/usr/bin/swift-${kind}-server`, join(etc, `${kind}-server.conf`)], log),
      ),
    ];
    // The proxy first: what is still asked for is refused and not half done.
    const pids = children.flatMap(({ pid }) => pid ?? []).reverse();
    const stop = async () => {
      await endProcesses(pids);
      await rm(folder, { recursive: true, force: true });
    };
    const endpoint = `http://127.0.0.1:${proxy}`;
    try {
      for (const port of [object, container, account]) {
        await until('Swift', () => answers(`http://127.0.0.1:${port}/healthcheck`), children, log);
      }
      await until('Swift', () => answers(`${endpoint}/healthcheck`), children, log);
    } catch (error) {
      await stop();
      throw error;
    }
    return {
      name: this.name,
      endpoint,
      access: { REGION: 'us-east-1', ACCESS_KEY_ID: 'test:tester', SECRET_ACCESS_KEY: 'testing' },
      pids,
      folder,
      stop,
    };
  },
};

/** Keeps the packages from starting their services, which nobody here asked for. */
async function withoutServices(sudo: readonly string[], work: () => Promise<void>): Promise<void> {
  const policy = '/usr/sbin/policy-rc.d';
  if (existsSync(policy)) return work();
  const sh = async (script: string) => {
    const [program = '', ...rest] = [...sudo, 'sh', '-c', script];
    await run(program, rest);
  };
  await sh(`printf '#!/bin/sh\\nexit 101\\n' > ${policy} && chmod +x ${policy}`);
  try {
    await work();
  } finally {
    await sh(`rm -f ${policy}`);
  }
}
