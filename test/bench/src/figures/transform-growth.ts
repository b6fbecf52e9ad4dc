import { setTimeout as sleep } from 'node:timers/promises';
import type { Bench, Figure, Result } from '../figure.ts';
import { Child } from '../processes/calls.ts';
import type { EachOnce } from '../processes/load-generator.ts';
import type { ProxySetup } from '../processes/proxy-server.ts';
import { residentBytes } from '../processor-time.ts';
import { type RunningProxy, startProxy } from '../proxy.ts';
import { seededRandom, spread } from '../statistics.ts';

const FIRST = 1_000;
const ALL = 20_000;

export const transformGrowth: Figure = {
  name: 'transform-growth',
  title: `memory after ${ALL.toLocaleString('en')} mixed transforms against memory after ${FIRST.toLocaleString('en')}`,
  measure: async (bench) => [
    await growth(bench, 'child', 'serving process and its child together'),
    await growth(bench, 'in-process', 'transforms in the serving process'),
  ],
};

async function growth(bench: Bench, transforms: ProxySetup['transforms'], what: string): Promise<Result> {
  const proxy = await startProxy(bench, { settings: { cacheUse: 'fs', timeout: 60 }, transforms });
  const generator = new Child('load-generator');
  try {
    const paths = await proxy.process.call<readonly string[]>('sign', mixture(bench));
    const make = (from: number, to: number) =>
      generator.call('eachOnce', {
        port: proxy.port,
        connections: 8,
        paths: paths.slice(from, to),
        mustHit: false,
      } satisfies EachOnce);
    bench.progress(`${transforms}: the first ${FIRST}`);
    await make(0, FIRST);
    const early = await settled(proxy);
    for (let made = FIRST; made < ALL; made += FIRST) {
      bench.progress(`${transforms}: ${made} of ${ALL}, ${mebibytes(residentBytes(await proxy.pids()))}`);
      await make(made, made + FIRST);
    }
    const late = await settled(proxy);
    return {
      what,
      ratio: spread([late / early]),
      bar: { atMost: 1.3 },
      detail: `${mebibytes(late)} / ${mebibytes(early)} resident; sizes, formats and sources mixed, one run`,
    };
  } finally {
    await Promise.all([proxy.stop(), generator.stop()]);
  }
}

/** Sources from 0.1 to 12 megapixels, the small ones most often; sizes from 64 to 800 pixels; four formats. */
function mixture({ inputs }: Bench): readonly string[] {
  const random = seededRandom(7);
  const of = <T>(values: readonly T[]): T | undefined => values[Math.floor(random() * values.length)];
  return Array.from({ length: ALL }, (_, number) => {
    const source = number % 200 === 0 ? inputs.large : number % 20 === 0 ? of(inputs.distinct) : of(inputs.small);
    const format = number % 100 === 0 ? 'avif' : of(['jpg', 'jpg', 'webp', 'png']);
    const side = 64 + Math.floor((random() * (format === 'avif' || format === 'png' ? 200 : 736)) / 8) * 8;
    return `/rs:${of(['fit', 'fill'])}:${side}:${side}/cb:${number}/plain/local:///${source}@${format}`;
  });
}

/** What is resident when nothing is under way any more. */
async function settled(proxy: RunningProxy): Promise<number> {
  const pids = await proxy.pids();
  await sleep(2_000);
  const samples: number[] = [];
  for (let sample = 0; sample < 5; sample++) {
    samples.push(residentBytes(pids));
    await sleep(200);
  }
  return spread(samples).median;
}

function mebibytes(bytes: number): string {
  return `${(bytes / 1_048_576).toFixed(0)} MiB`;
}
