import { type ChildProcess, fork } from 'node:child_process';
import type { Task, Verdict } from './worker.ts';

/** Longest time for one mutant; a suite that hangs has noticed. The machine may be busy, and the suite has limits of its own. */
const LONGEST_MS = 300_000;
/** Modules of mutants stay loaded: a worker is replaced after so many. */
const TASKS_PER_WORKER = 60;

/** Judges tasks in worker processes, `jobs` at a time; each verdict is told as it comes. */
export async function judgeAll(
  tasks: readonly Task[],
  jobs: number,
  onVerdict: (verdict: Verdict) => void,
): Promise<void> {
  const waiting = [...tasks];
  const lane = async () => {
    let worker: ChildProcess | undefined;
    for (let done = 0; ; done++) {
      const task = waiting.shift();
      if (task === undefined) break;
      if (done % TASKS_PER_WORKER === 0) {
        worker?.kill('SIGKILL');
        worker = undefined;
      }
      worker ??= fork(new URL('./worker.ts', import.meta.url), { stdio: 'ignore', execArgv: ['--no-warnings'] });
      const verdict = await judge(worker, task);
      if (worker.exitCode !== null || worker.signalCode !== null || worker.killed) worker = undefined;
      onVerdict(verdict);
    }
    worker?.kill('SIGKILL');
  };
  await Promise.all(Array.from({ length: jobs }, lane));
}

function judge(worker: ChildProcess, task: Task): Promise<Verdict> {
  const started = performance.now();
  return new Promise((resolve) => {
    const end = (verdict: Verdict) => {
      clearTimeout(timer);
      worker.off('message', end);
      worker.off('exit', died);
      resolve(verdict);
    };
    const dead = (killedBy: string): Verdict => ({
      id: task.id,
      killedBy,
      problem: undefined,
      ms: performance.now() - started,
      costs: [],
    });
    // An error that nobody catches ends the process, as it fails a run of any runner.
    const died = (_code: number | null, signal: NodeJS.Signals | null) =>
      end(dead(signal === 'SIGKILL' ? '(the suite hung)' : '(the process crashed)'));
    const timer = setTimeout(() => {
      worker.off('exit', died);
      worker.kill('SIGKILL');
      end(dead('(the suite hung)'));
    }, LONGEST_MS);
    worker.on('message', end);
    worker.on('exit', died);
    worker.send(task);
  });
}
