// Its child ends while no file can be opened any more, so that no other can be started in its place.
import { closeSync, openSync } from 'node:fs';
import process from 'node:process';
import { NO_OPERATIONS } from '@tintype/core';
import { stubbornPool } from './stubborn-pool.fixture.ts';

const ends: string[] = [];
const twice = Promise.withResolvers<void>();
const pool = stubbornPool({
  onCrash: (reason) => {
    if (ends.push(reason) === 2) twice.resolve();
  },
});
await pool.open();
const open: number[] = [];
try {
  for (;;) open.push(openSync('/dev/null', 'r'));
} catch {
  // That was the last one.
}
process.kill(pool.pids[0] ?? 0, 'SIGKILL');
// The pause before the next one keeps no process alive.
const awake = setInterval(() => undefined, 1_000);
await twice.promise;
clearInterval(awake);
for (const descriptor of open) closeSync(descriptor);
const { body } = await pool.transform({
  input: Buffer.from('echo'),
  operations: NO_OPERATIONS,
  output: { format: null, quality: 0 },
  limits: { maxSourcePixels: 1, maxFrames: 1, maxResultDimension: 1 },
  signal: new AbortController().signal,
});
await pool.close();
console.log(ends[0], ends[1]?.includes('EMFILE'), Buffer.from(body).toString());
