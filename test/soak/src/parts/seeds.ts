import { runConformance, soundVariants, tally } from '@tintype/conformance';
import { atShare, type Part, type PartResult, plural, type Soak } from '../part.ts';
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
    const subjects: readonly Subject[] = [
      ...soundVariants.map(({ name, create }) => ({ name, harness: { create } })),
      ...(await projectSubjects(soak.scratch)),
    ];
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
        if (counts.failed + counts.inconclusive === 0) good += 1;
        for (const { title, outcome } of results) {
          if (outcome.kind === 'fail') problems.push(`* ${name}, seed \`${seed}\`: ${title}: ${outcome.problem}`);
          if (outcome.kind === 'inconclusive')
            problems.push(`* ${name}, seed \`${seed}\`: ${title}: ${outcome.reason}`);
        }
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
      omitted: count < SEEDS ? [`${count} of ${SEEDS} seeds.`] : [],
    };
  },
};
