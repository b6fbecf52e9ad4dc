import { runConformance } from '@tintype/conformance';
import type { Part, PartResult, Soak } from '../part.ts';
import { projectSubjects, type Subject } from '../subjects.ts';

/** Seconds that the whole suite may take with its default budget. */
const BARS: { readonly [name: string]: number } = { memory: 5, fs: 20 };

/** Time of the suite, and latencies, of the storages that need no server. */
export const profile: Part = {
  name: 'profile',
  title: 'Time of the suite, and latencies, on memory and fs',
  minutes: 2,
  async run(soak: Soak): Promise<PartResult> {
    const subjects = (await projectSubjects(soak.scratch)).filter(({ name }) => name in BARS);
    const times: string[] = [];
    const late: string[] = [];
    for (const subject of subjects) {
      const { wall, processor, passed } = await timeOf(subject, soak.seed);
      const bar = BARS[subject.name] ?? 0;
      // Others may be busy on this machine: what counts is what the suite itself needs.
      if (Math.min(wall, processor) > bar || !passed) late.push(subject.name);
      times.push(`| ${subject.name} | ${wall.toFixed(1)} | ${processor.toFixed(1)} | ${bar} |`);
    }
    const report = await runConformance({
      subjects,
      seed: soak.seed,
      budget: 30 * soak.share,
      only: ['get.miss-is-undefined'],
      profile: true,
    });
    const rows = report.subjects.flatMap(({ name, profile: measured }) =>
      measured.map(
        ({ operation, size, concurrency, samples, p50, p99, rate }) =>
          `| ${name} | ${operation} | ${sizeText(size)} | ${concurrency} | ${samples} | ${p50.toFixed(3)} | ${p99.toFixed(3)} | ${rate.toFixed(0)} |`,
      ),
    );
    return {
      ok: late.length === 0,
      summary: late.length === 0 ? 'The suite passes in its time.' : `Too long, or not passed: ${late.join(', ')}.`,
      details: [
        'The whole suite with its default budget, in seconds; the processor time is without that of the processes that crash tests start.',
        '',
        '| storage | wall | processor | bar |',
        '|---|---|---|---|',
        ...times,
        '',
        'Latencies of the adapters by size and number of clients, in milliseconds.',
        '',
        '| storage | operation | size | clients | samples | p50 | p99 | per s |',
        '|---|---|---|---|---|---|---|---|',
        ...rows,
      ],
      omitted: soak.share < 1 ? [`Latencies in ${Math.round(soak.share * 100)} % of the time.`] : [],
    };
  },
};

async function timeOf(
  subject: Subject,
  seed: string,
): Promise<{ readonly wall: number; readonly processor: number; readonly passed: boolean }> {
  const before = process.cpuUsage();
  const started = performance.now();
  const report = await runConformance({ subjects: [subject], seed });
  const wall = (performance.now() - started) / 1_000;
  const { user, system } = process.cpuUsage(before);
  const passed = report.subjects.every(({ results }) =>
    results.every(({ outcome }) => outcome.kind === 'pass' || outcome.kind === 'skipped'),
  );
  return { wall, processor: (user + system) / 1_000_000, passed };
}

function sizeText(bytes: number): string {
  if (bytes >= 1024 * 1024) return `${bytes / 1024 / 1024} MiB`;
  return bytes >= 1024 ? `${bytes / 1024} KiB` : `${bytes} B`;
}
