import { mkdir, open } from 'node:fs/promises';
import { join } from 'node:path';
import type { Bench } from './figure.ts';
import { Child } from './processes/calls.ts';
import type { ProxySetup } from './processes/proxy-server.ts';

/** Where processes run while hits are counted: what is measured has one core for itself. */
export const SERVER_CORE = 0;
export const CLIENT_CORE = 1;

const KEYS = { key: '746f2d6d6561737572652d77697468', salt: '746f2d6d656173757265' };

export interface RunningProxy {
  readonly process: Child;
  readonly port: number;
  /** Signed paths of `rs:fit:512:512` and further options of sources below the input folder. */
  sign(sources: readonly string[], options?: string): Promise<readonly string[]>;
  /** Of the serving process and its children. */
  pids(): Promise<readonly number[]>;
  stop(): Promise<void>;
}

export interface ProxyOptions extends ProxySetup {
  readonly core?: number | undefined;
  readonly nodeArguments?: readonly string[];
}

/** Starts the proxy under test in a process of its own; it logs to a file. */
export async function startProxy(bench: Bench, options: ProxyOptions): Promise<RunningProxy> {
  const folder = await bench.folder();
  await mkdir(join(folder, 'cache'));
  const log = await open(join(folder, 'log.json'), 'a');
  const { core, nodeArguments, ...setup } = options;
  const process = new Child('proxy-server', {
    core,
    stdout: log.fd,
    nodeArguments: nodeArguments ?? profiling(),
    // As is advised for transforms in the serving process: hits and transforms share its pool of threads.
    ...(options.transforms === 'in-process' ? { environment: { UV_THREADPOOL_SIZE: '16' } } : {}),
  });
  // The process has a descriptor of its own by now, and who fails to start leaves nothing open.
  await log.close();
  const settings = {
    ...KEYS,
    localFilesystemRoot: bench.inputs.root,
    cacheFsRoot: join(folder, 'cache'),
    ...setup.settings,
  };
  const { port } = await process.call<{ port: number }>('start', { ...setup, settings });
  return {
    process,
    port,
    sign: (sources, more = '') =>
      process.call(
        'sign',
        sources.map((source) => `/rs:fit:512:512${more}/plain/local:///${source}`),
      ),
    pids: async () => [process.pid, ...(await process.call<readonly number[]>('children'))],
    async stop() {
      await process.call('close');
      await process.stop();
    },
  };
}

/** `BENCH_CPU_PROFILE=folder` writes a CPU profile of every proxy, and of what it is compared with, there. */
export function profiling(): readonly string[] {
  const folder = process.env.BENCH_CPU_PROFILE;
  return folder === undefined ? [] : ['--cpu-prof', `--cpu-prof-dir=${folder}`];
}
