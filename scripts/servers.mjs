// npm run servers -- install | start | stop | status [name]: the real servers that tests run against.

import { attach } from './processes.mjs';
import { prepare } from './setup.mjs';
import { pinnedNode } from './workspace.mjs';

/** @param {readonly string[]} args */
export async function servers(args) {
  await prepare();
  return attach(pinnedNode, ['test/servers/src/command.ts', ...args]);
}
