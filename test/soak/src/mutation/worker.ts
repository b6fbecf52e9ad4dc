import './hook.ts';
import { type StorageHarness, StorageRun, storageRequirements, storageTests } from '@tintype/conformance';
import { fsSubject, loadFs, loadMemory, memorySubject } from '../subjects.ts';
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
}

/** Seconds for the random parts. */
const BUDGET = 2;
/** What takes this long hangs; the machine may be busy. */
const HANGS_AFTER_MS = 6_000;

const HOOK = new URL('./hook.ts', import.meta.url).href;

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
  const verdict = (killedBy?: string, problem?: string): Verdict => ({
    id: task.id,
    killedBy,
    problem,
    ms: performance.now() - started,
    costs,
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
  const last = storageTests.length;
  const rankOf = (title: string, index: number) =>
    // What is left behind can be told only at the end.
    index === storageTests.length - 1 ? last + 1 : (rank.get(title) ?? last);
  const ordered = storageTests
    .map((test, index) => ({ test, rank: rankOf(test.title, index) }))
    .sort((a, b) => a.rank - b.rank);
  try {
    for (const { test } of ordered) {
      const { outcome, ms } = await run.run(test);
      costs.push([test.title, ms]);
      if (outcome.kind === 'inconclusive') return verdict(test.title, `Inconclusive: ${outcome.reason}`);
      if (outcome.kind === 'fail' && storageRequirements.get(test.requirement)?.level !== 'should') {
        return verdict(test.title, outcome.problem);
      }
    }
    return verdict();
  } finally {
    await run.finish();
  }
}
