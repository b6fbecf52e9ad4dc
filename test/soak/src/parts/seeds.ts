import { mkdir, writeFile } from 'node:fs/promises';
import { loadavg } from 'node:os';
import { join } from 'node:path';
import { type Report, runConformance, soundVariants, type TestResult, tally } from '@tintype/conformance';
import { atShare, isMeant, type Part, type PartResult, plural, type Soak } from '../part.ts';
import { projectSubjects, type Subject } from '../subjects.ts';

const SEEDS = 50;
/** Seconds: fifty short searches from different starts find more than one long one. */
const BUDGET = 1;

/** The suite is fair: storages that keep the contract pass, however the dice fall. */
export const seeds: Part = {
  name: 'seeds',
  title: 'Sound storages pass with many seeds',
  minutes: 45,
  async run(soak: Soak): Promise<PartResult> {
    const all: readonly Subject[] = [
      ...soundVariants.map(({ name, create }) => ({ name, harness: { create } })),
      ...(await projectSubjects(soak.scratch)),
    ];
    const subjects = all.filter(({ name }) => isMeant(soak, name));
    if (subjects.length === 0) throw new Error(`no storage of ${all.map(({ name }) => name).join(', ')} is meant`);
    const count = atShare(soak, SEEDS);
    const rows: string[] = [];
    const problems: string[] = [];
    for (const [index, { name, harness }] of subjects.entries()) {
      const started = performance.now();
      let checks = 0;
      let good = 0;
      for (let i = 0; i < count; i++) {
        const seed = `${soak.seed}-${i}`;
        const report = await runConformance({ subjects: [{ name, harness }], seed, budget: BUDGET });
        const results = report.subjects.flatMap((subject) => subject.results);
        const counts = tally(results);
        checks += counts.passed;
        const failures = results.flatMap(failureOf);
        if (failures.length === 0) good += 1;
        for (const failure of failures) {
          problems.push(`* ${name}, seed \`${seed}\`, load ${loadavg()[0]?.toFixed(1)}: ${failure}`);
          // Told at once: a run that is broken off must not take it along.
          soak.progress(problems.at(-1) ?? '');
        }
        if (failures.length > 0) await keep(soak, `${name} ${seed}`, report);
      }
      const seconds = (performance.now() - started) / 1_000;
      rows.push(`| ${name} | ${good} of ${count} | ${checks.toLocaleString('en')} | ${(seconds / count).toFixed(1)} |`);
      soak.progress(
        `${index + 1} of ${subjects.length}: ${name}, ${good} of ${count} seeds in ${seconds.toFixed(0)} s`,
      );
    }
    return {
      ok: problems.length === 0,
      summary: `${plural(subjects.length, 'storage')}, ${plural(count, 'seed')} each (\`${soak.seed}-0\` to \`${soak.seed}-${count - 1}\`), budget ${BUDGET} s: ${problems.length === 0 ? 'all pass' : plural(problems.length, 'failure')}.`,
      details: [
        '| storage | seeds passed | tests passed | s per seed |',
        '|---|---|---|---|',
        ...rows,
        '',
        ...problems,
      ],
      omitted: [
        ...(count < SEEDS ? [`${count} of ${SEEDS} seeds.`] : []),
        ...(subjects.length < all.length ? [`${all.length - subjects.length} of ${all.length} storages.`] : []),
      ],
    };
  },
};

/** Why a test that should have passed did not, with what the suite tells besides. */
function failureOf({ requirement, title, outcome, ms }: TestResult): readonly string[] {
  const test = `\`${requirement}\` (${title}, ${(ms / 1_000).toFixed(1)} s)`;
  if (outcome.kind === 'inconclusive') return [`${test}: ${outcome.reason}`];
  if (outcome.kind !== 'fail') return [];
  return [[`${test}: ${outcome.problem}`, ...outcome.details.map((line) => `  * ${line}`)].join('\n')];
}

async function keep({ failures }: Soak, name: string, report: Report): Promise<void> {
  if (failures === undefined) return;
  await mkdir(failures, { recursive: true });
  const file = `${name.replaceAll(/[^a-z0-9-]+/gi, '-')}.json`;
  await writeFile(join(failures, file), JSON.stringify(report, undefined, 2));
}
