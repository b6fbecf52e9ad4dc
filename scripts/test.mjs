// npm test: every check, every test, one closing line.

import { randomUUID } from 'node:crypto';
import { existsSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { runChecks } from './check.mjs';
import { attach } from './processes.mjs';
import { prepare, SetupError } from './setup.mjs';
import { filesToTryAgain, totalOf, withSecondTry } from './test-counts.mjs';
import { pinnedNode, root, toolScript } from './workspace.mjs';

/** @typedef {import('./test-counts.mjs').Skip} Skip */

/** Runs vitest with the terminal and counts what it did. */
async function runVitest(/** @type {readonly string[]} */ args) {
  const countsPath = join(tmpdir(), `tintype-test-${randomUUID()}.json`);
  const reporters = ['default', join(root, 'scripts/vitest-counts.mjs')].map((name) => `--reporter=${name}`);
  const code = await attach(pinnedNode, [toolScript('vitest'), 'run', ...reporters, ...args], {
    TINTYPE_TEST_COUNTS: countsPath,
  });
  /** @type {import('./test-counts.mjs').TestCounts} */
  const counts = existsSync(countsPath) ? JSON.parse(readFileSync(countsPath, 'utf8')) : { files: [], strayErrors: 0 };
  rmSync(countsPath, { force: true });
  // No test found, a crash: vitest fails without a failed test.
  if (code !== 0 && totalOf(counts).failed === 0) counts.strayErrors = 1;
  return counts;
}

/**
 * Runs the tests. Where all of them run side by side, the few files that fail are run once more with nothing beside
 * them; what passes then is told, by name.
 */
async function runTests(/** @type {readonly string[]} */ args) {
  const counts = await runVitest(args);
  const again = args.length === 0 ? filesToTryAgain(counts) : [];
  if (again.length === 0) return totalOf(counts);
  console.log(`\nOnce more, with nothing beside: ${again.join(', ')}`);
  const { counts: all, unsteady } = withSecondTry(counts, await runVitest([...again, '--no-file-parallelism']));
  for (const name of unsteady) {
    console.log(`unsteady: ${name}: failed beside other tests and passed alone, which is a fault to be mended`);
  }
  return totalOf(all);
}

/** Skips that no installation could make run: a requirement for an ability that this adapter does not declare, say. */
const applies = (/** @type {Skip} */ { reason }) => !reason.startsWith('does not apply');

/** Skipped tests by reason, so that a missing server reads as one line and not as two hundred. */
function describeSkips(/** @type {readonly Skip[]} */ skips) {
  /** @type {Map<string, Skip[]>} */
  const byReason = new Map();
  for (const skip of skips) byReason.set(skip.reason, [...(byReason.get(skip.reason) ?? []), skip]);
  return [...byReason].map(([reason, alike]) => {
    const where = new Set(alike.map(({ name }) => name.split(' > ')[0]));
    return `skipped ${alike.length}: ${reason} (${[...where].join(', ')})`;
  });
}

/**
 * `npm test`; with arguments, only the tests they name (they are vitest's), without the checks and without a second try.
 * TINTYPE_TEST_REQUIRE=all counts a skipped test as failed: nothing may be missing, neither a server nor a tool.
 * Only tests whose reason begins with "does not apply" may still be skipped.
 */
export async function test(/** @type {readonly string[]} */ args) {
  const required = process.env.TINTYPE_TEST_REQUIRE ?? '';
  if (required !== '' && required !== 'all') {
    console.error(`TINTYPE_TEST_REQUIRE is "${required}"; it can be "all" or blank.`);
    return 2;
  }
  const total = { passed: 0, failed: 0, skipped: 0 };
  try {
    const { built } = await prepare();
    if (!built) total.failed += 1;
    if (args.length === 0) {
      if (built) total.passed += 1;
      const checked = await runChecks();
      total.passed += checked.passed;
      total.failed += checked.failed;
    }
    const tested = await runTests(args);
    total.passed += tested.passed;
    total.failed += tested.failed;
    const missing = required === 'all' ? tested.skipped.filter(applies) : [];
    total.failed += missing.length;
    total.skipped += tested.skipped.length - missing.length;
    for (const sentence of describeSkips(tested.skipped)) console.log(sentence);
    if (missing.length > 0) {
      console.log(`TINTYPE_TEST_REQUIRE=all: ${missing.length} of the skipped tests count as failed.`);
    }
  } catch (error) {
    if (!(error instanceof SetupError)) throw error;
    console.log(`\n${error.message}\n`);
    total.failed += 1;
  }
  console.log(`${total.passed} passed, ${total.failed} failed, ${total.skipped} skipped`);
  return total.failed === 0 ? 0 : 1;
}
