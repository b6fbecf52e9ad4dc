import { mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { servers } from './index.ts';
import { identify, isRunning, type ProcessIdentity } from './process-identity.ts';
import { CACHE, endIdentified } from './processes.ts';
import { type RunningServer, ServerError, type ServerKind, variablePrefix } from './server.ts';

/** What is known of a server that was started by hand, in a file of its name. */
interface Started extends Pick<RunningServer, 'endpoint' | 'access' | 'folder'> {
  readonly processes: readonly ProcessIdentity[];
}

const RUNNING = join(CACHE, 'running');

const USAGE = `Usage: npm run servers -- install | start | stop | status [name]

  install   brings what is missing, so that no test is skipped for it
  start     starts it on a free port of 127.0.0.1 and tells how to reach it
  stop      stops what start has started, and removes its data
  status    what is installed and what runs

Names: ${[...servers.keys()].join(', ')}; without one, all of them.`;

/** @returns the exit code. */
async function main(args: readonly string[]): Promise<number> {
  const [action = '', name] = args;
  const actions: Readonly<Record<string, (kind: ServerKind) => Promise<void>>> = { install, start, stop, status };
  const act = Object.hasOwn(actions, action) ? actions[action] : undefined;
  if (act === undefined || (name !== undefined && !servers.has(name))) {
    console.error(USAGE);
    return 2;
  }
  let failed = false;
  for (const kind of servers.values()) {
    if (name !== undefined && kind.name !== name) continue;
    try {
      await act(kind);
    } catch (error) {
      if (!(error instanceof ServerError)) throw error;
      console.error(`${kind.name}: ${error.message}`);
      failed = true;
    }
  }
  return failed ? 1 : 0;
}

async function install(kind: ServerKind): Promise<void> {
  const there = await kind.find();
  if (there !== undefined) return say(kind, `is installed: ${there}`);
  const since = Date.now();
  await kind.install((line) => say(kind, line));
  say(kind, `installed in ${Math.round((Date.now() - since) / 1_000)} s: ${await kind.find()}`);
}

async function start(kind: ServerKind): Promise<void> {
  const before = await started(kind);
  if (before !== undefined) return say(kind, `runs already: ${reach(kind, before)}`);
  if ((await kind.find()) === undefined) {
    throw new ServerError(`is not installed; npm run servers -- install ${kind.name}`);
  }
  const { endpoint, access, pids, folder } = await kind.start();
  const processes = pids.flatMap((pid) => identify(pid) ?? []);
  const now: Started = { endpoint, access, processes, folder };
  await mkdir(RUNNING, { recursive: true });
  await writeFile(join(RUNNING, kind.name), JSON.stringify(now), { mode: 0o600 });
  say(kind, `runs:${reach(kind, now)}`);
}

async function stop(kind: ServerKind): Promise<void> {
  const running = await started(kind);
  if (running === undefined) return say(kind, 'does not run');
  await endIdentified(running.processes);
  if (running.folder !== undefined) await rm(running.folder, { recursive: true, force: true });
  await rm(join(RUNNING, kind.name), { force: true });
  say(kind, 'stopped');
}

async function status(kind: ServerKind): Promise<void> {
  const there = await kind.find();
  const running = await started(kind);
  say(kind, kind.description);
  say(kind, there === undefined ? `not installed; npm run servers -- install ${kind.name}` : `installed: ${there}`);
  say(kind, running === undefined ? 'does not run' : `runs:${reach(kind, running)}`);
}

/** What was started by hand and of which anything still runs: what is left of it can be stopped. */
async function started(kind: ServerKind): Promise<Started | undefined> {
  const names = await readdir(RUNNING).catch((): string[] => []);
  if (!names.includes(kind.name)) return undefined;
  const known: Partial<Started> = JSON.parse(await readFile(join(RUNNING, kind.name), 'utf8'));
  // Another process may have the id of one that has ended.
  if (known.processes?.some(isRunning)) return known as Started;
  await rm(join(RUNNING, kind.name), { force: true });
  return undefined;
}

function reach(kind: ServerKind, started: Started): string {
  const variables = { ENDPOINT: started.endpoint, ...started.access };
  return Object.entries(variables)
    .map(([field, value]) => `\n    ${variablePrefix(kind.name)}${field}=${value}`)
    .join('');
}

function say(kind: ServerKind, line: string): void {
  console.log(`${kind.name.padEnd(10)} ${line}`);
}

process.exitCode = await main(process.argv.slice(2));
