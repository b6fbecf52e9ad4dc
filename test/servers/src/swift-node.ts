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

/**
 * Runs the packaged programs with another configuration folder than /etc/swift, so it needs no root. They are forked
 * from one process that has loaded what all of them need: a quarter of the work. It ends with any of them, and they
 * with it; the proxy first, so that what is still asked for is refused and not half done.
 */
const LAUNCHER = `
import ctypes, os, runpy, signal, sys
from swift.common.utils import eventlet_monkey_patch, set_swift_dir
# Each would do it, and look through all objects there are for locks: a second of a start.
eventlet_monkey_patch()
import swift.account.server, swift.container.server, swift.obj.server, swift.proxy.server

etc, kinds = sys.argv[1], ('proxy', 'object', 'container', 'account')
set_swift_dir(etc)
signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGTERM, signal.SIGCHLD])
launcher = os.getpid()

def serve(kind):
    PR_SET_PDEATHSIG = 1
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != launcher:
        sys.exit(1)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, [signal.SIGTERM, signal.SIGCHLD])
    sys.argv = ['/usr/bin/swift-%s-server' % kind, '%s/%s-server.conf' % (etc, kind)]
    runpy.run_path(sys.argv[0], run_name='__main__')

servers = []
for kind in kinds:
    pid = os.fork()
    if pid == 0:
        serve(kind)
        sys.exit(0)
    servers.append(pid)
asked = signal.sigwait([signal.SIGTERM, signal.SIGCHLD]) == signal.SIGTERM
for pid in servers:
    os.kill(pid, signal.SIGTERM)
for pid in servers:
    os.waitpid(pid, 0)
sys.exit(0 if asked else 1)
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
    start(PYTHON, ['-c', LAUNCHER, etc], log),
  ];
  // Who keeps the tokens goes last.
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
