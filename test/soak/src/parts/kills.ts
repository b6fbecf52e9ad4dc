import { join } from 'node:path';
import { runConformance, tally } from '@tintype/conformance';
import { filesIn, fsSubject } from '../../../../plugins/fs/test/conformance-subject.ts';
import { atShare, type Part, type PartResult, plural, type Soak } from '../part.ts';
import { ageTheDead, loadFs } from '../subjects.ts';

const KILLS = 300;
/** The crash group has this many tests, and each kills twice with the default budget. */
const TESTS = 3;
const DEFAULT_BUDGET = 10;
const KILLS_PER_DEFAULT_BUDGET = 2;

/** What the kills found, and what lies around afterwards. */
export interface KillsOutcome {
  readonly kills: number;
  readonly problems: readonly string[];
  /** Folders of killed processes that were there to be swept. */
  readonly debris: number;
}

/**
 * Kills processes (SIGKILL) at random moments of concurrent puts into one file cache. After each,
 * a new instance looks: nothing torn, nothing lost that had resolved, nothing foreign in the
 * listing; and it sweeps what the dead left, which is made to look a minute old.
 */
export async function killDuringPutsOnFs(scratch: string, kills: number, seed: string): Promise<KillsOutcome> {
  const fs = await loadFs();
  const roots: string[] = [];
  let debris = 0;
  const each = Math.ceil(kills / TESTS);
  const report = await runConformance({
    subjects: [
      {
        name: 'fs',
        harness: {
          async create() {
            const subject = await fsSubject(fs, scratch);
            const root = subject.root;
            roots.push(root);
            return {
              ...subject,
              // Whoever looks does so after a kill: what the dead had locked need not hold up the next.
              sibling() {
                debris += ageTheDead(root);
                return subject.sibling?.() ?? subject.adapter;
              },
              // What is left is looked at below.
              dispose: () => {},
            };
          },
        },
      },
    ],
    only: ['crash'],
    seed,
    budget: (each / KILLS_PER_DEFAULT_BUDGET) * DEFAULT_BUDGET,
  });
  const results = report.subjects.flatMap((subject) => subject.results);
  const problems = results.flatMap(({ title, outcome }) => {
    if (outcome.kind === 'fail') return [`${title}: ${outcome.problem}`];
    return outcome.kind === 'pass' ? [] : [`${title}: ${outcome.reason}`];
  });
  if (tally(results).passed !== TESTS) problems.push(`${tally(results).passed} of ${TESTS} tests passed.`);

  for (const root of roots) {
    debris += ageTheDead(root);
    const storage = new fs.FsStorage({ root, maxBytes: 0, durability: 'process' });
    await storage.open({ signal: new AbortController().signal });
    await storage.close();
    for (const path of [...(await filesIn(join(root, '@temp'))), ...(await filesIn(join(root, '@locks')))]) {
      problems.push(`after the sweep, ${path} is left.`);
    }
  }
  return { kills: each * TESTS, problems, debris };
}

export const kills: Part = {
  name: 'kills',
  title: 'SIGKILL at random moments of concurrent puts on fs',
  minutes: 6,
  async run(soak: Soak): Promise<PartResult> {
    const { kills: done, problems, debris } = await killDuringPutsOnFs(soak.scratch, atShare(soak, KILLS), soak.seed);
    return {
      ok: problems.length === 0,
      summary: `${plural(done, 'kill')}, seed \`${soak.seed}\`: ${problems.length === 0 ? `no torn entry, nothing lost that had resolved, no debris in listings; what ${plural(debris, 'dead process')} left was swept` : plural(problems.length, 'problem')}.`,
      details: problems.map((problem) => `* ${problem}`),
      omitted: done < KILLS ? [`${done} of ${KILLS} kills.`] : [],
    };
  },
};
