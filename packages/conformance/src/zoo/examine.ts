import type { TestResult } from '../engine/outcome.ts';
import type { StorageHarness } from '../storage/harness.ts';
import { type RunOptions, StorageRun } from '../storage/run.ts';
import { isChosen } from '../storage/storage-conformance.ts';
import { storageTests } from '../storage/tests/all.ts';

/** Runs the suite, or the part of it that `only` names, and gives every result. */
export async function examine(
  harness: StorageHarness,
  options: RunOptions & { readonly only?: readonly string[] | undefined } = {},
): Promise<readonly TestResult[]> {
  const run = new StorageRun(harness, options);
  const results: TestResult[] = [];
  for (const test of storageTests) {
    if (isChosen(test.requirement, options.only)) results.push(await run.run(test));
  }
  await run.finish();
  return results;
}

/** The ids that failed, each once. */
export function failedIds(results: readonly TestResult[]): readonly string[] {
  return [...new Set(results.filter((result) => result.outcome.kind === 'fail').map((result) => result.requirement))];
}
