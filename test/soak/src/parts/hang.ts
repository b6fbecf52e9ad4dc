import { rm, writeFile } from 'node:fs/promises';
import { Agent } from 'node:http';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { ask } from '../../../operations/client.ts';
import { TintypeProcess } from '../../../operations/tintype-process.ts';
import { atShare, type Part, type PartResult, plural, type Soak } from '../part.ts';
import { medianOf, quantile, type Sample, SteadyLoad, windowsOf } from '../steady-load.ts';

const HANGS_MS = 60_000;
/** The load before, when both storages are sound: how far apart the two proxies are by chance. */
const BEFORE_MS = 30_000;
const WINDOW_MS = 5_000;
/** Longest time for the storage to be used again after it works again, in milliseconds. */
const RECOVERS_WITHIN_MS = 60_000;
/** What the breaker may add to the p99, in milliseconds. */
const BAR_ADDED_MS = 5;

/** Of each of the two proxies. */
const PER_SECOND = 60;
/** Images that everybody wants: in memory. */
const HOT = 20;
/** Images that lie in the storage that will hang; memory is too small for them. */
const STORED = 600;

const PLUGIN = fileURLToPath(new URL('../hanging-storage.ts', import.meta.url));

type Work = 'memory' | 'fresh' | 'stored';
const SIDES = ['hanging', 'sound'] as const;
type Side = (typeof SIDES)[number];
type Kind = `${Side} ${Work}`;

/** Latencies in milliseconds of both proxies in the same windows of time, medians over the windows. */
interface Compared {
  readonly p50: Readonly<Record<Side, number>>;
  readonly p99: Readonly<Record<Side, number>>;
  /** By how much the p99 of the hanging side is above that of the sound one, window by window. */
  readonly addedAtP99: number;
  readonly windows: number;
}

/** With both storages sound, and after the one that hangs was left alone. */
interface Times {
  readonly before: Compared;
  readonly after: Compared;
}

/** What clients saw while the storage behind the memory hung. */
export interface HangOutcome {
  readonly requests: number;
  readonly failures: readonly string[];
  /** From the beginning of the hang until the storage was left alone. */
  readonly openedAfterMs: number;
  /** The slowest answer until then. */
  readonly worstUntilOpenMs: number;
  /** All requests. */
  readonly all: Times;
  readonly memory: Times;
  /** Images that nobody has, and while the storage hangs those that only it has. */
  readonly made: Times;
  /** From the end of the hang until the storage was used again; `undefined` if it never was. */
  readonly usedAgainAfterMs: number | undefined;
}

/**
 * Lets the storage of one of two proxies hang for a while. Both are under the same load, request by
 * request in turn: hits from memory, hits from the storage, and images that nobody has. So what the
 * machine does besides is the same for both, and what is left is what the hang adds.
 *
 * While it hangs its proxy makes anew what only the storage has. That is no cost of the breaker, so
 * the other one makes as many images then, which nobody has.
 */
export async function hangUnderLoad(
  scratch: string,
  hangsMs: number,
  progress: (line: string) => void = () => {},
): Promise<HangOutcome> {
  const proxies = Object.fromEntries(SIDES.map((side) => [side, proxyOf(scratch, side)])) as Record<
    Side,
    TintypeProcess
  >;
  try {
    const addresses = { hanging: await proxies.hanging.serves(), sound: await proxies.sound.serves() };
    for (const side of SIDES) await fill(addresses[side]);
    progress(`${STORED + HOT} images stored by each of two proxies; the load begins`);
    let hangs = false;
    const asked = { hanging: { fresh: 0, stored: 0 }, sound: { fresh: 0, stored: 0 } };
    const load = new SteadyLoad<Kind>(2 * PER_SECOND, (nth) => {
      const turn = Math.floor(nth / 2);
      // Who is first in a pair changes: a transform holds up what comes just after it.
      const side: Side = (nth + Math.floor(turn / 5)) % 2 === 0 ? 'hanging' : 'sound';
      const [address, counts] = [addresses[side], asked[side]];
      if (turn % 10 === 0) return { kind: `${side} fresh`, url: address + made(counts.fresh++) };
      if (turn % 10 !== 5) return { kind: `${side} memory`, url: address + hot(turn % HOT) };
      const path = hangs && side === 'sound' ? made(counts.fresh++) : stored(counts.stored++ % STORED);
      return { kind: `${side} stored`, url: address + path };
    });
    // The first moments warm up.
    await sleep(WINDOW_MS);
    const from = performance.now();
    await sleep((BEFORE_MS * hangsMs) / HANGS_MS);
    const began = performance.now();
    hangs = true;
    await writeFile(whileFile(scratch, 'hanging'), '');
    const left = await Promise.race([
      proxies.hanging.said(/^The cache storage hanging is left alone/).then(() => performance.now()),
      sleep(hangsMs).then(() => undefined),
    ]);
    const opened = left ?? began + hangsMs;
    progress(`left alone after ${(opened - began).toFixed(0)} ms; ${plural(load.failures.length, 'failure')}`);
    await sleep(Math.max(0, began + hangsMs - performance.now()));
    const ended = performance.now();
    hangs = false;
    await rm(whileFile(scratch, 'hanging'));
    const again = await Promise.race([
      proxies.hanging.said(/^The cache storage hanging works again/).then(() => performance.now()),
      sleep(RECOVERS_WITHIN_MS).then(() => undefined),
    ]);
    await load.stop();
    // What was asked before it opened may still be waiting for the deadline.
    const calm = opened + 1_000;
    const windowMs = (WINDOW_MS * hangsMs) / HANGS_MS;
    const timesOf = (...works: readonly Work[]): Times => ({
      before: compared(load.samples, works, from, began, windowMs),
      after: compared(load.samples, works, calm, ended, windowMs),
    });
    const untilOpen = load.samples.filter(({ kind, at }) => sideOf(kind) === 'hanging' && at >= began && at < calm);
    return {
      requests: load.samples.length,
      failures: left === undefined ? [...load.failures, 'the storage was never left alone'] : load.failures,
      openedAfterMs: opened - began,
      worstUntilOpenMs: Math.max(...untilOpen.map(({ ms }) => ms)),
      all: timesOf('memory', 'fresh', 'stored'),
      memory: timesOf('memory'),
      made: timesOf('fresh', 'stored'),
      usedAgainAfterMs: again === undefined ? undefined : again - ended,
    };
  } finally {
    await Promise.all(SIDES.map((side) => proxies[side][Symbol.asyncDispose]()));
  }
}

