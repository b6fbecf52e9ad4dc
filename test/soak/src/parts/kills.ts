import { readdir, utimes } from 'node:fs/promises';
import { join } from 'node:path';
import { runConformance, tally } from '@tintype/conformance';
import { atShare, type Part, type PartResult, plural, type Soak } from '../part.ts';
import { crashModule, filesIn, fsSubject, loadFs } from '../subjects.ts';

const KILLS = 300;
/** The crash group has this many tests, and each kills twice with the default budget. */
const TESTS = 3;
const DEFAULT_BUDGET = 10;
const KILLS_PER_DEFAULT_BUDGET = 2;

/** What the kills found, and what lies around afterwards. */
export interface KillsOutcome {
  readonly kills: number;
  readonly problems: readonly string[];
  /** Folders of killed processes before the sweep. */
  readonly debris: number;
}

/**
 * Kills processes (SIGKILL) at random moments of concurrent puts into one file cache. After each,
 * a new instance looks: nothing torn, nothing lost that had resolved, nothing foreign in the
 * listing. At the end the dead are old enough to be swept, and a new instance sweeps them.
 */
export async function killDuringPutsOnFs(scratch: string, kills: number, seed: string): Promise<KillsOutcome> {
  const fs = await loadFs();
  const roots: string[] = [];
  const each = Math.ceil(kills / TESTS);
  const report = await runConformance({
    subjects: [
      {
        name: 'fs',
        harness: {
          async create() {
            const { dispose: _, ...subject } = await fsSubject(fs, scratch);
            const crash = subject.crash as { readonly data: { readonly root: string } };
            roots.push(crash.data.root);
            return { ...subject, crash: { module: crashModule(fs.url), data: crash.data } };
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

  let debris = 0;
  for (const root of roots) {
    const temp = join(root, '@temp');
    const dead = await readdir(temp);
    debris += dead.length;
    // As if a minute had passed since the last sign of life.
    const longAgo = new Date(Date.now() - 60_000);
    for (const name of dead) {
      await utimes(join(temp, name, 'beat'), longAgo, longAgo).catch(() => {});
      await utimes(join(temp, name), longAgo, longAgo);
    }
    const storage = new fs.FsStorage({ root, maxBytes: 0, durability: 'process' });
    await storage.open({ signal: new AbortController().signal });
    await storage.close();
    for (const path of [...(await filesIn(temp)), ...(await filesIn(join(root, '@locks')))]) {
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
