// npm run docs: writes the pages that are made from the code.

import { attach } from './processes.mjs';
import { prepare } from './setup.mjs';
import { pinnedNode } from './workspace.mjs';

export async function docs() {
  const { built } = await prepare();
  return built ? attach(pinnedNode, ['scripts/generate-docs.mjs']) : 1;
}
