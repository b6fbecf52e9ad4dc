// A thread that sweeps once for each task it is sent. It loads nothing but what a sweep needs, so that it starts fast.
import { parentPort } from 'node:worker_threads';
import { type SweepTask, sweepFolder } from './sweep.ts';
import type { SweepReport } from './sweeper.ts';
import { systemCode } from './system-code.ts';

parentPort?.on('message', (task: Omit<SweepTask, 'now'>) => {
  let report: SweepReport;
  try {
    // By the time that a thread has started many entries may be younger than the task: they would all be of one age.
    report = { outcome: sweepFolder({ ...task, now: Date.now() }) };
  } catch (error) {
    report = { message: error instanceof Error ? error.message : String(error), code: systemCode(error) };
  }
  parentPort?.postMessage(report);
});
