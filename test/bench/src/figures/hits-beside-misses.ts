import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { alternate } from '../alternate.ts';
import type { Bench, Figure, Result } from '../figure.ts';
import { manyNames } from '../inputs.ts';
import { Child } from '../processes/calls.ts';
import type { EachOnce, Latencies, OpenLoop } from '../processes/load-generator.ts';
import type { ProxySetup } from '../processes/proxy-server.ts';
import type { Answer } from '../processes/raw-client.ts';
import type { Work } from '../processes/sharp-alone.ts';
import { busySince, CORES, processorTime } from '../processor-time.ts';
import { startProxy } from '../proxy.ts';
import { spread } from '../statistics.ts';

const HITS_A_SECOND = 200;
/** Pictures at a time, on both sides. */
const PARALLEL = 4;
const MISS_CONNECTIONS = 8;
const NAMES = 1_000;
/** Until then V8 still compiles what a miss runs: see `misses`. */
const WARM_UP_MISSES = 2_500;
/** More misses than any machine makes in the time. */
const MISSES = 40_000;

export const hitsBesideMisses: Figure = {
  name: 'hits-beside-misses',
  title:
    'fs hits at 200 a second, open loop, while misses keep all cores busy, against node:http beside sharp in another process',
  measure: async (bench) => [
    ...(await besideMisses(bench, 'child', true)),
    ...(await besideMisses(bench, 'in-process', false)),
  ],
};

interface Side {
  readonly latencies: Latencies;
  readonly transforms: number;
  readonly busy: number;
}

async function besideMisses(
  bench: Bench,
  transforms: ProxySetup['transforms'],
  judged: boolean,
): Promise<readonly Result[]> {
  bench.progress(`filling the cache with ${NAMES} entries`);
  const names = await manyNames(bench.inputs, NAMES);
  const cacheFsRoot = join(await bench.folder(), 'cache');
  const settings = { cacheUse: 'fs', cacheFsRoot, workers: PARALLEL };
  const hits = new Child('load-generator');
  const missing = new Child('load-generator');
  const { paths, sample } = await fill(bench, hits, names, settings);
  const proxy = await startProxy(bench, { settings, transforms });
  const cold = (
    await Promise.all(
      Array.from({ length: Math.ceil(MISSES / bench.inputs.distinct.length) }, (_, number) =>
        proxy.sign(bench.inputs.distinct, `/cb:${number}`),
      ),
    )
  ).flat();
  const bare = new Child('bare-server');
  const alone = new Child('sharp-alone');
  const folder = await bench.folder();
  await mkdir(join(folder, 'hits'));
  for (let number = 0; number < NAMES; number++) await writeFile(join(folder, 'hits', String(number)), sample.body);
  const headers = ['content-type', 'image/jpeg', 'content-length', String(sample.body.length)];
  const { port } = await bare.call<{ port: number }>('start', { headers, folder });
  const files = bench.inputs.distinct.map((name) => join(bench.inputs.root, name));
  const barePaths = names.map((_name, number) => `/hits/${number}`);

  const side = async (
    target: { port: number; paths: readonly string[] },
    misses: { start(): Promise<unknown>; count(): Promise<number>; stop(): Promise<unknown> },
  ): Promise<Side> => {
    await hits.call('setPaths', target.paths);
    await misses.start();
    // Until every worker has work.
    await sleep(1_000);
    const before = processorTime();
    const countBefore = await misses.count();
    const latencies = await hits.call<Latencies>('openLoop', {
      port: target.port,
      rate: HITS_A_SECOND,
      seconds: Math.max(5, bench.seconds),
    } satisfies OpenLoop);
    const transforms = (await misses.count()) - countBefore;
    const busy = busySince(before);
    await misses.stop();
    await sleep(500);
    return { latencies, transforms, busy };
  };

  const made = async () => (await proxy.process.call<{ transformed: number }>('counts')).transformed;
  const warmUp = cold.splice(0, WARM_UP_MISSES);

  try {
    bench.progress(`${transforms}: ${WARM_UP_MISSES} misses to warm up`);
    await missing.call('eachOnce', {
      port: proxy.port,
      connections: MISS_CONNECTIONS,
      paths: warmUp,
      mustHit: false,
    } satisfies EachOnce);
    const pairs = await alternate(
      bench,
      transforms,
      () =>
        side(
          { port: proxy.port, paths },
          {
            start: () =>
              missing.call('startEndless', {
                port: proxy.port,
                connections: MISS_CONNECTIONS,
                paths: cold,
                mustHit: false,
              } satisfies EachOnce),
            count: made,
            stop: () => missing.call('stopEndless'),
          },
        ),
      () =>
        side(
          { port, paths: barePaths },
          {
            start: () => alone.call('startEndless', { files, parallel: PARALLEL } satisfies Work),
            count: () => alone.call<number>('endlessCount'),
            stop: () => alone.call('stopEndless'),
          },
        ),
    );
    return summary(pairs, transforms, judged);
  } finally {
    await Promise.all([proxy.stop(), hits.stop(), missing.stop(), bare.stop(), alone.stop()]);
  }
}

