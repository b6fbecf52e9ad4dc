import { rm, writeFile } from 'node:fs/promises';
import { Agent } from 'node:http';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { ask } from '../../../operations/client.ts';
import { TintypeProcess } from '../../../operations/tintype-process.ts';
import { atShare, type Part, type PartResult, plural, type Soak } from '../part.ts';
import { quantile, type Sample, SteadyLoad, steadyP99 } from '../steady-load.ts';

const HANGS_MS = 60_000;
/** The load before, to compare with. */
const BEFORE_MS = 45_000;
const WINDOW_MS = 5_000;
/** Longest time for the storage to be used again after it works again, in milliseconds. */
const RECOVERS_WITHIN_MS = 60_000;
/** What the breaker may add to the p99, in milliseconds. */
const BAR_ADDED_MS = 5;

const PER_SECOND = 60;
/** Images that everybody wants: in memory. */
const HOT = 20;
/** Images that lie in the storage that will hang; memory is too small for them. */
const STORED = 600;

const PLUGIN = fileURLToPath(new URL('../hanging-storage.ts', import.meta.url));

type Kind = 'memory' | 'stored' | 'fresh';

/** Latencies in milliseconds, before the hang and after the breaker had opened. */
interface Times {
  readonly before: { readonly p50: number; readonly p99: number };
  readonly after: { readonly p50: number; readonly p99: number };
}

/** What clients saw while the storage behind the memory hung. */
export interface HangOutcome {
  readonly requests: number;
  readonly failures: readonly string[];
  /** From the beginning of the hang until the storage was left alone. */
  readonly openedAfterMs: number;
  /** The slowest answer until then. */
  readonly worstUntilOpenMs: number;
  /** Of what is the same work with and without that storage: hits from memory, and images nobody has. */
  readonly same: Times;
  /** Of each kind. */
  readonly memory: Times;
  readonly fresh: Times;
  /** What only the storage has: a hit before, made again while it hangs. */
  readonly stored: Times;
  /** From the end of the hang until the storage was used again; `undefined` if it never was. */
  readonly usedAgainAfterMs: number | undefined;
}

/** Lets a storage hang for a while, under a load of hits from memory, hits from that storage, and misses. */
export async function hangUnderLoad(
  scratch: string,
  hangsMs: number,
  progress: (line: string) => void = () => {},
): Promise<HangOutcome> {
  const hangs = join(scratch, 'hangs');
  const proxy = new TintypeProcess({
    env: {
      TINTYPE_PLUGINS: PLUGIN,
      TINTYPE_CACHE_TIERS: 'memory,hanging',
      TINTYPE_CACHE_MEMORY_MAX_BYTES: String(256 * 1024),
      TINTYPE_CACHE_HANGING_ROOT: join(scratch, 'cache'),
      TINTYPE_CACHE_HANGING_WHILE: hangs,
    },
  });
  try {
    const address = await proxy.serves();
    await fill(address);
    progress(`${STORED + HOT} images stored; the load begins`);
    let fresh = 0;
    let only = 0;
    const load = new SteadyLoad<Kind>(PER_SECOND, (nth) => {
      if (nth % 10 === 0) return { kind: 'fresh', url: address + made(fresh++) };
      if (nth % 10 === 5) return { kind: 'stored', url: address + stored(only++ % STORED) };
      return { kind: 'memory', url: address + hot(nth % HOT) };
    });
    // The first moments warm up.
    await sleep(WINDOW_MS);
    const from = performance.now();
    await sleep((BEFORE_MS * hangsMs) / HANGS_MS);
    const began = performance.now();
    await writeFile(hangs, '');
    const left = await Promise.race([
      proxy.said(/^The cache storage hanging is left alone/).then(() => performance.now()),
      sleep(hangsMs).then(() => undefined),
    ]);
    const opened = left ?? began + hangsMs;
    progress(`left alone after ${(opened - began).toFixed(0)} ms; ${plural(load.failures.length, 'failure')}`);
    await sleep(Math.max(0, began + hangsMs - performance.now()));
    const ended = performance.now();
    await rm(hangs);
    const again = await Promise.race([
      proxy.said(/^The cache storage hanging works again/).then(() => performance.now()),
      sleep(RECOVERS_WITHIN_MS).then(() => undefined),
    ]);
    await load.stop();
    // What was asked before it opened may still be waiting for the deadline.
    const calm = opened + 1_000;
    const windowMs = (WINDOW_MS * hangsMs) / HANGS_MS;
    const during = (samples: readonly Sample[], since: number, until: number) => ({
      p50: quantile(timesIn(samples, since, until), 0.5),
      p99: steadyP99(samples, since, until, windowMs),
    });
    const timesOf = (...kinds: readonly Kind[]): Times => {
      const samples = load.samples.filter(({ kind }) => kinds.includes(kind));
      return { before: during(samples, from, began), after: during(samples, calm, ended) };
    };
    return {
      requests: load.samples.length,
      failures: left === undefined ? [...load.failures, 'the storage was never left alone'] : load.failures,
      openedAfterMs: opened - began,
      worstUntilOpenMs: Math.max(...timesIn(load.samples, began - 1_000, calm)),
      same: timesOf('memory', 'fresh'),
      memory: timesOf('memory'),
      fresh: timesOf('fresh'),
      stored: timesOf('stored'),
      usedAgainAfterMs: again === undefined ? undefined : again - ended,
    };
  } finally {
    await proxy[Symbol.asyncDispose]();
  }
}

