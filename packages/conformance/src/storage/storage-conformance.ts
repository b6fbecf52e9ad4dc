import { storageRequirements } from '../catalogue/catalogue.ts';
import { NotApplicable, RequirementBroken, reportedFailure, type TestResult } from '../engine/outcome.ts';
import { LONGEST_MS, type Runner, type RunnerContext } from '../engine/runner.ts';
import { matrixRow } from '../report/matrix.ts';
import type { StorageTest } from './env.ts';
import type { StorageHarness } from './harness.ts';
import { compareWithRecord } from './recorded.ts';
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
  /** What the server behind cannot do, though what the storage is made for can: skipped with the reason. */
  readonly beyond?: { readonly reason: string; readonly requirements: readonly string[] } | undefined;
  /**
   * File with what a whole run comes to, by group of requirements, and the capabilities: a run that comes
   * to something else fails, so that nothing is lost unnoticed. `TINTYPE_CONFORMANCE_RECORD=1` writes it.
   */
  readonly record?: URL | undefined;
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
  const { name, harness, runner, only, beyond, record } = options;
  const run = new StorageRun(harness, {
    seed: options.seed ?? process.env.TINTYPE_CONFORMANCE_SEED,
    budget: options.budget ?? (Number(process.env.TINTYPE_CONFORMANCE_BUDGET) || undefined),
  });
  const tests = storageTests.filter((test) => isChosen(test.requirement, only));
  const results: TestResult[] = [];
  // A storage that cannot be opened is one failure, not one for each requirement.
  let told = false;
  runner.describe(`${name} keeps the contract of storages`, () => {
    for (const [index, test] of tests.entries()) {
      const body = async (context?: RunnerContext): Promise<void> => {
        const skip = (reason: string): void => {
          context?.skip?.(reason);
        };
        const result = beyond?.requirements.includes(test.requirement)
          ? skipped(test, beyond.reason)
          : await run.run(test);
        results.push(result);
        if (index === tests.length - 1 && record === undefined) await run.finish();
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
    if (record === undefined) return;
    runner.test(
      'comes to what is on record',
      async (context) => {
        try {
          // A runner may leave tests out, as it is asked to.
          if (results.length < storageTests.length)
            return void context?.skip?.('does not apply: not all requirements were tried');
          const { capabilities } = (await run.shared()).adapter;
          await compareWithRecord(matrixRow({ name, capabilities, results }, beyond?.requirements), record);
        } catch (error) {
          if (error instanceof NotApplicable) return void context?.skip?.(error.message);
          if (!(error instanceof RequirementBroken)) throw error;
          throw reportedFailure([error.message, ...error.details].join('\n'));
        } finally {
          await run.finish();
        }
      },
      LONGEST_MS,
    );
  });
}

function skipped({ requirement, title }: StorageTest, reason: string): TestResult {
  return { requirement, title, outcome: { kind: 'skipped', reason }, ms: 0, emulated: false };
}

/** Whether `--only` or its like asks for this id. */
export function isChosen(id: string, only: readonly string[] | undefined): boolean {
  return (
    only === undefined ||
    only.length === 0 ||
    only.some((chosen) => id === chosen || id.startsWith(`${chosen}.`) || id.startsWith(chosen))
  );
}
