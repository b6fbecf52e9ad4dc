import { rm } from 'node:fs/promises';
import { endProcesses } from './processes.ts';

// Stands beside the servers of a test: when the test's process is gone, and with it the other end of
// standard input, it ends them. A run that was killed cannot do so itself.

const [folder = '', ...pids] = process.argv.slice(2);

process.stdin.on('close', async () => {
  await endProcesses(pids.map(Number));
  if (folder !== '') await rm(folder, { recursive: true, force: true });
  process.exit();
});
process.stdin.resume();
