// npm run soak: what takes too long for `npm test`, with a dated report in docs/reports.

import { attach } from './processes.mjs';
import { prepare } from './setup.mjs';
import { pinnedNode } from './workspace.mjs';

/** @param {readonly string[]} args names of parts, and the options of test/soak/src/main.ts */
export async function soak(args) {
  const { built } = await prepare();
  return built ? attach(pinnedNode, ['--no-warnings', 'test/soak/src/main.ts', ...args]) : 1;
}
