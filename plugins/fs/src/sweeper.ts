import { Worker } from 'node:worker_threads';
import type { SweepOutcome, SweepTask } from './sweep.ts';

// In the sources and in the build alike: beside this file, with the same extension.
// A loader may have put a query behind its name.
const IS_SOURCE = new URL(import.meta.url).pathname.endsWith('.ts');
const THREAD = new URL(IS_SOURCE ? './sweep-thread.ts' : './sweep-thread.js', import.meta.url);

/** How long a thread that has swept waits for the next sweep before it ends, in milliseconds. */
const REST_MS = 10_000;

/** What a thread is asked for; it looks at the clock itself, when it begins. */
type Asked = Omit<SweepTask, 'now'>;

/** What the thread says after each sweep. */
export type SweepReport =
  | { readonly outcome: SweepOutcome }
  | { readonly message: string; readonly code: string | undefined };

/** How threads are started, and for how long they rest. */
interface SweeperOptions {
  /** Starts what answers each task it is sent with one `SweepReport`. */
  readonly start?: () => Worker;
  /** Milliseconds. */
  readonly restMs?: number;
}

/**
 * Runs sweeps in a thread of their own, apart from the event loop and from the pool that hits are read by.
 *
 * To start a thread takes longer than most sweeps, and a cache that is filled sweeps again and again:
 * so a thread rests after its sweep, and the next one takes it. One that rests keeps no process alive.
 */
export class Sweeper {
  readonly #start: () => Worker;
  readonly #restMs: number;
  #resting: SweepThread | undefined;
  #restOver: NodeJS.Timeout | undefined;

  constructor({ start = startThread, restMs = REST_MS }: SweeperOptions = {}) {
    this.#start = start;
    this.#restMs = restMs;
  }

  /** @throws the system's error if the root cannot be swept; the signal's reason once that is aborted, which ends the thread. */
  async sweep(task: Asked, signal: AbortSignal): Promise<SweepOutcome> {
    signal.throwIfAborted();
    const rested = this.#wake();
    // One that died while it rested, and could not say so yet, has swept nothing.
    const report = (rested && (await this.#run(rested, task, signal))) ?? (await this.#runAnew(task, signal));
    if (report === undefined) throw new Error('The sweeping thread ended early.');
    if ('outcome' in report) return report.outcome;
    throw Object.assign(new Error(report.message), report.code === undefined ? {} : { code: report.code });
  }

  /** Ends a thread that rests; one that sweeps is ended by its signal. */
  async close(): Promise<void> {
    await this.#wake()?.end();
  }

  #runAnew(task: Asked, signal: AbortSignal): Promise<SweepReport | undefined> {
    return this.#run(new SweepThread(this.#start()), task, signal);
  }

  /** @returns `undefined` if the thread died before it said anything. */
  async #run(thread: SweepThread, task: Asked, signal: AbortSignal): Promise<SweepReport | undefined> {
    const stop = () => void thread.end();
    signal.addEventListener('abort', stop, { once: true });
    try {
      const report = await thread.run(task);
      if (report === undefined) signal.throwIfAborted();
      else this.#rest(thread);
      return report;
    } finally {
      signal.removeEventListener('abort', stop);
    }
  }

  #rest(thread: SweepThread): void {
    // Of two that swept at once, one is enough.
    void this.close();
    this.#resting = thread;
    this.#restOver = setTimeout(() => void this.close(), this.#restMs).unref();
  }

  /** The thread that rests, if there is one. */
  #wake(): SweepThread | undefined {
    clearTimeout(this.#restOver);
    const thread = this.#resting;
    this.#resting = undefined;
    return thread?.alive ? thread : undefined;
  }
}

/** A thread that runs one sweep at a time. */
class SweepThread {
  readonly #worker: Worker;
  #alive = true;
  /** What it is asked for; as it answers nothing else, no answer can be to an earlier task. */
  #asked: PromiseWithResolvers<SweepReport | undefined> | undefined;

  constructor(worker: Worker) {
    this.#worker = worker;
    worker.on('message', (report: SweepReport) => this.#asked?.resolve(report));
    // Heard also while it rests: an error that nobody hears ends the process.
    worker.on('error', (error) => {
      this.#alive = false;
      this.#asked?.reject(error);
    });
    worker.once('exit', () => {
      this.#alive = false;
      this.#asked?.resolve(undefined);
    });
  }

  /** Whether it can be asked for more. */
  get alive(): boolean {
    return this.#alive;
  }

  /**
   * @returns `undefined` if it ended before it answered.
   * @throws what ended it, if that was an error.
   */
  async run(task: Asked): Promise<SweepReport | undefined> {
    const asked = Promise.withResolvers<SweepReport | undefined>();
    this.#asked = asked;
    this.#worker.ref();
    this.#worker.postMessage(task);
    try {
      return await asked.promise;
    } finally {
      // As long as nobody waits for it, the process may end without it.
      this.#worker.unref();
      this.#asked = undefined;
    }
  }

  async end(): Promise<void> {
    this.#alive = false;
    await this.#worker.terminate();
  }
}

function startThread(): Worker {
  return new Worker(THREAD, { execArgv: [], stdin: false });
}
