// npm start | npm test | npm run setup | npm run check | npm run docs | npm run bench | npm run soak | npm run servers
//
// Runs on any Node from 20 on, before anything is installed: it uses nothing but Node itself.
// Whatever it starts after the installation runs on the Node that package.json pins.

const oldestNode = 20;
const major = Number(process.versions.node.split('.')[0]);
if (major < oldestNode) {
  console.error(`Node ${oldestNode} or newer is needed to begin (this is ${process.versions.node}).`);
  process.exit(2);
}

/** @type {Record<string, () => Promise<number>>} */
const commands = {
  setup: () => import('./setup.mjs').then(({ setup }) => setup()),
  start: () => import('./start.mjs').then(({ start }) => start()),
  check: () => import('./check.mjs').then(({ check }) => check()),
  docs: () => import('./docs.mjs').then(({ docs }) => docs(process.argv.slice(3))),
  bench: () => import('./bench.mjs').then(({ bench }) => bench(process.argv.slice(3))),
  soak: () => import('./soak.mjs').then(({ soak }) => soak(process.argv.slice(3))),
  servers: () => import('./servers.mjs').then(({ servers }) => servers(process.argv.slice(3))),
  test: () => import('./test.mjs').then(({ test }) => test(process.argv.slice(3))),
};

const command = commands[process.argv[2] ?? ''];
if (command === undefined) {
  console.error(`Usage: node scripts/run.mjs ${Object.keys(commands).join(' | ')}`);
  process.exit(2);
}

try {
  process.exitCode = await command();
} catch (error) {
  // A SetupError is a sentence for the reader; anything else is a fault of these scripts and shows its stack.
  console.error(error instanceof Error && error.name === 'SetupError' ? `\n${error.message}` : error);
  process.exitCode = 1;
}
