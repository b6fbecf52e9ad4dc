import { constants, setPriority } from 'node:os';
import { join } from 'node:path';
import { alternate } from '../alternate.ts';
import type { Bench, Figure, Result } from '../figure.ts';
import { Child } from '../processes/calls.ts';
import type { EachOnce } from '../processes/load-generator.ts';
import type { ProxySetup } from '../processes/proxy-server.ts';
import type { Work } from '../processes/sharp-alone.ts';
import { startProxy } from '../proxy.ts';
import { spread } from '../statistics.ts';

/** Pictures at a time, on both sides. */
const PARALLEL = 4;
/** Requests under way: enough that a picture always waits to be made. */
const CONNECTIONS = 8;

export const misses: Figure = {
  name: 'misses',
  title: 'cold misses of distinct local files to 512 px, stored on disk and verified, against sharp alone',
  measure: async (bench) => [
    await missesWith(bench, 'child', { atLeast: 0.9 }),
    await missesWith(bench, 'in-process', undefined),
  ],
};

async function missesWith(bench: Bench, transforms: ProxySetup['transforms'], bar: Result['bar']): Promise<Result> {
  const settings = { cacheUse: 'fs', workers: PARALLEL };
  const proxy = await startProxy(bench, { settings, transforms });
  const generator = new Child('load-generator');
  // Beside other programs a process of low priority gets what they leave: so both have the same.
  const alone = new Child('sharp-alone');
  if (transforms === 'child') setPriority(alone.pid, constants.priority.PRIORITY_LOW);
  const files = bench.inputs.distinct.map((name) => join(bench.inputs.root, name));
  const count = files.length;
  let round = 0;
  let stored = 0;

  const makeAlone = () =>
    alone.call<{ seconds: number; digests: readonly string[] }>('makeAll', {
      files,
      parallel: PARALLEL,
    } satisfies Work);
  const { digests } = await makeAlone();

  /** @returns seconds from the first request until the last variant is in its place on the disk */
  const makeCold = async (): Promise<number> => {
    const paths = await proxy.sign(bench.inputs.distinct, `/cb:${round++}`);
    const since = performance.now();
    await generator.call('eachOnce', {
      port: proxy.port,
      connections: CONNECTIONS,
      paths,
      mustHit: false,
    } satisfies EachOnce);
    stored += count;
    await proxy.process.call('whenStored', stored);
    const seconds = (performance.now() - since) / 1_000;
    const found = await generator.call<readonly string[]>('digests', { port: proxy.port, paths });
    if (found.join() !== digests.join()) throw new Error('What lies on the disk is not what sharp alone makes.');
    return seconds;
  };

  try {
    await makeCold();
    const pairs = await alternate(bench, transforms, makeCold, async () => (await makeAlone()).seconds);
    const rate = (seconds: readonly number[]) => (count / spread(seconds).median).toFixed(1);
    return {
      what: transforms === 'child' ? 'transforms in a child process' : 'transforms in the serving process',
      ratio: spread(pairs.map(({ ours, reference }) => reference / ours)),
      bar,
      detail:
        `${rate(pairs.map(({ ours }) => ours))} / ${rate(pairs.map(({ reference }) => reference))} a second ` +
        `of ${count} sources of 3 megapixels, ${PARALLEL} at a time, all read back from the disk as hits and equal to sharp's`,
    };
  } finally {
    await Promise.all([proxy.stop(), generator.stop(), alone.stop()]);
  }
}
