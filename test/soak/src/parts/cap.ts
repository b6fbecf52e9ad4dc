import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import { FsStorage } from '@tintype/fs';
import { Load } from '../../../operations/client.ts';
import { freePort, TintypeProcess } from '../../../operations/tintype-process.ts';
import { atShare, type Part, type PartResult, plural, type Soak } from '../part.ts';

const MIB = 1024 ** 2;
const CAP = 100 * MIB;
const WRITTEN = 1024 * MIB;
const BAR_AFTER = 1.1 * CAP;
/** While two write without pause, so much at most may lie on the disk. */
const BAR_WHILE = 1.2 * CAP;
const CLIENTS = 3;
/** Longest time for the writing, in milliseconds. */
const TIME_LIMIT_MS = 210_000;

/** What two servers that write without pause left on the disk. */
export interface CapOutcome {
  readonly images: number;
  /** Bytes of results that were answered, and of those that were stored. */
  readonly made: number;
  readonly stored: number;
  /** Results that were answered and not stored, by why. */
  readonly dropped: Readonly<Record<string, number>>;
  /** Disk space of the folder in bytes, as `du` says: the most that was seen, and after one sweep. */
  readonly largest: number;
  readonly looks: number;
  readonly after: number;
  readonly evicted: number;
  readonly failures: readonly string[];
  readonly complete: boolean;
}

/** Has two servers on one folder write `bytes` of distinct images, and looks at the disk all the while. */
export async function fillTwice(
  scratch: string,
  bytes: number,
  progress: (line: string) => void = () => {},
): Promise<CapOutcome> {
  const root = join(scratch, 'cache');
  const servers: { readonly proxy: TintypeProcess; readonly metrics: string; load?: Load }[] = [];
  let made = 0;
  let largest = 0;
  let looks = 0;
  try {
    for (let nth = 0; nth < 2; nth++) {
      const metrics = `127.0.0.1:${await freePort()}`;
      const env = {
        // As many as it is by default.
        TINTYPE_TRANSFORM_PROCESSES: '',
        TINTYPE_CACHE_USE: 'fs',
        TINTYPE_CACHE_FS_ROOT: root,
        TINTYPE_CACHE_FS_MAX_BYTES: String(CAP),
        TINTYPE_PROMETHEUS_BIND: metrics,
      };
      servers.push({ proxy: new TintypeProcess({ env }), metrics });
    }
    const addresses = await Promise.all(servers.map(({ proxy }) => proxy.serves()));
    const loads = addresses.map(
      (address, server) =>
        new Load(
          CLIENTS,
          () => address,
          (client, nth) => pathOf(server * CLIENTS + client + nth * 2 * CLIENTS),
          ({ body }) => {
            made += body.length;
          },
        ),
    );
    const deadline = performance.now() + TIME_LIMIT_MS;
    let toldAt = 0;
    while (made < bytes && performance.now() < deadline) {
      const used = await diskUsage(root);
      largest = Math.max(largest, used);
      looks += 1;
      if (made - toldAt > 100 * MIB) {
        progress(`${mib(made)} made, ${mib(used)} on the disk, at most ${mib(largest)}`);
        toldAt = made;
      }
      await sleep(200);
    }
    const complete = made >= bytes;
    await Promise.all(loads.map((load) => load.stop()));
    const numbers = await Promise.all(servers.map(({ metrics }) => numbersOf(`http://${metrics}/metrics`)));
    await Promise.all(servers.map(({ proxy }) => proxy.stop()));
    const sum = (name: string) => numbers.reduce((total, each) => total + (each.get(name) ?? 0), 0);
    const storage = new FsStorage({ root, maxBytes: CAP, durability: 'process' });
    await storage.open();
    await storage.sweep();
    await storage.close();
    const dropped = [...new Set(numbers.flatMap((each) => [...each.keys()]))].flatMap((name) => {
      const reason = /^store_dropped_total\{reason="([^"]+)"/.exec(name)?.[1];
      return reason === undefined ? [] : [[reason, sum(name)] as const];
    });
    return {
      images: loads.reduce((total, load) => total + load.answered, 0),
      made,
      stored: sum('stored_bytes_total'),
      dropped: Object.fromEntries(dropped),
      largest,
      looks,
      after: await diskUsage(root),
      evicted: sum('storage_evicted_total{storage="fs"}'),
      failures: loads.flatMap((load) => load.failures),
      complete,
    };
  } finally {
    await Promise.all(servers.map(({ proxy }) => proxy[Symbol.asyncDispose]()));
  }
}

