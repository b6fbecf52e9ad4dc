import './hook.ts';
import {
  type StorageHarness,
  StorageRun,
  type StorageTest,
  storageRequirements,
  storageTests,
} from '@tintype/conformance';
import { fsSubject } from '../../../../plugins/fs/test/conformance-subject.ts';
import { loadFs, loadMemory, memorySubject } from '../subjects.ts';
import { Coverage, type Place } from './coverage.ts';
import { watchForHangs } from './hang-watch.ts';
import type { ActiveMutant } from './hook.ts';

/** Which adapter a mutant belongs to. */
export type Adapter = 'memory' | 'fs';

/** One mutant to be judged; without one, the adapter as it is. */
export interface Task {
  readonly id: number;
  readonly adapter: Adapter;
  readonly mutant: ActiveMutant | undefined;
  readonly scratch: string;
  /** Titles of tests in the order in which they should run; the rest follow. */
  readonly first: readonly string[];
  /** Titles of the only tests that can notice; without it, all. */
  readonly only?: readonly string[] | undefined;
  /** Places of which it should be told which tests run them. */
  readonly places?: readonly Place[];
  readonly seed: string;
}

/** What became of it. */
export interface Verdict {
  readonly id: number;
  /** The first test that noticed, or `undefined`: the mutant survived. */
  readonly killedBy: string | undefined;
  readonly problem: string | undefined;
  readonly ms: number;
  /** Milliseconds of each test that ran, by title. */
  readonly costs: readonly (readonly [title: string, ms: number])[];
  /** Indexes of the places that each test ran, by title; `OPENING` stands for what comes before all tests. */
  readonly executed?: readonly (readonly [title: string, places: readonly number[]])[];
}

/** Loading the adapter and opening it: what happens there, every test depends on. */
export const OPENING = '(opening)';

const requirementOf: ReadonlyMap<string, string> = new Map(
  storageTests.map(({ title, requirement }) => [title, requirement]),
);

/** Seconds for the random parts. */
const BUDGET = 2;
/** What takes this long hangs. Where the machine is busy, the suite waits longer by itself. */
const HANGS_AFTER_MS = 3_000;

const HOOK = new URL('./hook.ts', import.meta.url).href;

watchForHangs();

process.on('disconnect', () => process.exit());

process.on('message', async (task: Task) => {
  process.env.TINTYPE_MUTANT = JSON.stringify(task.mutant ?? null);
  // Crash tests start processes of their own: the mutant lives there, too.
  process.env.NODE_OPTIONS = `--no-warnings --import=${HOOK}`;
  process.send?.(await judge(task));
});

/** Runs the suite until a test notices something. */
async function judge(task: Task): Promise<Verdict> {
  const started = performance.now();
  const costs: [string, number][] = [];
  const executed: [string, readonly number[]][] = [];
  const coverage = task.places && (await Coverage.start());
  const look = async (title: string) => {
    if (coverage && task.places) executed.push([title, await coverage.executed(task.places)]);
  };
  const ended = () => {
    // What ran in the processes that crash tests kill cannot be seen from here. They put, and no more.
    const put = executed.filter(([title]) => requirementOf.get(title)?.startsWith('put.')).flatMap(([, ran]) => ran);
    return executed.map(([title, ran]): [string, readonly number[]] =>
      requirementOf.get(title)?.startsWith('crash.') ? [title, [...ran, ...put]] : [title, ran],
    );
  };
  const verdict = (killedBy?: string, problem?: string): Verdict => ({
    id: task.id,
    killedBy,
    problem,
    ms: performance.now() - started,
    costs,
    executed: ended(),
  });
  let create: StorageHarness['create'];
  const query = `?mutant=${task.id}`;
  try {
    if (task.adapter === 'memory') {
      const module = await loadMemory(query);
      create = () => memorySubject(module);
    } else {
      const module = await loadFs(query);
      create = () => fsSubject(module, task.scratch);
    }
  } catch (error) {
    return verdict('(it cannot be loaded)', String(error));
  }
  const run = new StorageRun({ create, operationTimeoutMs: HANGS_AFTER_MS }, { seed: task.seed, budget: BUDGET });
  const rank = new Map(task.first.map((title, index) => [title, index]));
  // What is left behind can be told only at the end.
  const last = storageTests.at(-1);
  const rankOf = (test: StorageTest) => (test === last ? Infinity : (rank.get(test.title) ?? storageTests.length));
  const only = task.only && new Set(task.only);
  const ordered = storageTests
    .filter((test) => !only || only.has(test.title) || test === last)
    .sort((a, b) => rankOf(a) - rankOf(b));
  try {
    if (coverage) await run.shared();
    await look(OPENING);
    for (const test of ordered) {
      const { outcome, ms } = await run.run(test);
      costs.push([test.title, ms]);
      await look(test.title);
      if (outcome.kind === 'inconclusive') return verdict(test.title, `Inconclusive: ${outcome.reason}`);
      if (outcome.kind === 'fail' && storageRequirements.get(test.requirement)?.level !== 'should') {
        return verdict(test.title, outcome.problem);
      }
    }
    return verdict();
  } finally {
    await run.finish();
    await coverage?.stop();
  }
}
