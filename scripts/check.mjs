// The checks: each tool is one check, one line, and silent unless it fails.

import { packPackages, publintFailures, typeResolutionFailures } from './packed-packages.mjs';
import { capture } from './processes.mjs';
import { step } from './progress.mjs';
import { prepare } from './setup.mjs';
import { pinnedNode, toolScript } from './workspace.mjs';

/** As many as there are cores on a small machine: the tools use several threads themselves. */
const atATime = 2;

/**
 * @typedef {{ ok: boolean, output: string }} Verdict
 * @typedef {{ what: string, run: () => Promise<Verdict> }} Check
 */

const tool = async (/** @type {string} */ packageName, /** @type {readonly string[]} */ args) => {
  const { code, output } = await capture(pinnedNode, [toolScript(packageName), ...args]);
  return { ok: code === 0, output };
};

/** @returns {Check[]} in the order in which they begin: the longest first */
function checks() {
  const packing = packPackages();
  const onPacked = (/** @type {(tarballs: string[]) => Promise<string>} */ failuresIn) => async () => {
    const packed = await packing;
    if (!packed.ok) return { ok: false, output: packed.output };
    const output = await failuresIn(packed.tarballs);
    return { ok: output === '', output };
  };
  return [
    {
      what: 'knip: nothing unused, nothing undeclared',
      run: () => tool('knip', ['--no-progress', '--no-config-hints']),
    },
    {
      what: 'tsc: tests, type tests, examples, scripts',
      run: () => tool('typescript', ['-p', 'tsconfig.test.json']),
    },
    {
      what: 'biome: format, lint, dependency directions',
      run: () => tool('@biomejs/biome', ['ci', '--colors=off', '--error-on-warnings']),
    },
    { what: 'publint: the packed packages', run: onPacked(publintFailures) },
    { what: 'attw: types resolve from the packed packages', run: onPacked(typeResolutionFailures) },
  ];
}

/**
 * Runs all checks, whether or not one fails.
 * @returns {Promise<{ passed: number, failed: number }>}
 */
export async function runChecks() {
  const waiting = checks();
  const count = { passed: 0, failed: 0 };
  const worker = async () => {
    for (let next = waiting.shift(); next !== undefined; next = waiting.shift()) {
      const running = step(next.what);
      const { ok, output } = await next.run();
      count[ok ? 'passed' : 'failed'] += 1;
      if (ok) running.ok();
      else running.failed(output);
    }
  };
  await Promise.all(Array.from({ length: atATime }, worker));
  return count;
}

/** `npm run check` */
export async function check() {
  const { built } = await prepare();
  const { failed } = await runChecks();
  return built && failed === 0 ? 0 : 1;
}
