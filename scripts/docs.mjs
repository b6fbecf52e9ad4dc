// npm run docs: writes the pages that are made from the code.
// npm run docs -- matrix: first runs the suites on every server, which takes minutes, and puts on record what holds.

import { attach } from './processes.mjs';
import { prepare } from './setup.mjs';
import { pinnedNode } from './workspace.mjs';

export async function docs(/** @type {readonly string[]} */ args) {
  if (args.length > 0 && args.join(' ') !== 'matrix') {
    console.error('Usage: npm run docs [-- matrix]');
    return 2;
  }
  const { built } = await prepare();
  if (!built) return 1;
  if (args[0] === 'matrix') {
    const { recordMatrix } = await import('./matrix.mjs');
    const code = await recordMatrix();
    if (code !== 0) return code;
  }
  return attach(pinnedNode, ['scripts/generate-docs.mjs']);
}
