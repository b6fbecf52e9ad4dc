import { setTimeout as sleep } from 'node:timers/promises';
import {
  type BodyFile,
  TransformError,
  type Transformer,
  type TransformRequest,
  type TransformResult,
} from '@tintype/core';
import type { ChildSetup } from './protocol.ts';
import { WorkerProcess } from './worker-process.ts';

/** A process that ends sooner than this after it could work, or never could, is not replaced at once. */
const HASTY_MS = 1_000;
const MAX_PAUSE_MS = 5_000;
/** A process that comes after a longer pause than this is not waited for, in milliseconds. */
const PATIENCE_MS = 1_000;

export interface PoolOptions {
  readonly setup: ChildSetup;
  readonly processes: number;
  /** Threads in each process. */
  readonly threads: number;
  /** Scheduling priority of the processes, 0 to 19. */
  readonly priority: number;
  readonly killAfterMs: number;
  /** Hears of every process that ended unasked, for the log; without an id where there never was one. */
  readonly onCrash: (reason: string, pid: number | undefined) => void;
  /** Hears that processes end so soon, again and again, that the next one comes after a pause (ms) that nothing waits for. */
  readonly onPause?: ((reason: string, pauseMs: number) => void) | undefined;
  /** Hears that one that came after such a pause has not ended soon. */
  readonly onRecovery?: (() => void) | undefined;
}

/**
 * A transformer whose work is done in child processes of low priority, so that hits never wait for
 * misses. A process that hangs is killed, one that crashes is replaced; only what was in it fails: what comes
 * while there is none waits for the next one, unless processes fail again and again.
 */
export class TransformPool implements Transformer {
  readonly revision: string;
  readonly supports: Transformer['supports'];
  readonly #options: PoolOptions;
  readonly #workers = new Set<WorkerProcess>();
  /** Aborted while it is closed. */
  #closing = new AbortController();
  /** Processes that are to come soon; each resolves when it can be used, or cannot. */
  readonly #coming = new Set<Promise<void>>();
  /** Why the last process ended that ended unasked. */
  #lastEnd: string | undefined;

  /** @param description the same transformer in this process, which is asked for nothing but what it is. */
  constructor(description: Pick<Transformer, 'revision' | 'supports'>, options: PoolOptions) {
    this.revision = description.revision;
    this.supports = description.supports;
    this.#options = options;
  }

