import { Worker } from 'node:worker_threads';
import type { SweepOutcome, SweepTask } from './sweep.ts';

// In the sources and in the build alike: beside this file, with the same extension.
// A loader may have put a query behind its name.
const IS_SOURCE = new URL(import.meta.url).pathname.endsWith('.ts');
const THREAD = new URL(IS_SOURCE ? './sweep-thread.ts' : './sweep-thread.js', import.meta.url);

/** What the thread says at its end. */
export type SweepReport =
  | { readonly outcome: SweepOutcome }
  | { readonly message: string; readonly code: string | undefined };

/**
 * Runs a sweep in a thread of its own, apart from the event loop and from the pool that hits are read by.
 *
 * @throws the system's error if the root cannot be swept; the signal's reason once that is aborted.
 */
export async function sweepInThread(task: SweepTask, signal: AbortSignal): Promise<SweepOutcome> {
  signal.throwIfAborted();
  const thread = new Worker(THREAD, { workerData: task, execArgv: [], stdin: false });
  const end = Promise.withResolvers<SweepReport>();
  thread.once('message', end.resolve);
  thread.once('error', end.reject);
  thread.once('exit', () => end.reject(signal.reason ?? new Error('The sweeping thread ended early.')));
  const stop = () => void thread.terminate();
  signal.addEventListener('abort', stop, { once: true });
  try {
    const report = await end.promise;
    if ('outcome' in report) return report.outcome;
    throw Object.assign(new Error(report.message), report.code === undefined ? {} : { code: report.code });
  } finally {
    signal.removeEventListener('abort', stop);
  }
}
