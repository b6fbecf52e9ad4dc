// What the runs of vitest amount to: pure functions over what vitest-counts.mjs wrote down.

/**
 * @typedef {{ name: string, reason: string }} Skip
 * @typedef {{ file: string, passed: number, failed: string[], skipped: Skip[] }} FileCounts `failed`: names of tests
 * @typedef {{ files: FileCounts[], strayErrors: number }} TestCounts errors that belong to no file count beside those that do
 */

/** Files with failures that are tried again: more are not the machine's fault. */
const MOST_TRIED_AGAIN = 3;

/**
 * The files to run once more with nothing beside them. A test that fails beside four others and passes alone depends
 * on how busy the machine is: a fault of the test (or of what it tests) that is told, but does not say that the change
 * at hand is broken.
 * @param {TestCounts} counts
 * @returns {string[]} none, if there is more wrong than that
 */
export function filesToTryAgain({ files, strayErrors }) {
  const broken = files.filter(({ failed }) => failed.length > 0).map(({ file }) => file);
  return strayErrors === 0 && broken.length <= MOST_TRIED_AGAIN ? broken : [];
}

/**
 * @param {TestCounts} first all files
 * @param {TestCounts} second the files that were tried again; what it does not tell of stays as it was
 * @returns {{ counts: TestCounts, unsteady: string[] }} unsteady: what failed first and passed then
 */
export function withSecondTry(first, second) {
  /** @type {string[]} */
  const unsteady = [];
  const files = first.files.map((before) => {
    const after = second.files.find(({ file }) => file === before.file);
    if (after === undefined || after.passed + after.skipped.length + after.failed.length === 0) return before;
    const stillFails = new Set(after.failed);
    unsteady.push(...before.failed.filter((name) => !stillFails.has(name)).map((name) => `${before.file} > ${name}`));
    return after;
  });
  return { counts: { files, strayErrors: first.strayErrors + second.strayErrors }, unsteady };
}

/**
 * @param {TestCounts} counts
 * @returns {{ passed: number, failed: number, skipped: Skip[] }}
 */
export function totalOf({ files, strayErrors }) {
  return {
    passed: files.reduce((sum, { passed }) => sum + passed, 0),
    failed: files.reduce((sum, { failed }) => sum + failed.length, strayErrors),
    skipped: files.flatMap(({ skipped }) => skipped),
  };
}
