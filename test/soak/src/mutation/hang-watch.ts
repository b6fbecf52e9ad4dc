import { isMainThread, Worker, workerData } from 'node:worker_threads';

/** Processor time that an event loop may take for one turn, in microseconds: what needs this much is a loop without end. */
const LONGEST_TURN = 10_000_000;

/**
 * Ends the process (SIGKILL) when its event loop no longer turns. A thread watches, for the loop
 * itself cannot; it counts processor time, so that a busy machine is not taken for a hang.
 */
export function watchForHangs(): void {
  const turns = new Int32Array(new SharedArrayBuffer(4));
  new Worker(new URL(import.meta.url), { workerData: turns, execArgv: ['--no-warnings'] }).unref();
  setInterval(() => Atomics.add(turns, 0, 1), 200).unref();
}

if (!isMainThread && workerData instanceof Int32Array) {
  const turns = workerData;
  let seen = -1;
  let since = process.cpuUsage();
  setInterval(() => {
    const now = Atomics.load(turns, 0);
    const { user, system } = process.cpuUsage(since);
    if (now === seen && user + system > LONGEST_TURN) process.kill(process.pid, 'SIGKILL');
    if (now === seen) return;
    seen = now;
    since = process.cpuUsage();
  }, 500);
}
