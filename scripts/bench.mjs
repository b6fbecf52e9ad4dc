// npm run bench: what the built packages cost, each figure against a reference measured in the same run.

import { attach } from './processes.mjs';
import { prepare } from './setup.mjs';
import { pinnedNode } from './workspace.mjs';

/** @param {readonly string[]} args names of figures, and the options of test/bench/src/main.ts */
export async function bench(args) {
  // Standard output is the JSON alone; `npm run -s` keeps npm's own lines away as well.
  if (args.includes('--json')) console.log = console.error;
  const { built } = await prepare();
  return built ? attach(pinnedNode, ['test/bench/src/main.ts', ...args]) : 1;
}
