import { createHash } from 'node:crypto';
import { judgeAll } from '../mutation/judges.ts';
import { KeptVerdicts } from '../mutation/kept-verdicts.ts';
import { type Mutant, mutantsOf } from '../mutation/mutate.ts';
import { mutatedSources } from '../mutation/sources.ts';
import { explain } from '../mutation/survivors.ts';
import { type Adapter, OPENING, type Task, type Verdict } from '../mutation/worker.ts';
import { atShare, isMeant, type Part, type PartResult, plural, type Soak } from '../part.ts';

const BAR = 0.9;

interface Judged {
  readonly adapter: Adapter;
  readonly mutant: Mutant;
  readonly lineText: string;
  readonly verdict: Verdict;
}

/** The suite alone, against a reference adapter with one small change at a time. */
export const memoryMutation: Part = mutationOf('memory', 5);
export const fsMutation: Part = mutationOf('fs', 60);

function mutationOf(adapter: Adapter, minutes: number): Part {
  return {
    name: `mutation-${adapter}`,
    title: `The suite alone against mutants of ${adapter}`,
    minutes,
    async run(soak: Soak): Promise<PartResult> {
      const { judged, total } = await judgeAdapter(soak, adapter);
      const killed = judged.filter(({ verdict }) => verdict.killedBy !== undefined).length;
      // Nothing that knows only the contract can kill these; each is listed with its reason.
      const beyond = judged.filter(isBeyond).length;
      const score = killed / (judged.length - beyond);
      const standard = judged.filter(({ mutant }) => mutant.isStandard);
      const additional = judged.filter(({ mutant }) => !mutant.isStandard);
      return {
        ok: score >= BAR,
        summary: `${tallied(standard)} by the operators of Stryker's list; ${tallied(additional)} by operators of our own beyond it (statements, \`await\`s, returned values, bits); ${tallied(judged)} altogether. ${beyond} survivors do the same as the original or need what no suite of the contract can bring about; without them it is ${percent(score)} of all. The bar is ${percent(BAR)} of the latter. Budget 2 s.`,
        details: [
          ...describe(judged),
          'An operator with * is beyond Stryker’s list.',
          'Files left out: the frame of the plugin, the origin, upkeep (signs of life, sweeping, eviction, uses), the meaning of system errors: no suite that knows only the contract can bring those about; the plugin’s own tests do. Left as they are: types, imports, numbers, and the wording of messages, of which the contract says nothing.',
        ],
        omitted:
          judged.length < total
            ? [`${judged.length} of ${total} mutants of ${adapter}, drawn with the seed \`${soak.seed}\`.`]
            : soak.only.length > 0
              ? [`Files that do not begin with ${soak.only.join(' or ')}.`]
              : [],
      };
    },
  };
}

async function judgeAdapter(soak: Soak, adapter: Adapter): Promise<{ judged: readonly Judged[]; total: number }> {
  const sources = await mutatedSources(adapter);
  const all = [...sources].filter(([file]) => isMeant(soak, file)).flatMap(([file, { text }]) => mutantsOf(file, text));
  const chosen = drawn(all, atShare(soak, all.length), soak.seed);
  const common = { adapter, scratch: soak.scratch, seed: soak.seed };
  const places = chosen.map((mutant) => ({ ...mutant, path: sources.get(mutant.file)?.path ?? '' }));

  // The adapter as it is must pass, and tells what each test costs: the cheap ones go first. A test
  // that does not run the place of a mutant cannot notice it, and is left out.
  const costs = new Map<string, number>();
  const runBy = new Map<string, ReadonlySet<number>>();
  const unchanged: Task = { ...common, id: 0, mutant: undefined, first: [], places };
  await judgeAll([unchanged], 1, (verdict) => {
    if (verdict.killedBy !== undefined) {
      throw new Error(`${adapter} fails without a mutant: ${verdict.killedBy}: ${verdict.problem}`);
    }
    for (const [title, ms] of verdict.costs) costs.set(title, ms);
    for (const [title, indexes] of verdict.executed ?? []) runBy.set(title, new Set(indexes));
  });
  const first = [...costs].sort((a, b) => a[1] - b[1]).map(([title]) => title);

  const judged: Judged[] = [];
  const kept = new KeptVerdicts(soak.resume);
  const sourceOf = (mutant: Mutant) => sources.get(mutant.file)?.text ?? '';
  const take = (mutant: Mutant, verdict: Verdict) => {
    const lineText = sourceOf(mutant).split('\n')[mutant.line - 1]?.trim() ?? '';
    judged.push({ adapter, mutant, lineText, verdict });
  };
  const tasks: Task[] = [];
  for (const [index, mutant] of chosen.entries()) {
    const known = kept.get(mutant, sourceOf(mutant));
    if (known) take(mutant, { ...known, id: index + 1 });
    else {
      const only = runBy.get(OPENING)?.has(index) ? undefined : first.filter((title) => runBy.get(title)?.has(index));
      tasks.push({ ...common, id: index + 1, mutant: places[index], first, only });
    }
  }
  const before = judged.length;
  const started = performance.now();
  soak.progress(`${chosen.length} of ${plural(all.length, 'mutant')}, ${before} of them judged before`);
  await judgeAll(tasks, soak.jobs, (verdict) => {
    const mutant = chosen[verdict.id - 1] as Mutant;
    kept.keep(mutant, sourceOf(mutant), verdict);
    take(mutant, verdict);
    if (verdict.killedBy === undefined) soak.progress(`survived: ${nameOf(mutant)}`);
    if (judged.length % 25 !== 0) return;
    const left = ((performance.now() - started) / (judged.length - before)) * (chosen.length - judged.length);
    soak.progress(`${judged.length} of ${chosen.length}, ${Math.ceil(left / 60_000)} min left`);
  });
  judged.sort((a, b) => a.verdict.id - b.verdict.id);
  return { judged, total: all.length };
}

