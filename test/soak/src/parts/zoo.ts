import { StorageRun, storageFaults, storageTests } from '@tintype/conformance';
import { atShare, isMeant, type Part, type PartResult, plural, type Soak } from '../part.ts';

/** Seconds: the default of the suite. */
const BUDGET = 10;

/** The suite has teeth: each fault is caught by the requirements it names and by no others. */
export const zoo: Part = {
  name: 'zoo',
  title: 'Every fault of the zoo against the whole suite',
  minutes: 15,
  async run(soak: Soak): Promise<PartResult> {
    const chosen = storageFaults
      .slice(0, atShare(soak, storageFaults.length))
      .filter(({ name }) => isMeant(soak, name));
    const problems: string[] = [];
    const catches = new Map<string, number>();
    for (const [index, { name, harness, caughtBy, perhapsBy }] of chosen.entries()) {
      const run = new StorageRun(harness, { seed: soak.seed, budget: BUDGET });
      const failed = new Set<string>();
      for (const test of storageTests) {
        const { outcome } = await run.run(test);
        if (outcome.kind === 'fail') failed.add(test.requirement);
      }
      await run.finish();
      for (const id of failed) catches.set(id, (catches.get(id) ?? 0) + 1);
      const missed = caughtBy.filter((id) => !failed.has(id));
      const expected = new Set<string>([...caughtBy, ...perhapsBy]);
      const surplus = [...failed].filter((id) => !expected.has(id));
      if (missed.length > 0) problems.push(`* \`${name}\` is not caught by ${list(missed)}.`);
      if (surplus.length > 0) problems.push(`* \`${name}\` is also caught by ${list(surplus)}.`);
      if ((index + 1) % 10 === 0) soak.progress(`${index + 1} of ${chosen.length} faults`);
    }
    return {
      ok: problems.length === 0,
      summary: `${plural(chosen.length, 'fault')} against the whole suite, budget ${BUDGET} s, seed \`${soak.seed}\`: ${problems.length === 0 ? 'each is caught by the requirements it names and by no others' : plural(problems.length, 'deviation')}.`,
      details: [`${plural(catches.size, 'requirement')} caught something.`, '', ...problems],
      omitted: chosen.length < storageFaults.length ? [`${chosen.length} of ${storageFaults.length} faults.`] : [],
    };
  },
};

function list(ids: readonly string[]): string {
  return ids.map((id) => `\`${id}\``).join(', ');
}
