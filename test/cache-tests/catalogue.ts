import type { Outcomes } from './suite.ts';

/** What the suite says of one of its tests. */
interface SuiteTest {
  readonly id: string;
  readonly kind?: 'required' | 'optimal' | 'check';
  readonly depends_on?: readonly string[];
  /** It asks a browser's own cache. */
  readonly browser_only?: boolean;
}

interface Suite {
  readonly tests: readonly SuiteTest[];
}

export type Kind = 'required' | 'optimal' | 'check';

/** One test as it came out. */
export interface Row {
  readonly id: string;
  readonly kind: Kind;
  /** It passed, and so did every test that it depends on: otherwise it shows nothing, by the suite's own rule. */
  readonly passed: boolean;
  /** What it saw, or which of its dependencies didn't pass; empty if it passed. */
  readonly reason: string;
}

/** Every test that isn't for browsers alone, with its outcome. */
export async function rows(outcomes: Outcomes): Promise<readonly Row[]> {
  const { default: suites } = (await import('http-cache-tests/tests/index.mjs')) as {
    readonly default: readonly Suite[];
  };
  const tests = new Map(suites.flatMap((suite) => suite.tests.map((test) => [test.id, test] as const)));
  const failing = (id: string): string | undefined => {
    if (outcomes[id] !== true) return id;
    for (const other of tests.get(id)?.depends_on ?? []) {
      const culprit = failing(other);
      if (culprit !== undefined) return culprit;
    }
    return undefined;
  };
  return [...tests.values()]
    .filter((test) => test.browser_only !== true)
    .map(({ id, kind = 'required' }) => {
      const culprit = failing(id);
      const outcome = culprit === undefined ? true : outcomes[culprit];
      const saw = outcome === undefined ? 'it did not run' : outcome === true ? '' : outcome.join(': ');
      return {
        id,
        kind,
        passed: culprit === undefined,
        reason: culprit === id ? saw : culprit === undefined ? '' : `depends on ${culprit}`,
      };
    });
}