function proxyOf(scratch: string, side: Side): TintypeProcess {
  return new TintypeProcess({
    env: {
      TINTYPE_PLUGINS: PLUGIN,
      // As many as it is by default.
      TINTYPE_TRANSFORM_PROCESSES: '',
      // How long a hanging storage is waited for is what is measured here.
      TINTYPE_CACHE_LOOKUP_TIMEOUT: '',
      TINTYPE_TIMEOUT: '',
      TINTYPE_CACHE_TIERS: 'memory,hanging',
      TINTYPE_CACHE_MEMORY_MAX_BYTES: String(256 * 1024),
      TINTYPE_CACHE_HANGING_ROOT: join(scratch, `cache-${side}`),
      TINTYPE_CACHE_HANGING_WHILE: whileFile(scratch, side),
    },
  });
}

/** The storage of this side hangs while there is this file. */
const whileFile = (scratch: string, side: Side): string => join(scratch, `${side}-hangs`);

const sideOf = (kind: Kind): string => kind.split(' ')[0] ?? '';

function compared(
  samples: readonly Sample<Kind>[],
  works: readonly Work[],
  from: number,
  until: number,
  windowMs: number,
): Compared {
  const windows = windowsOf(samples, from, until, windowMs);
  const of = (side: Side, part: number) => (window: readonly Sample<Kind>[]) =>
    quantile(
      window.filter(({ kind }) => works.some((work) => kind === `${side} ${work}`)).map(({ ms }) => ms),
      part,
    );
  const both = (part: number) => ({
    hanging: medianOf(windows, of('hanging', part)),
    sound: medianOf(windows, of('sound', part)),
  });
  const addedAtP99 = medianOf(windows, (window) => of('hanging', 0.99)(window) - of('sound', 0.99)(window));
  return { p50: both(0.5), p99: both(0.99), addedAtP99, windows: windows.length };
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
    const { requests, failures, openedAfterMs, worstUntilOpenMs, usedAgainAfterMs, all, memory, made: anew } = outcome;
    const added = all.after.addedAtP99;
    const problems = [
      ...(failures.length === 0 ? [] : [`${plural(failures.length, 'failed request')}, as ${failures[0]}`]),
      // Also if it is no number, because there was no whole window.
      ...(added <= BAR_ADDED_MS ? [] : [`${added.toFixed(1)} ms were added at p99; the bar is ${BAR_ADDED_MS} ms`]),
      ...(usedAgainAfterMs !== undefined ? [] : [`it was not used again within ${RECOVERS_WITHIN_MS / 1_000} s`]),
    ];
    const ms = (value: number) => `${value.toFixed(1)} ms`;
    const row = (name: string, { p50, p99, addedAtP99 }: Compared) =>
      `| ${name} | ${ms(p50.sound)} | ${ms(p50.hanging)} | ${ms(p99.sound)} | ${ms(p99.hanging)} | ${ms(addedAtP99)} |`;
    const rows = (name: string, { before, after }: Times) => [
      row(`${name}, before`, before),
      row(`${name}, while it hangs`, after),
    ];
    return {
      ok: problems.length === 0,
      summary: `${plural(failures.length, 'failed request')} of ${requests.toLocaleString('en')}; ${ms(added)} added at p99 after the breaker had opened (the bar is ${BAR_ADDED_MS} ms; with both storages sound the difference is ${ms(all.before.addedAtP99)}).`,
      details: [
        `* Two proxies, asked in turn, ${PER_SECOND} requests a second each in an open loop: 8 in 10 for images in memory, 1 for one that only the storage has, 1 for one that nobody has. One of the storages hung for ${(hangsMs / 1_000).toFixed(0)} s; its proxy then made anew what only the storage had, and the other one as many new images.`,
        '',
        '| | p50, sound | p50, hanging | p99, sound | p99, hanging | added at p99 |',
        '|---|---|---|---|---|---|',
        ...rows('all requests', all),
        ...rows('in memory', memory),
        ...rows('made, or in the storage', anew),
        '',
        `Each number is the median over ${all.before.windows} windows of time before, and ${all.after.windows} after it was left alone; what is added is the difference of both proxies within a window. The rows of "before" tell how far apart two proxies are by chance.`,
        '',
        `* It was left alone after ${ms(openedAfterMs)}, until when the slowest answer took ${ms(worstUntilOpenMs)}; it was used again ${usedAgainAfterMs === undefined ? 'never' : `${(usedAgainAfterMs / 1_000).toFixed(1)} s`} after it worked again.`,
        ...problems.map((problem) => `* **${problem}**`),
      ],
      omitted: [
        ...(hangsMs < HANGS_MS ? [`${hangsMs / 1_000} of ${HANGS_MS / 1_000} s.`] : []),
        ...(Math.abs(all.before.addedAtP99) > BAR_ADDED_MS
          ? [`The machine was too busy to tell: the p99s differed by ${ms(all.before.addedAtP99)} with both sound.`]
          : []),
      ],
    };
  },
};
