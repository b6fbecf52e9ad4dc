import { runConformance } from '@tintype/conformance';
import type { Part, PartResult, Soak } from '../part.ts';
import { projectSubjects } from '../subjects.ts';

/** Latencies of the storages that need no server. A report, not a test. */
export const profile: Part = {
  name: 'profile',
  title: 'Latencies of memory and fs',
  minutes: 2,
  async run(soak: Soak): Promise<PartResult> {
    const subjects = (await projectSubjects(soak.scratch)).filter(({ name }) => name === 'memory' || name === 'fs');
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
      ok: true,
      summary: 'Each operation by size and number of clients, in milliseconds.',
      details: [
        '| storage | operation | size | clients | samples | p50 ms | p99 ms | per s |',
        '|---|---|---|---|---|---|---|---|',
        ...rows,
      ],
      omitted: soak.share < 1 ? [`Shorter rounds: ${Math.round(soak.share * 100)} % of the time.`] : [],
    };
  },
};

function sizeText(bytes: number): string {
  if (bytes >= 1024 * 1024) return `${bytes / 1024 / 1024} MiB`;
  return bytes >= 1024 ? `${bytes / 1024} KiB` : `${bytes} B`;
}
