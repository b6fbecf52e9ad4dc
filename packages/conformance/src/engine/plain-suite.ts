import type { Requirement } from '../catalogue/requirement.ts';
import { countingAssertions } from './assertions.ts';
import {
  describeError,
  NOTHING_ASSERTED,
  type Outcome,
  outcomeOf,
  reportedFailure,
  type TestResult,
} from './outcome.ts';
import { LONGEST_MS, type Runner } from './runner.ts';
import { settled, within } from './waiting.ts';

/** One test of a part that is made anew for it. */
export interface PlainTest<S> {
  readonly requirement: string;
  readonly title: string;
  readonly timeoutMs?: number;
  run(subject: S): Promise<void>;
}

/** A part under test, and how it comes and goes. */
export interface PlainLife<S> {
  /** Makes and opens it. */
  begin(): Promise<S>;
  end(subject: S): Promise<void>;
}

/** Longest time for a test that names none, in milliseconds. */
const TEST_MS = 90_000;

/** Runs one test against a fresh subject. */
export async function runPlainTest<S>(test: PlainTest<S>, life: PlainLife<S>): Promise<TestResult> {
  const started = performance.now();
  const result = (outcome: Outcome): TestResult => ({
    requirement: test.requirement,
    title: test.title,
    outcome,
    ms: performance.now() - started,
    emulated: false,
  });
  const limit = test.timeoutMs ?? TEST_MS;
  const begun = await settled(within(limit, 'Opening', life.begin()));
  if (!begun.ok)
    return result({ kind: 'inconclusive', reason: `It could not be opened: ${describeError(begun.error)}` });
  const running = countingAssertions(() => test.run(begun.value));
  const ran = await settled(within(limit, `The test (${test.title})`, running));
  const ended = await settled(within(limit, 'Closing', life.end(begun.value)));
  if (!ran.ok) return result(outcomeOf(ran.error));
  if (ran.value === 0) return result({ kind: 'inconclusive', reason: NOTHING_ASSERTED });
  return result(ended.ok ? { kind: 'pass' } : outcomeOf(ended.error));
}

/** Registers tests with a runner: skips are skips there, what could not be tested fails. */
export function registerPlainSuite<S>(
  name: string,
  runner: Runner,
  tests: readonly PlainTest<S>[],
  life: PlainLife<S>,
  requirements: readonly Requirement[],
): void {
  runner.describe(name, () => {
    for (const test of tests) {
      const body = async (context?: { skip?(reason?: string): unknown }) => {
        const { outcome } = await runPlainTest(test, life);
        const rule = requirements.find((each) => each.id === test.requirement);
        if (outcome.kind === 'pass') return;
        if (outcome.kind === 'skipped' || (outcome.kind === 'fail' && rule?.level === 'should')) {
          context?.skip?.(outcome.kind === 'skipped' ? outcome.reason : `should, but doesn't: ${outcome.problem}`);
          return;
        }
        const problem = outcome.kind === 'fail' ? outcome.problem : `Inconclusive: ${outcome.reason}`;
        throw reportedFailure(`${problem}\n\n${test.requirement}: ${rule?.rule}`);
      };
      runner.test(`${test.requirement}: ${test.title}`, body, LONGEST_MS);
    }
  });
}