  /** Process ids of the children, for whoever watches them. */
  get pids(): readonly number[] {
    return [...this.#workers].flatMap(({ pid }) => (pid === undefined ? [] : [pid]));
  }

  /** Memory that all children together took when each last told, in bytes: with each image that it made. */
  get residentBytes(): number {
    return [...this.#workers].reduce((sum, worker) => sum + worker.residentBytes, 0);
  }

  /** @throws Error if a child cannot make the transformer, or makes another one. */
  async open(): Promise<void> {
    this.#closing = new AbortController();
    try {
      await Promise.all(Array.from({ length: this.#options.processes }, () => this.#start('first')));
    } catch (error) {
      await this.close();
      throw error;
    }
  }

  async close(): Promise<void> {
    this.#closing.abort();
    await Promise.all([...this.#workers].map((worker) => worker.close()));
  }

  async transform(request: TransformRequest): Promise<TransformResult> {
    return (this.#idlest() ?? (await this.#next(request.signal))).transform(request);
  }

  async transformFile(file: BodyFile, request: Omit<TransformRequest, 'input'>): Promise<TransformResult | undefined> {
    return (this.#idlest() ?? (await this.#next(request.signal))).transformFile(file, request);
  }

  /** The process with the least to do; `undefined` if none can be used at the moment. */
  #idlest(): WorkerProcess | undefined {
    let idlest: WorkerProcess | undefined;
    for (const worker of this.#workers) {
      if (worker.usable && (idlest === undefined || worker.load < idlest.load)) idlest = worker;
    }
    return idlest;
  }

  /** The next one that can be used. @throws TransformError `overloaded` if none comes soon; the signal's reason. */
  async #next(signal: AbortSignal): Promise<WorkerProcess> {
    const { promise: aborted, reject } = Promise.withResolvers<never>();
    const onAbort = () => reject(signal.reason);
    signal.addEventListener('abort', onAbort, { once: true });
    // Nobody may be waiting any more.
    aborted.catch(() => undefined);
    // The pause before the next one alone keeps no process alive; who waits for it does.
    const awake = setInterval(() => undefined, MAX_PAUSE_MS);
    try {
      for (;;) {
        signal.throwIfAborted();
        const worker = this.#idlest();
        if (worker !== undefined) return worker;
        const coming = this.#closing.signal.aborted ? [] : [...this.#coming, ...this.#endings()];
        if (coming.length === 0) {
          throw this.#noneComes();
        }
        await Promise.race([aborted, ...coming]);
      }
    } finally {
      clearInterval(awake);
      signal.removeEventListener('abort', onAbort);
    }
  }

  /** Nothing is too much here: the cause tells the log. */
  #noneComes(): TransformError {
    const reason = this.#closing.signal.aborted ? undefined : this.#lastEnd;
    return new TransformError('overloaded', 'Images cannot be made at this moment; try again later.', {
      cause:
        reason &&
        `the processes that make them end again and again, the last one ${reason}; another one is started within ${MAX_PAUSE_MS / 1_000} s`,
    });
  }

  /** Ends of processes that are about to be replaced. */
  #endings(): readonly Promise<void>[] {
    return [...this.#workers].flatMap((worker) => (worker.isEnding ? [worker.gone] : []));
  }

  /**
   * @param which one that cannot be used is replaced, unless it is among the first: then the pool isn't opened.
   * @param crashesInARow of those whose place it takes: another's end says nothing about them.
   */
  async #start(which: 'first' | 'later', crashesInARow = 0): Promise<void> {
    const closing = this.#closing.signal;
    let readyAt = Number.POSITIVE_INFINITY;
    let worker: WorkerProcess | undefined;
    const onExit = (reason: string): void => {
      if (worker !== undefined) this.#workers.delete(worker);
      if (closing.aborted || (which === 'first' && readyAt === Number.POSITIVE_INFINITY)) return;
      this.#lastEnd = reason;
      this.#options.onCrash(reason, worker?.pid);
      this.#replace(reason, performance.now() - readyAt < HASTY_MS ? crashesInARow + 1 : 0);
    };
    try {
      worker = this.#begin(onExit);
    } catch (error) {
      onExit(`could not be started: ${error instanceof Error ? error.message : String(error)}`);
      throw error;
    }
    this.#workers.add(worker);
    await worker.ready;
    readyAt = performance.now();
    if (pauseAfter(crashesInARow) <= PATIENCE_MS) return;
    const isSteady = (): void => {
      if (worker?.usable && !closing.aborted) this.#options.onRecovery?.();
    };
    setTimeout(isSteady, HASTY_MS).unref();
  }

  /** @throws the system's error where it has no room for another process, or no memory. */
  #begin(onExit: (reason: string) => void): WorkerProcess {
    return new WorkerProcess({
      setup: this.#options.setup,
      revision: this.revision,
      threads: this.#options.threads,
      priority: this.#options.priority,
      killAfterMs: this.#options.killAfterMs,
      onExit,
    });
  }

  #replace(reason: string, crashesInARow: number): void {
    const pause = pauseAfter(crashesInARow);
    const replaced = this.#startAfter(pause, crashesInARow);
    if (pause > PATIENCE_MS) {
      this.#options.onPause?.(reason, pause);
      return;
    }
    this.#coming.add(replaced);
    void replaced.then(() => this.#coming.delete(replaced));
  }

  /** Never fails. */
  async #startAfter(pause: number, crashesInARow: number): Promise<void> {
    const { signal } = this.#closing;
    if (pause > 0) await sleep(pause, undefined, { ref: false, signal }).catch(() => undefined);
    if (signal.aborted) return;
    // A child that cannot be used is ended, which brings us here again, as does one that cannot be started.
    await this.#start('later', crashesInARow).catch(() => undefined);
  }
}

/** How long the place of processes that ended soon, so many in a row, stays empty, in milliseconds. */
function pauseAfter(crashesInARow: number): number {
  return crashesInARow > 0 ? Math.min(MAX_PAUSE_MS, 100 * 2 ** crashesInARow) : 0;
}
