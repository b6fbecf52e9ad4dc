import { existsSync } from 'node:fs';
import { mkdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { PYTHON } from './debian.ts';
import { answers, endProcesses, freePorts, run, start, until } from './processes.ts';
import { type RunningServer, ServerError } from './server.ts';
import { proxyConfig, ringScript, type SwiftAuth, type SwiftPorts, serverConfig, swiftConfig } from './swift-config.ts';

/** Debian's packages. */
export const SWIFT_PACKAGES: readonly string[] = [
  'swift-proxy',
  'swift-account',
  'swift-container',
  'swift-object',
  'memcached',
  'python3-swift',
];

/** Runs a packaged program with another configuration folder than /etc/swift, so it needs no root. */
const LAUNCHER = `
import runpy, sys
from swift.common.utils import set_swift_dir
set_swift_dir(sys.argv[1])
sys.argv = sys.argv[2:]
runpy.run_path(sys.argv[0], run_name='__main__')
`;

/** One of its programs, if all are there. */
export function findSwift(): string | undefined {
  const programs = ['proxy', 'account', 'container', 'object'].map((name) => `/usr/bin/swift-${name}-server`);
  return [...programs, PYTHON, '/usr/bin/memcached'].every(existsSync) ? programs[0] : undefined;
}

/**
 * Starts the servers of one node of Swift.
 *
 * @param folder for its data, its settings and its log; gone once it is stopped.
 * @param auth who says which tokens are good.
 * @param proxyPort where it is reached.
 */
export async function startSwift(
  folder: string,
  auth: SwiftAuth,
  proxyPort?: number,
): Promise<Pick<RunningServer, 'endpoint' | 'pids' | 'folder' | 'stop'>> {
  if (findSwift() === undefined) throw new ServerError('Swift is not installed.');
  const [free = 0, account = 0, container = 0, object = 0, memcached = 0] = await freePorts(5);
  const proxy = proxyPort ?? free;
  const ports: SwiftPorts = { proxy, account, container, object, memcached };
  const log = join(folder, 'log');
  const etc = join(folder, 'etc');
  for (const name of ['etc', 'devices/d1', 'recon']) await mkdir(join(folder, name), { recursive: true });
  const config = (name: string, text: string) => writeFile(join(etc, name), text);
  await config('swift.conf', swiftConfig());
  await config('proxy-server.conf', proxyConfig(folder, ports, auth));
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
  return { endpoint, pids, folder, stop };
}