/** Survived, and is explained as one that only tests with knowledge of the adapter could tell, if any. */
function isBeyond({ adapter, mutant, lineText, verdict }: Judged): boolean {
  if (verdict.killedBy !== undefined) return false;
  const kind = explain(adapter, mutant, lineText)?.kind;
  return kind === 'equivalent' || kind === 'out of reach';
}

/** `40 of 50 mutants killed, 80.0 %`. */
function tallied(judged: readonly Judged[]): string {
  const killed = judged.filter(({ verdict }) => verdict.killedBy !== undefined).length;
  return `${killed} of ${plural(judged.length, 'mutant')} killed, ${percent(killed / Math.max(1, judged.length))}`;
}

function percent(share: number): string {
  return `${(share * 100).toFixed(1)} %`;
}

/** `count` of them, the same for the same seed, in the order in which they were drawn. */
function drawn(mutants: readonly Mutant[], count: number, seed: string): readonly Mutant[] {
  const lot = ({ file, start, end, replacement }: Mutant) =>
    createHash('sha256').update(`${seed}/${file}/${start}/${end}/${replacement}`).digest('hex');
  return mutants
    .map((mutant) => ({ mutant, lot: lot(mutant) }))
    .sort((a, b) => (a.lot < b.lot ? -1 : 1))
    .slice(0, count)
    .map(({ mutant }) => mutant);
}

function nameOf({ file, line, original, replacement }: Mutant): string {
  return `${file}:${line} ${short(original)} → ${short(replacement)}`;
}

function short(text: string): string {
  const line = text.replace(/\s+/g, ' ');
  return line.length <= 60 ? line : `${line.slice(0, 40)} … ${line.slice(-15)}`;
}

function describe(judged: readonly Judged[]): string[] {
  const lines = ['| file | mutants | killed | | by Stryker’s list |', '|---|---|---|---|---|'];
  for (const file of new Set(judged.map(({ mutant }) => mutant.file).sort())) {
    const here = judged.filter(({ mutant }) => mutant.file === file);
    const killed = here.filter(({ verdict }) => verdict.killedBy !== undefined).length;
    const share = here.length === 0 ? '' : `${((killed / here.length) * 100).toFixed(1)} %`;
    const standard = here.filter(({ mutant }) => mutant.isStandard);
    lines.push(`| \`${file}\` | ${here.length} | ${killed} | ${share} | ${tallied(standard)} |`);
  }
  const dead = judged.filter(({ verdict }) => verdict.killedBy?.startsWith('('));
  const ways = Map.groupBy(dead, ({ verdict }) => verdict.killedBy);
  for (const [way, those] of ways) lines.push('', `Of the killed, ${those.length}: ${way}.`);
  const survivors = judged
    .filter(({ verdict }) => verdict.killedBy === undefined)
    .sort((a, b) => a.mutant.file.localeCompare(b.mutant.file) || a.mutant.start - b.mutant.start);
  if (survivors.length === 0) return [...lines, '', 'None survived.', ''];
  lines.push('', '| survivor | change | operator | why |', '|---|---|---|---|');
  for (const { adapter, mutant, lineText } of survivors) {
    const known = explain(adapter, mutant, lineText);
    const why = known ? `${known.kind}: ${known.reason}` : '**not explained**';
    lines.push(
      `| \`${mutant.file}:${mutant.line}\` | ${code(short(mutant.original))} → ${code(short(mutant.replacement))} | ${mutant.operator}${mutant.isStandard ? '' : ' *'} | ${why} |`,
    );
  }
  return [...lines, ''];
}

function code(text: string): string {
  return `\`\` ${text.replaceAll('|', '\\|')} \`\``;
}
