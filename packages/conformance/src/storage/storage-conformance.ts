import { storageRequirements } from '../catalogue/catalogue.ts';
import { reportedFailure } from '../engine/outcome.ts';
import type { Runner, RunnerContext } from '../engine/runner.ts';
import type { StorageHarness } from './harness.ts';
import { type RunOptions, StorageRun } from './run.ts';
import { storageTests } from './tests/all.ts';

export interface StorageConformanceOptions extends RunOptions {
  /** What the storage is called in the runner's output. */
  readonly name: string;
  readonly harness: StorageHarness;
  /** `{ describe, test }` of vitest or of node:test. */
  readonly runner: Runner;
  /** Only requirements whose id begins with one of these: `put`, `list.byte-order`. */
  readonly only?: readonly string[] | undefined;
}

/**
 * Puts a storage to the test: one test of the runner for each requirement. An adapter's test file is
 * this one call.
 *
 * A requirement that does not apply is skipped in the runner with the reason; one that could not be
 * tried fails there, because nobody should take it for held. Where the storage cannot even be opened,
 * that is one failure, and the rest is skipped as not tried.
 */
export function storageConformance(options: StorageConformanceOptions): void {
  const { name, harness, runner, only } = options;
  const run = new StorageRun(harness, {
    seed: options.seed ?? process.env.TINTYPE_CONFORMANCE_SEED,
    budget: options.budget ?? (Number(process.env.TINTYPE_CONFORMANCE_BUDGET) || undefined),
  });
  const tests = storageTests.filter((test) => isChosen(test.requirement, only));
  // A storage that cannot be opened is one failure, not one for each requirement.
  let told = false;
  runner.describe(`${name} keeps the contract of storages`, () => {
    for (const [index, test] of tests.entries()) {
      const body = async (context?: RunnerContext): Promise<void> => {
        const skip = (reason: string): void => {
          context?.skip?.(reason);
        };
        const result = await run.run(test);
        if (index === tests.length - 1) await run.finish();
        const { outcome } = result;
        if (outcome.kind === 'skipped') return skip(outcome.reason);
        if (outcome.kind === 'pass') return;
        const rule = storageRequirements.get(test.requirement);
        if (outcome.kind === 'inconclusive') {
          if (run.neverOpened && told) return skip('not tried: the storage could not be opened');
          told = run.neverOpened;
          throw reportedFailure(`Inconclusive: ${outcome.reason}`);
        }
        if (run.neverOpened) told = true;
        if (rule?.level === 'should') {
          return skip(`should, but doesn't: ${outcome.problem}`);
        }
        throw reportedFailure(
          [outcome.problem, ...outcome.details, '', `${test.requirement}: ${rule?.rule}`, `seed ${run.seed}`].join(
            '\n',
          ),
        );
      };
      runner.test(`${test.requirement}: ${test.title}`, body, LONGEST_MS);
    }
  });
}

/** Whether `--only` or its like asks for this id. */
export function isChosen(id: string, only: readonly string[] | undefined): boolean {
  return (
    only === undefined ||
    only.length === 0 ||
    only.some((chosen) => id === chosen || id.startsWith(`${chosen}.`) || id.startsWith(chosen))
  );
}

/** The suite limits its tests itself; the runner's own limit must not come first. */
const LONGEST_MS = 900_000;
