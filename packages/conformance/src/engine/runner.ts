/** What a runner hands to a test: vitest's and node:test's contexts both have `skip`. */
export interface RunnerContext {
  skip?(reason?: string): unknown;
}

/**
 * The two functions that the suites need of a test runner. `vitest` and `node:test` have them as
 * they are: `import { describe, test } from 'vitest'`.
 */
export interface Runner {
  describe(name: string, body: () => void): unknown;
  test(name: string, body: (context?: RunnerContext) => Promise<void>, timeoutMs?: number): unknown;
}

/** The suites limit their tests themselves; the runner's own limit, in milliseconds, must not come first. */
export const LONGEST_MS = 900_000;
