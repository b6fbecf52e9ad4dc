import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { alternate, CONNECTIONS, type Throughput, throughput } from '../alternate.ts';
import type { Bench, Figure, Result } from '../figure.ts';
import { manyNames } from '../inputs.ts';
import { Child } from '../processes/calls.ts';
import type { EachOnce } from '../processes/load-generator.ts';
import type { Answer } from '../processes/raw-client.ts';
import { CLIENT_CORE, profiling, type RunningProxy, SERVER_CORE, startProxy } from '../proxy.ts';
import { spread } from '../statistics.ts';

const DISTINCT = 10_000;

/**
 * Each round as so many shorter ones: what else the hardware does changes within seconds, and both sides
 * of a pair must meet the same.
 */
const FINER = 4;

export const hitsOfOne: Figure = {
  name: 'hits-memory-one',
  title: 'hits from memory, one hot URL, against node:http with the same bytes and headers',
  measure: async (bench) => {
    const one = { names: 1, readsFiles: false } as const;
    return [
      // Neither side writes a line for an answer: what the log costs is told beside it.
      ...(await hits(bench, { ...one, settings: { cacheUse: 'memory', logHits: 0 }, atLeast: 0.8 })),
      ...(await hits(bench, {
        ...one,
        settings: { cacheUse: 'memory' },
        atLeast: undefined,
        note: ', logged to a file',
      })),
    ];
  },
};

export const hitsOfMany: Figure = {
  name: 'hits-memory-distinct',
  title:
    'hits from memory, 10,000 distinct signed URLs, uniform, logged to a file, against node:http with as many bodies',
  measure: (bench) =>
    hits(bench, {
      settings: { cacheUse: 'memory', cacheMemoryMaxBytes: '1GiB' },
      names: DISTINCT,
      readsFiles: false,
      atLeast: 0.65,
    }),
};

export const hitsFromFs: Figure = {
  name: 'hits-fs',
  title: 'hits from fs without a memory tier, distinct URLs, against node:http with fs.readFile',
  measure: (bench) => hits(bench, { settings: { cacheUse: 'fs' }, names: DISTINCT, readsFiles: true, atLeast: 0.85 }),
};

interface Case {
  readonly settings: Readonly<Record<string, unknown>>;
  readonly names: number;
  /** Whether the reference reads a file for each request. */
  readonly readsFiles: boolean;
  readonly atLeast: number | undefined;
  /** What is told of it beside what is measured. */
  readonly note?: string;
}

async function hits(
  bench: Bench,
  { settings, names, readsFiles, atLeast, note = '' }: Case,
): Promise<readonly Result[]> {
  bench.progress(`filling the cache with ${names} entries`);
  const sources = await manyNames(bench.inputs, names);
  const proxy = await startProxy(bench, {
    settings,
    transforms: 'in-process',
    memoised: true,
    core: SERVER_CORE,
  });
  const generator = new Child('load-generator', { core: CLIENT_CORE });
  const bare = new Child('bare-server', { core: SERVER_CORE, nodeArguments: profiling() });
  try {
    const paths = await proxy.sign(sources);
    const sample = await fill(proxy, generator, paths);
    const folder = readsFiles ? await copies(bench, sample.body, names) : undefined;
    const headers = headersOf(sample);
    const { port } = await bare.call<{ port: number }>(
      'start',
      folder === undefined ? { headers, body: sample.body, copies: names } : { headers, folder },
    );
    const barePaths = sources.map((_name, number) => (readsFiles ? `/${number % 100}/${number}` : `/${number}`));
    const finer: Bench = { ...bench, rounds: FINER * bench.rounds, seconds: bench.seconds / FINER };
    const pairs = await alternate(
      finer,
      names === 1 ? '1 URL' : `${names} URLs`,
      () => throughput(finer, generator, proxy.process, paths, { port: proxy.port, mustHit: true }),
      () => throughput(finer, generator, bare, barePaths, { port, mustHit: false }),
    );
    return summary(pairs, sample.body.length, atLeast, note);
  } finally {
    await Promise.all([proxy.stop(), generator.stop(), bare.stop()]);
  }
}

/** Every path once, and once more to see that all are hits. @returns the first answer as it comes from the cache */
async function fill(proxy: RunningProxy, generator: Child, paths: readonly string[]): Promise<Answer> {
  const once = { port: proxy.port, connections: 8, paths };
  await generator.call('eachOnce', { ...once, mustHit: false } satisfies EachOnce);
  await proxy.process.call('whenStored', paths.length);
  await generator.call('eachOnce', { ...once, mustHit: true } satisfies EachOnce);
  return generator.call<Answer>('get', { port: proxy.port, path: paths[0] });
}

/** A file for each name, so that the reference reads as many from the page cache as we do. */
async function copies(bench: Bench, body: Uint8Array, count: number): Promise<string> {
  const folder = await bench.folder();
  for (let number = 0; number < Math.min(100, count); number++) await mkdir(join(folder, String(number)));
  for (let number = 0; number < count; number++) {
    await writeFile(join(folder, String(number % 100), String(number)), body);
  }
  return folder;
}

/** What the bare server has to send; what it adds by itself is left out. */
function headersOf({ head }: Answer): readonly string[] {
  return head
    .split('\r\n')
    .slice(1)
    .map((line) => [line.slice(0, line.indexOf(':')), line.slice(line.indexOf(':') + 1).trim()] as const)
    .filter(([name]) => !/^(date|connection|keep-alive)$/i.test(name))
    .flat();
}

function summary(
  pairs: readonly { readonly ours: Throughput; readonly reference: Throughput }[],
  bytes: number,
  atLeast: number | undefined,
  note: string,
): readonly Result[] {
  const sides = (of: (side: Throughput) => number, digits: number) =>
    `${[pairs.map(({ ours }) => of(ours)), pairs.map(({ reference }) => of(reference))]
      .map((values) => spread(values).median.toLocaleString('en', { maximumFractionDigits: digits }))
      .join(' / ')}`;
  const busiest = Math.max(...pairs.flatMap(({ ours, reference }) => [ours.generatorBusy, reference.generatorBusy]));
  return [
    {
      what: `answers a second${note}`,
      ratio: spread(pairs.map(({ ours, reference }) => ours.perSecond / reference.perSecond)),
      bar: atLeast === undefined ? undefined : { atLeast },
      detail:
        `${sides((side) => side.perSecond, 0)} a second, ${bytes.toLocaleString('en')} bytes each, ` +
        `${CONNECTIONS} connections; the load generator took ${Math.round(100 * busiest)} % of its core at most`,
    },
    {
      what: `the reference's processor time for an answer, by ours${note}: what neighbours on the machine disturb least`,
      ratio: spread(pairs.map(({ ours, reference }) => reference.microseconds / ours.microseconds)),
      bar: undefined,
      detail: `${sides((side) => side.microseconds, 1)} µs of the server's process for an answer`,
    },
  ];
}