function timesIn(samples: readonly Sample[], since: number, until: number): number[] {
  return samples.filter(({ at }) => at >= since && at < until).map(({ ms }) => ms);
}

const hot = (nth: number) => `/unsafe/rs:fit:${24 + nth}/plain/local:///rocket.jpg`;
const stored = (nth: number) =>
  `/unsafe/rs:force:${60 + (nth % 25)}:${60 + Math.floor(nth / 25)}/plain/local:///rocket.jpg`;
const made = (nth: number) =>
  `/unsafe/rs:force:${100 + (nth % 50)}:${60 + Math.floor(nth / 50)}/plain/local:///rocket.jpg`;

async function fill(address: string): Promise<void> {
  const paths = [
    ...Array.from({ length: STORED }, (_, nth) => stored(nth)),
    ...Array.from({ length: HOT }, (_, nth) => hot(nth)),
  ];
  const agent = new Agent({ keepAlive: true, maxSockets: 4 });
  await Promise.all(paths.map((path) => ask(address + path, agent)));
  agent.destroy();
}

export const hang: Part = {
  name: 'hang',
  title: 'A storage that hangs for 60 s under load',
  minutes: 3,
  async run(soak: Soak): Promise<PartResult> {
    const hangsMs = Math.max(10_000, atShare(soak, HANGS_MS));
    const outcome = await hangUnderLoad(soak.scratch, hangsMs, soak.progress);
    const { requests, failures, openedAfterMs, worstUntilOpenMs, usedAgainAfterMs } = outcome;
    const { same, memory, fresh, stored: only } = outcome;
    const added = same.after.p99 - same.before.p99;
    const problems = [
      ...(failures.length === 0 ? [] : [`${plural(failures.length, 'failed request')}, as ${failures[0]}`]),
      ...(added <= BAR_ADDED_MS ? [] : [`${added.toFixed(1)} ms were added at p99; the bar is ${BAR_ADDED_MS} ms`]),
      ...(usedAgainAfterMs !== undefined ? [] : [`it was not used again within ${RECOVERS_WITHIN_MS / 1_000} s`]),
    ];
    const ms = (value: number) => `${value.toFixed(1)} ms`;
    const row = (name: string, { before, after }: Times) =>
      `| ${name} | ${ms(before.p50)} | ${ms(after.p50)} | ${ms(before.p99)} | ${ms(after.p99)} |`;
    return {
      ok: problems.length === 0,
      summary: `${plural(failures.length, 'failed request')} of ${requests.toLocaleString('en')}; ${ms(added)} added at p99 after the breaker had opened (the bar is ${BAR_ADDED_MS} ms).`,
      details: [
        `* ${PER_SECOND} requests a second in an open loop: 8 in 10 for images in memory, 1 for one that only the hanging storage has, 1 for one that nobody has. It hung for ${(hangsMs / 1_000).toFixed(0)} s.`,
        '* The bar is for what is the same work with and without that storage. What only the storage has is made again while it hangs.',
        '',
        '| | p50 before | p50 after it was left alone | p99 before | p99 after |',
        '|---|---|---|---|---|',
        row('the same work: memory and new images', same),
        row('in memory', memory),
        row('new images', fresh),
        row('only in the storage', only),
        '',
        'Each p99 is the median of those of windows of time, so that one moment at which the machine did something else moves it little.',
        '',
        `* It was left alone after ${ms(openedAfterMs)}, until when the slowest answer took ${ms(worstUntilOpenMs)}; it was used again ${usedAgainAfterMs === undefined ? 'never' : `${(usedAgainAfterMs / 1_000).toFixed(1)} s`} after it worked again.`,
        ...problems.map((problem) => `* **${problem}**`),
      ],
      omitted: hangsMs < HANGS_MS ? [`${hangsMs / 1_000} of ${HANGS_MS / 1_000} s.`] : [],
    };
  },
};
