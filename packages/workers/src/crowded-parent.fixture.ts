// Its child ends while no file can be opened any more, so that no other can be started in its place.
import { closeSync, openSync } from 'node:fs';
import process from 'node:process';
import { setImmediate as turn } from 'node:timers/promises';
import { NO_OPERATIONS } from '@tintype/core';
import { TransformPool } from './pool.ts';

const setup = {
  modules: [new URL('./stubborn.fixture.ts', import.meta.url).href],
  id: 'stubborn',
  options: {},
};
const description = { revision: 'stubborn-1', supports: { operations: [], inputFormats: [], outputFormats: [] } };
const ends: string[] = [];
const pool = new TransformPool(description, {
  setup,
  processes: 1,
  memoryBudget: 1,
  threads: 1,
  priority: 0,
  killAfterMs: 50,
  onCrash: (reason) => void ends.push(reason),
});
await pool.open();
const open: number[] = [];
try {
  for (;;) open.push(openSync('/dev/null', 'r'));
} catch {
  // That was the last one.
}
process.kill(pool.pids[0] ?? 0, 'SIGKILL');
while (ends.length < 2) await turn();
for (const descriptor of open) closeSync(descriptor);
for (;;) {
  const { signal } = new AbortController();
  const limits = { maxSourcePixels: 1, maxFrames: 1, maxResultDimension: 1 };
  const output = { format: null, quality: 0 };
  const input = Buffer.from('echo');
  try {
    await pool.transform({ input, operations: NO_OPERATIONS, output, limits, signal });
    break;
  } catch {
    await turn();
  }
}
await pool.close();
console.log(ends[0], ends[1]?.includes('EMFILE'));