/** Fills the cache folder by a proxy of its own, which makes one picture for all names. */
async function fill(
  bench: Bench,
  generator: Child,
  names: readonly string[],
  settings: ProxySetup['settings'],
): Promise<{ readonly paths: readonly string[]; readonly sample: Answer }> {
  const filler = await startProxy(bench, { settings, transforms: 'in-process', memoised: true });
  try {
    const paths = await filler.sign(names);
    await generator.call('eachOnce', { port: filler.port, connections: 8, paths, mustHit: false } satisfies EachOnce);
    await filler.process.call('whenStored', paths.length);
    return { paths, sample: await generator.call<Answer>('get', { port: filler.port, path: paths[0] }) };
  } finally {
    await filler.stop();
  }
}

function summary(
  pairs: readonly { readonly ours: Side; readonly reference: Side }[],
  transforms: ProxySetup['transforms'],
  judged: boolean,
): readonly Result[] {
  const where = transforms === 'child' ? 'transforms in child processes' : 'transforms in the serving process';
  const middle = (values: readonly number[], digits: number) => spread(values).median.toFixed(digits);
  const sides = (of: (side: Side) => number, digits: number) =>
    `${middle(
      pairs.map(({ ours }) => of(ours)),
      digits,
    )} / ${middle(
      pairs.map(({ reference }) => of(reference)),
      digits,
    )}`;
  const ratio = (of: (side: Side) => number) => spread(pairs.map(({ ours, reference }) => of(ours) / of(reference)));
  const busy = Math.min(...pairs.flatMap((pair) => [pair.ours.busy, pair.reference.busy]));
  const load = `${CORES} cores at least ${Math.round(100 * busy)} % busy`;
  const sum = (of: (latencies: Latencies) => number) => pairs.reduce((all, { ours }) => all + of(ours.latencies), 0);
  return [
    {
      what: `p50 of hits, ${where}`,
      ratio: ratio(({ latencies }) => latencies.p50),
      bar: judged ? { atMost: 1.5 } : undefined,
      detail: `${sides(({ latencies }) => latencies.p50, 2)} ms; ${load}`,
    },
    {
      what: `p99 of hits, ${where}`,
      ratio: ratio(({ latencies }) => latencies.p99),
      bar: judged ? { atMost: 1.5 } : undefined,
      detail: `${sides(({ latencies }) => latencies.p99, 2)} ms; ${load}`,
    },
    {
      what: `transforms meanwhile, ${where}`,
      ratio: ratio((side) => side.transforms),
      bar: judged ? { atLeast: 0.85 } : undefined,
      detail:
        `${sides((side) => side.transforms, 0)} in the same time; of the hits ` +
        `${sum(({ misses }) => misses)} were not found in time and ${sum(({ failures }) => failures)} failed`,
    },
  ];
}
