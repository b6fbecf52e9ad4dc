import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { randomInt } from 'node:crypto';
import { once } from 'node:events';
import { constants, openSync } from 'node:fs';
import { access, mkdtemp, readFile } from 'node:fs/promises';
import { createServer, type Server } from 'node:net';
import { homedir, tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import { keep } from './keeping.ts';
import { identify, isRunning, type ProcessIdentity } from './process-identity.ts';
import { ServerError } from './server.ts';

const execute = promisify(execFile);

/** Where installed servers are kept: outside of the checkout, so that a new one finds them. */
export const CACHE: string =
  process.env.TINTYPE_TEST_CACHE || join(process.env.XDG_CACHE_HOME || join(homedir(), '.cache'), 'tintype', 'servers');

/** The path of a command, or `undefined`. */
export async function onPath(command: string): Promise<string | undefined> {
  for (const folder of (process.env.PATH ?? '').split(delimiter)) {
    const path = join(folder, command);
    if (folder !== '' && (await isExecutable(path))) return path;
  }
  return undefined;
}

export async function isExecutable(path: string): Promise<boolean> {
  return access(path, constants.X_OK).then(
    () => true,
    () => false,
  );
}

/** Runs a command to its end. @returns what it said on standard output. @throws with what it said else. */
export async function run(
  command: string,
  args: readonly string[],
  env: Readonly<Record<string, string>> = {},
): Promise<string> {
  try {
    const options = { env: { ...process.env, ...env }, maxBuffer: 64 * 1024 * 1024 };
    return (await execute(command, args, options)).stdout;
  } catch (error) {
    const { stderr = '', stdout = '', message } = error as { stderr?: string; stdout?: string; message: string };
    const said = (stderr || stdout || message).trim().split('\n').slice(-15).join('\n');
    throw new ServerError(`${command} ${args.slice(0, 3).join(' ')} … failed:\n${said}`);
  }
}

/**
 * Ports of 127.0.0.1 that nobody listens on. Not of those that systems give out by themselves, to servers at port 0 and
 * to clients: they would be taken before they are used. A program that chooses one itself may still do that.
 */
export async function freePorts(count: number): Promise<number[]> {
  const servers = await Promise.all(Array.from({ length: count }, onAnyPort));
  const ports = servers.map((server) => (server.address() as { port: number }).port);
  await Promise.all(servers.map((server) => new Promise((resolve) => server.close(resolve))));
  return ports;
}

async function onAnyPort(): Promise<Server> {
  for (;;) {
    const server = createServer().listen(randomInt(16_000, 32_000), '127.0.0.1');
    const listens = await once(server, 'listening').then(
      () => true,
      () => false,
    );
    if (listens) return server;
  }
}

/** What programs say whose port is another's: Python and Node, and Swift after it has tried for a while. */
const TAKEN = /address already in use|EADDRINUSE|could not bind to/i;
const ATTEMPTS = 3;

/**
 * Starts once more where another program has taken one of the `freePorts` before it was used. Whatever
 * else goes wrong is told at once: it would go wrong again, and three times as late.
 */
export async function onFreePorts<T>(startAll: () => Promise<T>): Promise<T> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await startAll();
    } catch (error) {
      if (attempt === ATTEMPTS || !(error instanceof ServerError) || !TAKEN.test(error.message)) throw error;
    }
  }
}

/**
 * An empty folder for a server's data: in memory if there is such a place, and one whose files take
 * the extended attributes that some servers keep metadata in.
 */
export async function dataFolder(name: string): Promise<string> {
  for (const base of ['/dev/shm', tmpdir()]) {
    const folder = await mkdtemp(join(base, `tintype-${name}-`)).catch(() => undefined);
    if (folder === undefined) continue;
    keep({ folder });
    return folder;
  }
  throw new ServerError('There is no folder for temporary files.');
}

/** What this process has started, by id. */
const started = new Map<number, ProcessIdentity>();

/** Starts a process of its own group that outlives a crash of ours only if nobody stops it. */
export function start(
  command: string,
  args: readonly string[],
  log: string,
  env: Readonly<Record<string, string>> = {},
): ChildProcess {
  const out = openSync(log, 'a');
  const child = spawn(command, args, { stdio: ['ignore', out, out], env: { ...process.env, ...env }, detached: true });
  child.on('error', () => undefined);
  child.unref();
  const identity = child.pid === undefined ? undefined : identify(child.pid);
  if (identity !== undefined) {
    started.set(identity.pid, identity);
    keep({ process: identity });
  }
  return child;
}

/** Waits until `ready` says so, asking again and again; gives up at once when a process has ended. */
export async function until(
  what: string,
  ready: () => Promise<boolean>,
  children: readonly ChildProcess[],
  log: string,
  timeoutMs = 180_000,
): Promise<void> {
  const deadline = Date.now() + timeoutMs;
  for (;;) {
    if (await ready().catch(() => false)) return;
    const dead = children.find(
      (child) => child.exitCode !== null || child.signalCode !== null || child.pid === undefined,
    );
    if (dead !== undefined || Date.now() > deadline) {
      const problem = dead ? 'ended at once' : `was not ready within ${timeoutMs} ms`;
      throw new ServerError(`${what} ${problem}:\n${await lastLines(log, 15)}`);
    }
    await sleep(50);
  }
}

/** What a server said last. */
export async function lastLines(log: string, count: number): Promise<string> {
  const text = await readFile(log, 'utf8').catch(() => '');
  return text.trim().split('\n').slice(-count).join('\n');
}

/** Whether an HTTP server answers there, whatever it says. */
export async function answers(url: string): Promise<boolean> {
  const response = await fetch(url, { signal: AbortSignal.timeout(2_000) });
  await response.body?.cancel();
  return true;
}

/** Ends processes that `start` has started, by their ids. */
export async function endProcesses(pids: readonly number[]): Promise<void> {
  await endIdentified(pids.flatMap((pid) => started.get(pid) ?? []));
}

/** Ends processes: asks first, insists after five seconds. Another one with the same id is left alone. */
export async function endIdentified(processes: readonly ProcessIdentity[]): Promise<void> {
  for (const each of processes) signal(each, 'SIGTERM');
  for (const each of processes) {
    for (let waited = 0; isRunning(each); waited += 50) {
      if (waited === 5_000) signal(each, 'SIGKILL');
      await sleep(50);
    }
  }
}

function signal(target: ProcessIdentity, name: NodeJS.Signals): void {
  if (!isRunning(target)) return;
  try {
    process.kill(target.pid, name);
  } catch {
    // It has ended meanwhile.
  }
}
