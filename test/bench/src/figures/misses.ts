import { constants, setPriority } from 'node:os';
import { join } from 'node:path';
import { alternate } from '../alternate.ts';
import type { Bench, Figure, Result } from '../figure.ts';
import { Child } from '../processes/calls.ts';
import type { EachOnce } from '../processes/load-generator.ts';
import type { ProxySetup } from '../processes/proxy-server.ts';
import type { Work } from '../processes/sharp-alone.ts';
import { CORES, processorTimeOf, stolenTime } from '../processor-time.ts';
import { startProxy } from '../proxy.ts';
import { spread } from '../statistics.ts';

/** Pictures at a time, on both sides. */
const PARALLEL = 4;
/** Requests under way: enough that a picture always waits to be made. */
const CONNECTIONS = 8;
/**
 * Some 2,500 misses, half a minute: until then V8 still compiles, and a miss takes the serving process up to
 * half as long again. What is measured is a server that has run for a while.
 */
const WARM_UP_BATCHES = 40;
/** A batch takes a second, and what else the host does comes and goes by seconds: three pairs for each round asked for. */
const FINER = 3;

export const misses: Figure = {
  name: 'misses',
  title: 'cold misses of distinct local files to 512 px, stored on disk and verified, against sharp alone',
  measure: async (bench) => [
    ...(await missesWith(bench, 'child', { atLeast: 0.9 })),
    ...(await missesWith(bench, 'in-process', undefined)),
  ],
};

interface Batch {
  readonly seconds: number;
  /** Processor time of all its processes. */
  readonly busyMs: number;
  /** Of that, what the first took: ours that serves. */
  readonly servingMs: number;
  /** What the host kept from the machine meanwhile. */
  readonly stolenMs: number;
}

async function missesWith(
  bench: Bench,
  transforms: ProxySetup['transforms'],
  bar: Result['bar'],
): Promise<readonly Result[]> {
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

  const makeAlone = async () => {
    const before = processorTimeOf([alone.pid]);
    const stolen = stolenTime();
    const work: Work = { files, parallel: PARALLEL };
    const made = await alone.call<{ seconds: number; digests: readonly string[] }>('makeAll', work);
    const busyMs = processorTimeOf([alone.pid]) - before;
    return { ...made, busyMs, servingMs: busyMs, stolenMs: stolenTime() - stolen };
  };
  const { digests } = await makeAlone();

  /** Its time ends when the last variant is in its place on the disk. */
  const makeCold = async (): Promise<Batch> => {
    const pids = await proxy.pids();
    const paths = await proxy.sign(bench.inputs.distinct, `/cb:${round++}`);
    const serving = pids.slice(0, 1);
    const before = { busyMs: processorTimeOf(pids), servingMs: processorTimeOf(serving), stolenMs: stolenTime() };
    const since = performance.now();
    await generator.call('eachOnce', {
      port: proxy.port,
      connections: CONNECTIONS,
      paths,
      mustHit: false,
    } satisfies EachOnce);
    stored += count;
    await proxy.process.call('whenStored', stored);
    const batch = {
      seconds: (performance.now() - since) / 1_000,
      busyMs: processorTimeOf(pids) - before.busyMs,
      servingMs: processorTimeOf(serving) - before.servingMs,
      stolenMs: stolenTime() - before.stolenMs,
    };
    const found = await generator.call<readonly string[]>('digests', { port: proxy.port, paths });
    if (found.join() !== digests.join()) throw new Error('What lies on the disk is not what sharp alone makes.');
    return batch;
  };

  try {
    for (let batch = 0; batch < WARM_UP_BATCHES; batch++) await makeCold();
    const pairs = await alternate<Batch>({ ...bench, rounds: FINER * bench.rounds }, transforms, makeCold, makeAlone);
    const where = transforms === 'child' ? 'transforms in child processes' : 'transforms in the serving process';
    const sides = (of: (batch: Batch) => number) =>
      [pairs.map(({ ours }) => of(ours)), pairs.map(({ reference }) => of(reference))]
        .map((values) => spread(values).median.toFixed(1))
        .join(' / ');
    return [
      {
        what: where,
        ratio: spread(pairs.map(({ ours, reference }) => reference.seconds / ours.seconds)),
        bar,
        detail:
          `${sides(({ seconds }) => count / seconds)} a second of ${count} sources of 3 megapixels, ` +
          `${PARALLEL} at a time, all read back from the disk as hits and equal to sharp's; ` +
          `${sides(({ stolenMs, seconds }) => (stolenMs / seconds / CORES) * 0.1)} % of the machine's time went to others of its host`,
      },
      {
        what: `the reference's processor time by ours, ${where}`,
        ratio: spread(pairs.map(({ ours, reference }) => reference.busyMs / ours.busyMs)),
        bar: undefined,
        detail:
          `${sides(({ busyMs }) => busyMs / count)} ms for each; ` +
          `${(spread(pairs.map(({ ours }) => ours.servingMs)).median / count).toFixed(1)} ms of ours in the serving process`,
      },
    ];
  } finally {
    await Promise.all([proxy.stop(), generator.stop(), alone.stop()]);
  }
}
