import { execFile } from 'node:child_process';
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { filesToTryAgain, type TestCounts, totalOf, withSecondTry } from '../../scripts/test-counts.mjs';
import { pinnedNode, root, toolScript } from '../../scripts/workspace.mjs';

// The closing line of `npm test` is only as true as its counts: here is every way in which a test can end,
// run by a vitest of its own.

const files: Record<string, string> = {
  'ends.test.mjs': `
    import { describe, test } from 'vitest';
    test('passes', () => {});
    test('fails', () => { throw new Error('on purpose'); });
    test('skips with a reason', ({ skip }) => skip('no server here'));
    test.skip('is marked as skipped', () => {});
    test.todo('is still to be written');
    describe('group', () => { test('passes, too', () => {}); });
  `,
  'cannot-load.test.mjs': `import './missing.mjs';`,
  'bad-hook.test.mjs': `
    import { beforeAll, test } from 'vitest';
    beforeAll(() => { throw new Error('on purpose'); });
    test('never runs', () => {});
  `,
  'stray-rejection.test.mjs': `
    import { test } from 'vitest';
    test('passes', async () => {
      Promise.reject(new Error('on purpose'));
      await new Promise((resolve) => setImmediate(resolve));
    });
  `,
};

let folder: string;

beforeAll(async () => {
  // Inside the repository, so that the files find vitest; `build` is ignored by git and holds no tests of ours.
  const parent = join(import.meta.dirname, 'build');
  await mkdir(parent, { recursive: true });
  folder = await mkdtemp(join(parent, 'counts-'));
  await writeFile(join(folder, 'vitest.config.mjs'), 'export default {};');
  for (const [name, text] of Object.entries(files)) await writeFile(join(folder, name), text);
});

afterAll(() => rm(folder, { recursive: true, force: true }));

/** Runs the files and gives the counts, with vitest's exit code. */
async function countsOf(...names: string[]): Promise<ReturnType<typeof totalOf> & { code: unknown }> {
  const path = join(folder, `${names.join('+')}.json`);
  const args = ['run', `--root=${folder}`, `--reporter=${join(root, 'scripts/vitest-counts.mjs')}`, ...names];
  const code = await new Promise((resolve) => {
    const env = { ...process.env, TINTYPE_TEST_COUNTS: path };
    execFile(pinnedNode, [toolScript('vitest'), ...args], { env }, (error) => resolve(error?.code ?? 0));
  });
  return { ...totalOf(JSON.parse(await readFile(path, 'utf8'))), code };
}

test('passed, failed and skipped tests are counted, skipped ones with their reasons', async () => {
  const { passed, failed, skipped } = await countsOf('ends.test.mjs');
  expect({ passed, failed }).toEqual({ passed: 2, failed: 1 });
  expect(skipped).toEqual([
    { name: 'ends.test.mjs > skips with a reason', reason: 'no server here' },
    { name: 'ends.test.mjs > is marked as skipped', reason: 'without a reason' },
    { name: 'ends.test.mjs > is still to be written', reason: 'still to be written' },
  ]);
});

test('a file that cannot be loaded is a failure, though none of its tests failed', async () => {
  expect(await countsOf('cannot-load.test.mjs')).toMatchObject({ passed: 0, failed: 1, code: 1 });
});

test('a hook that throws is a failure', async () => {
  expect(await countsOf('bad-hook.test.mjs')).toMatchObject({ passed: 0, failed: 1, code: 1 });
});

test('an error outside of every test is a failure', async () => {
  expect(await countsOf('stray-rejection.test.mjs')).toMatchObject({ passed: 1, failed: 1, code: 1 });
});

/** Counts of files that passed one test each and failed these. */
function countsWith(failed: Readonly<Record<string, readonly string[]>>, strayErrors = 0): TestCounts {
  const files = Object.entries(failed).map(([file, names]) => ({ file, passed: 1, failed: [...names], skipped: [] }));
  return { files, strayErrors };
}

test('the few files that fail are tried again, and none where more is wrong', () => {
  expect(filesToTryAgain(countsWith({ a: [], b: ['one', 'two'], c: ['three'] }))).toEqual(['b', 'c']);
  expect(filesToTryAgain(countsWith({ a: ['1'], b: ['2'], c: ['3'], d: ['4'] }))).toEqual([]);
  expect(filesToTryAgain(countsWith({ a: ['1'] }, 1))).toEqual([]);
});

test('what fails again is a failure, and what passes at the second try is named', () => {
  const first = countsWith({ a: [], b: ['one', 'two'], c: ['three'] });
  const { counts, unsteady } = withSecondTry(first, countsWith({ b: ['two'], c: [] }));
  expect(totalOf(counts)).toEqual({ passed: 3, failed: 1, skipped: [] });
  expect(unsteady).toEqual(['b > one', 'c > three']);
});

test('a second try that comes to nothing, or fails in another way, leaves no failure out', () => {
  const first = countsWith({ a: ['one'], b: ['two'] });
  const empty = { file: 'b', passed: 0, failed: [], skipped: [] };
  const { counts, unsteady } = withSecondTry(first, { files: [empty], strayErrors: 1 });
  expect(totalOf(counts).failed).toBe(3);
  expect(unsteady).toEqual([]);
  expect(totalOf(withSecondTry(first, countsWith({ a: ['another'], b: ['two'] })).counts).failed).toBe(2);
});