/** The nth of many images that are large, cheap to make, and all different. */
function pathOf(nth: number): string {
  const width = 400 + (nth % 500);
  const height = 300 + (Math.floor(nth / 500) % 500);
  return `/unsafe/rs:force:${width}:${height}/plain/local:///rocket.jpg@png`;
}

/** Disk space in bytes, counted as a person would: files vanish meanwhile, of which `du` complains. */
async function diskUsage(folder: string): Promise<number> {
  const run = promisify(execFile)('du', ['-sk', folder]);
  const { stdout } = await run.catch((error: { readonly stdout?: string }) => ({ stdout: error.stdout ?? '' }));
  return Number.parseInt(stdout, 10) * 1024 || 0;
}

/** The numbers of a page of metrics, by name with labels. */
async function numbersOf(url: string): Promise<ReadonlyMap<string, number>> {
  const page = await (await fetch(url)).text();
  const rows = page.split('\n').filter((line) => line !== '' && !line.startsWith('#'));
  return new Map(rows.map((row) => [row.slice(0, row.lastIndexOf(' ')), Number(row.slice(row.lastIndexOf(' ') + 1))]));
}

function mib(bytes: number): string {
  return `${(bytes / MIB).toFixed(1)} MiB`;
}

export const cap: Part = {
  name: 'cap',
  title: 'A cap of 100 MiB while two processes write 1 GiB of distinct images',
  minutes: 4,
  async run(soak: Soak): Promise<PartResult> {
    const bytes = atShare(soak, WRITTEN);
    const outcome = await fillTwice(soak.scratch, bytes, soak.progress);
    const { images, made, stored, dropped, largest, looks, after, evicted, failures, complete } = outcome;
    const problems = [
      ...(after <= BAR_AFTER ? [] : [`${mib(after)} after one sweep; the bar is ${mib(BAR_AFTER)}`]),
      ...(largest <= BAR_WHILE ? [] : [`${mib(largest)} while writing; the bar is ${mib(BAR_WHILE)}`]),
      ...(failures.length === 0 ? [] : [`${plural(failures.length, 'failed request')}, as ${failures[0]}`]),
      ...(complete ? [] : [`only ${mib(made)} of ${mib(bytes)} were made in time`]),
    ];
    const drops = Object.entries(dropped).map(([reason, count]) => `${count.toLocaleString('en')} (\`${reason}\`)`);
    return {
      ok: problems.length === 0,
      summary: `${mib(after)} after one sweep (the bar is ${mib(BAR_AFTER)}), at most ${mib(largest)} while writing, as \`du\` says.`,
      details: [
        `* ${plural(images, 'distinct image')}, ${mib(made)}, from two processes on one folder with ${CLIENTS} clients each that ask without pause; ${plural(failures.length, 'failed request')}.`,
        `* ${mib(stored)} were stored, ${plural(evicted, 'entry').replace('entrys', 'entries')} evicted; answered and not stored: ${drops.join(', ') || 'none'}.`,
        `* The disk was looked at ${looks.toLocaleString('en')} times while they wrote.`,
        ...problems.map((problem) => `* **${problem}**`),
      ],
      omitted: bytes < WRITTEN ? [`${mib(bytes)} of ${mib(WRITTEN)}.`] : [],
    };
  },
};
