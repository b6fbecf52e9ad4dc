import { rm } from 'node:fs/promises';
import { createInterface } from 'node:readline';
import type { Kept } from './keeping.ts';
import type { ProcessIdentity } from './process-identity.ts';
import { endIdentified } from './processes.ts';

// Stands beside the servers of a test, and hears of each process and folder as it is begun: when the
// test's process is gone, and with it the other end of standard input, it ends and removes them. A run
// that was killed cannot do so itself.

const processes: ProcessIdentity[] = [];
const folders: string[] = [];

for await (const line of createInterface({ input: process.stdin })) {
  const kept: Kept = JSON.parse(line);
  if ('folder' in kept) folders.push(kept.folder);
  else processes.push(kept.process);
}
// The latest first, as they are stopped.
await endIdentified(processes.reverse());
for (const folder of folders) await rm(folder, { recursive: true, force: true });
