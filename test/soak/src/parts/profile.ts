import { runConformance, type TestResult } from '@tintype/conformance';
import type { Part, PartResult, Soak } from '../part.ts';
import { projectSubjects, type Subject } from '../subjects.ts';

/** Seconds that the whole suite may take with its default budget. */
const BARS: { readonly [name: string]: number } = { memory: 5, fs: 20 };

/** So many of the slowest tests are told. */
const SLOWEST = 10;

/** Time of the suite, and latencies, of the storages that need no server. */
export const profile: Part = {
  name: 'profile',
  title: 'Time of the suite, and latencies, on memory and fs',
  minutes: 2,
  async run(soak: Soak): Promise<PartResult> {
    const subjects = (await projectSubjects(soak.scratch)).filter(({ name }) => name in BARS);
    const times: string[] = [];
    const failings: string[] = [];
    let slowest: readonly TestResult[] = [];
    for (const subject of subjects) {
      const { wall, processor, results } = await timeOf(subject, soak.seed);
      const bar = BARS[subject.name] ?? 0;
      // Others may be busy on this machine: what counts is what the suite itself needs.
      const took = Math.min(wall, processor);
      if (took > bar) failings.push(`${subject.name} took ${took.toFixed(1)} s, ${bar} s are allowed`);
      const broken = results.filter(({ outcome }) => outcome.kind !== 'pass' && outcome.kind !== 'skipped');
      if (broken.length > 0) failings.push(`${subject.name} did not pass ${requirementsOf(broken)}`);
      if (subject.name === 'fs') slowest = results.toSorted((one, other) => other.ms - one.ms).slice(0, SLOWEST);
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
      ok: failings.length === 0,
      summary: failings.length === 0 ? 'The suite passes in its time.' : `${failings.join('; ')}.`,
      details: [
        'The whole suite with its default budget, in seconds; the processor time is without that of the processes that crash tests start.',
        '',
        '| storage | wall | processor | bar |',
        '|---|---|---|---|',
        ...times,
        '',
        `The ${SLOWEST} tests of fs that took longest, in milliseconds.`,
        '',
        '| requirement | test | took |',
        '|---|---|---|',
        ...slowest.map(({ requirement, title, ms }) => `| ${requirement} | ${title} | ${ms.toFixed(0)} |`),
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
): Promise<{ readonly wall: number; readonly processor: number; readonly results: readonly TestResult[] }> {
  const before = process.cpuUsage();
  const started = performance.now();
  const report = await runConformance({ subjects: [subject], seed });
  const wall = (performance.now() - started) / 1_000;
  const { user, system } = process.cpuUsage(before);
  const results = report.subjects.flatMap((each) => each.results);
  return { wall, processor: (user + system) / 1_000_000, results };
}

/** Each of them once, as `get.ranges, put.streams`. */
function requirementsOf(results: readonly TestResult[]): string {
  return [...new Set(results.map(({ requirement }) => requirement))].join(', ');
}

function sizeText(bytes: number): string {
  if (bytes >= 1024 * 1024) return `${bytes / 1024 / 1024} MiB`;
  return bytes >= 1024 ? `${bytes / 1024} KiB` : `${bytes} B`;
}
