// npm start: the demonstration proxy, on the built packages.

import { attach } from './processes.mjs';
import { prepare } from './setup.mjs';
import { pinnedNode } from './workspace.mjs';

export async function start() {
  const { built } = await prepare();
  if (!built) {
    console.error('The build failed (see above), so nothing was started.');
    return 1;
  }
  return attach(pinnedNode, ['examples/demo/server.ts']);
}
