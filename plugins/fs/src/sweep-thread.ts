// A thread that sweeps once. It loads nothing but what a sweep needs, so that it starts fast.
import { parentPort, workerData } from 'node:worker_threads';
import { sweepFolder } from './sweep.ts';
import type { SweepReport } from './sweeper.ts';
import { systemCode } from './system-code.ts';

let report: SweepReport;
try {
  report = { outcome: sweepFolder(workerData) };
} catch (error) {
  report = { message: error instanceof Error ? error.message : String(error), code: systemCode(error) };
}
parentPort?.postMessage(report);
