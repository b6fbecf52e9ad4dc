import { randomBytes } from 'node:crypto';
import { open } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Bench, Figure, Result } from '../figure.ts';
import { Child } from '../processes/calls.ts';
import { residentBytes } from '../processor-time.ts';
import { startProxy } from '../proxy.ts';
import { spread } from '../statistics.ts';

const SOURCE_BYTES = 256 * 1_048_576;
/** It begins as a JPEG does: what is no image is not stored unless its origin says for how long. */
const LARGE = 'large.jpg';
const BAR_BYTES = 64 * 1_048_576;

export const rawGrowth: Figure = {
  name: 'raw-growth',
  title: 'growth of memory while a raw source of 256 MiB goes through one process',
  measure: async (bench) => {
    await makeSource(bench);
    const web = new Child('web-origin');
    try {
      const { port } = await web.call<{ port: number }>('start', { folder: bench.inputs.root });
      return [
        await row(bench, 'a local file', (name) => `local:///${name}`),
        await row(bench, 'from a web server', (name) => `http://127.0.0.1:${port}/${name}`),
      ];
    } finally {
      await web.stop();
    }
  },
};

/** @param sourceOf where a file of the inputs is had from, as it stands in a URL. */
async function row(bench: Bench, kind: string, sourceOf: (name: string) => string): Promise<Result> {
  const rounds: number[] = [];
  for (let round = 1; round <= bench.rounds; round++) {
    bench.progress(`${kind}, round ${round} of ${bench.rounds}`);
    rounds.push(await growth(bench, sourceOf));
  }
  return {
    what: `${kind}: of 64 MiB, at the peak; fetched, answered and stored, in a new process each time`,
    ratio: spread(rounds.map((bytes) => bytes / BAR_BYTES)),
    bar: { atMost: 1 },
    detail: `${(spread(rounds).median / 1_048_576).toFixed(1)} MiB more than after ten raw answers of 3 MP files`,
  };
}

async function growth(bench: Bench, sourceOf: (name: string) => string): Promise<number> {
  const settings = { cacheUse: 'fs', allowLoopbackSourceAddresses: true, maxSrcFileSize: '1GiB', timeout: 60 };
  const proxy = await startProxy(bench, { settings, transforms: 'in-process' });
  const generator = new Child('load-generator');
  try {
    const sources = [...bench.inputs.distinct.slice(0, 10), LARGE];
    const paths = await proxy.process.call<readonly string[]>(
      'sign',
      sources.map((name) => `/raw:1/plain/${sourceOf(name)}`),
    );
    const large = paths.at(-1);
    for (const path of paths.slice(0, -1)) await generator.call('drain', { port: proxy.port, path });
    await proxy.process.call('whenStored', paths.length - 1);
    await sleep(500);
    const before = residentBytes([proxy.process.pid]);
    let peak = before;
    const watch = setInterval(() => {
      peak = Math.max(peak, residentBytes([proxy.process.pid]));
    }, 10);
    const bytes = await generator.call<number>('drain', { port: proxy.port, path: large });
    await proxy.process.call('whenStored', paths.length);
    clearInterval(watch);
    if (bytes !== SOURCE_BYTES) throw new Error(`${bytes} bytes came instead of ${SOURCE_BYTES}.`);
    return peak - before;
  } finally {
    await Promise.all([proxy.stop(), generator.stop()]);
  }
}

async function makeSource({ inputs }: Bench): Promise<void> {
  const piece = randomBytes(1_048_576);
  const file = await open(join(inputs.root, LARGE), 'w');
  Buffer.from('ffd8ffe000104a464946', 'hex').copy(piece);
  for (let written = 0; written < SOURCE_BYTES; written += piece.length) await file.write(piece);
  await file.close();
}
