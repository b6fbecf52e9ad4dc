import { type ChildProcess, fork } from 'node:child_process';
import { setPriority } from 'node:os';
import type { Writable } from 'node:stream';
import { fileURLToPath } from 'node:url';
import { type BodyFile, TransformError, type TransformRequest, type TransformResult } from '@tintype/core';
import { INPUT_FD, sendInput } from './input-channel.ts';
import type { ChildSetup, FromChild, ToChild } from './protocol.ts';

// In the sources and in the build alike: beside this file, with the same extension.
const CHILD = fileURLToPath(new URL(import.meta.url.endsWith('.ts') ? './child.ts' : './child.js', import.meta.url));

/** Longest time for a child to load its plugins and make its transformer. */
const START_MS = 60_000;

/**
 * glibc gives threads up to eight heaps for each processor core, and what libvips frees in one is no use in
 * another: with two, a process that has made 20,000 images takes 400 MiB instead of 490. With fewer than
 * threads, these wait for each other: four at a time made 7 % fewer images. What the operator sets goes first.
 * https://sharp.pixelplumbing.com/install#linux-memory-allocator
 */
function heapsFor(threads: number): NodeJS.ProcessEnv {
  return { MALLOC_ARENA_MAX: String(Math.max(2, threads)) };
}

/**
 * Memory that a job gets together with its work, in bytes, while there is plenty: more than most images take
 * (one of 3 megapixels 2 MiB), which would ask, be answered and give back, each by a message.
 */
const ALLOWANCE = 16 * 1024 * 1024;

type Work = Omit<TransformRequest, 'input'>;

interface Running {
  /** With nothing if its file could not be read. */
  readonly resolve: (result: TransformResult | undefined) => void;
  readonly reject: (error: unknown) => void;
  readonly reserve: Work['reserve'];
  /** Gives back its allowance, once. */
  readonly giveBack: (() => void) | undefined;
  /** Why it did not get the memory that it asked for last. */
  refusal: unknown;
  killer: NodeJS.Timeout | undefined;
}

export interface WorkerOptions {
  readonly setup: ChildSetup;
  /** What the child's transformer must be, or it is not used. */
  readonly revision: string;
  /** Threads for decoding and encoding. */
  readonly threads: number;
  /** Scheduling priority, as of `os.setPriority`: 0 is like this process, 19 is the least. */
  readonly priority: number;
  /** How long a transform may go on after it was aborted before its process is killed, in milliseconds. */
  readonly killAfterMs: number;
  /** Called once, when the process has ended, for whatever reason. */
  readonly onExit: (reason: string) => void;
}

/** One child process and the jobs in it. */
export class WorkerProcess {
  readonly #child: ChildProcess;
  /** `undefined` where the process could not even begin. */
  readonly #inputs: Writable | undefined;
  readonly #options: WorkerOptions;
  readonly #jobs = new Map<number, Running>();
  /** How to give back what was reserved, or to stop waiting for it. */
  readonly #reservations = new Map<number, () => void>();
  readonly #exited = Promise.withResolvers<void>();
  #nextId = 0;
  #killed: string | undefined;
  #usable = false;
  /** Whether it could open the files that it was given so far. */
  #opensFiles = true;
  #rss = 0;
  #ended = false;
  readonly #starting: NodeJS.Timeout;
  /** Resolves once the child can work; rejects, and ends it, if it never will. */
  readonly ready: Promise<void>;

  /** @throws the system's error, or hears of it later (`onExit`), where no process can be started. */
  constructor(options: WorkerOptions) {
    this.#options = options;
    this.#child = fork(CHILD, [], {
      serialization: 'advanced',
      // Not inherited: Node sets shared pipes back to blocking when a process ends, for all who share them.
      stdio: ['ignore', 'pipe', 'pipe', 'pipe', 'ipc'],
      env: { ...heapsFor(options.threads), ...process.env, UV_THREADPOOL_SIZE: String(options.threads) },
    });
    for (const output of [this.#child.stdout, this.#child.stderr]) {
      output?.on('data', (text: Buffer) => process.stderr.write(text));
    }
    // There are no streams where there were no descriptors for them.
    const streams: ChildProcess['stdio'] | undefined = this.#child.stdio;
    const inputs = (streams?.[INPUT_FD] ?? undefined) as Writable | undefined;
    // A child that has gone is told by its exit.
    inputs?.on('error', () => undefined);
    this.#inputs = inputs;
    const ready = Promise.withResolvers<void>();
    this.ready = ready.promise;
    this.ready.catch(() => undefined);
    this.#child.once('spawn', () => this.#lowerPriority());
    this.#child.on('error', (error) => {
      ready.reject(error);
      this.#end(`failed: ${error.message}`);
    });
    this.#child.once('exit', (code, signal) => {
      const reason = this.#killed ?? (signal ? `was ended by ${signal}` : `exited with code ${code}`);
      ready.reject(new Error(`The transforming process ${reason}.`));
      this.#end(reason);
    });
    this.#child.on('message', (message: FromChild) => {
      if ('rss' in message) this.#rss = message.rss;
      if (message.type === 'ready') this.#isReady(message.revision, ready);
      else if (message.type === 'unusable') this.#isUnusable(message.message, ready);
      else if (message.type === 'reserve') void this.#reserve(message);
      else if (message.type === 'release') this.#release(message.reservation);
      else this.#settle(message);
    });
    this.#starting = setTimeout(
      () => this.#isUnusable(`It was not ready within ${START_MS / 1_000} s.`, ready),
      START_MS,
    );
    this.#send({ type: 'setup', setup: options.setup });
  }

  /** Whether it may be given work. */
  get usable(): boolean {
    return this.#usable && !this.isEnding;
  }

  /** Whether it was told to end, or has lost its channel, and has not gone yet: what it is given now would fail with it. */
  get isEnding(): boolean {
    return !this.#ended && (this.#killed !== undefined || !this.#child.connected);
  }

  /** Resolves when it has gone. */
  get gone(): Promise<void> {
    return this.#exited.promise;
  }

  get pid(): number | undefined {
    return this.#child.pid;
  }

  /** Memory that it took when it last told, in bytes. */
  get residentBytes(): number {
    return this.#rss;
  }

  /** Jobs in it. */
  get load(): number {
    return this.#jobs.size;
  }

  async transform({ input, ...work }: TransformRequest): Promise<TransformResult> {
    const result = await this.#run(work, undefined, (id) => {
      if (this.#inputs !== undefined) sendInput(this.#inputs, id, input);
    });
    if (result === undefined) throw new TransformError('internal', 'A source that was sent did not arrive.');
    return result;
  }

  /** `undefined` if it cannot read this file, also if it could read none before. */
  async transformFile(file: BodyFile, work: Work): Promise<TransformResult | undefined> {
    return this.#opensFiles ? this.#run(work, file, () => undefined) : undefined;
  }

  #run(
    { operations, output, limits, signal, reserve, spare }: Work,
    file: BodyFile | undefined,
    send: (id: number) => void,
  ): Promise<TransformResult | undefined> {
    signal.throwIfAborted();
    const id = this.#nextId++;
    const { promise, resolve, reject } = Promise.withResolvers<TransformResult | undefined>();
    const giveBack = spare?.(ALLOWANCE);
    const job: Running = { resolve, reject, reserve, giveBack, refusal: undefined, killer: undefined };
    this.#jobs.set(id, job);
    const onAbort = () => {
      this.#send({ type: 'abort', id });
      // libvips cannot be interrupted. What goes on and on is ended with its process.
      job.killer = setTimeout(() => this.#kill('was killed: a transform did not end'), this.#options.killAfterMs);
    };
    signal.addEventListener('abort', onAbort, { once: true });
    const taken = giveBack === undefined ? 0 : ALLOWANCE;
    const allowance = reserve === undefined ? Number.POSITIVE_INFINITY : taken;
    this.#send({ type: 'transform', id, operations, output, limits, file, allowance });
    send(id);
    return promise.finally(() => {
      giveBack?.();
      clearTimeout(job.killer);
      signal.removeEventListener('abort', onAbort);
    });
  }

  /** Ends it. Resolves when it is gone. */
  async close(): Promise<void> {
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return;
    this.#killed ??= 'was closed';
    if (this.#child.connected) this.#child.disconnect();
    const last = setTimeout(() => this.#child.kill('SIGKILL'), this.#options.killAfterMs);
    await this.#exited.promise;
    clearTimeout(last);
  }

  /** One that would give other bytes must not be used: its results would be stored under our key. */
  #isReady(revision: string, ready: PromiseWithResolvers<void>): void {
    const { revision: expected } = this.#options;
    if (revision !== expected) {
      this.#isUnusable(`The transforming process is ${revision}, this one is ${expected}; restart both.`, ready);
      return;
    }
    clearTimeout(this.#starting);
    this.#usable = true;
    ready.resolve();
  }

  #isUnusable(message: string, ready: PromiseWithResolvers<void>): void {
    ready.reject(new Error(message));
    this.#kill(`cannot be used: ${message}`);
  }

  async #reserve({ id, reservation, bytes, instead }: Extract<FromChild, { type: 'reserve' }>): Promise<void> {
    const job = this.#jobs.get(id);
    // What it asks for when it has failed already, or with its process, would never be given back.
    if (job?.reserve === undefined) return this.#send({ type: 'refused', reservation });
    // First: who kept it while waiting for more could wait for ever.
    if (instead) job.giveBack?.();
    const waiting = new AbortController();
    this.#reservations.set(reservation, () => waiting.abort());
    try {
      const giveBack = await job.reserve(bytes, waiting.signal);
      if (!this.#reservations.has(reservation)) return giveBack();
      this.#reservations.set(reservation, giveBack);
      this.#send({ type: 'granted', reservation });
    } catch (error) {
      // Unless nobody waits for it any more.
      if (!this.#reservations.delete(reservation)) return;
      job.refusal = error;
      this.#send({ type: 'refused', reservation });
    }
  }

  #release(reservation: number): void {
    const giveBack = this.#reservations.get(reservation);
    this.#reservations.delete(reservation);
    giveBack?.();
  }

  #lowerPriority(): void {
    if (this.#child.pid === undefined || this.#options.priority === 0) return;
    try {
      setPriority(this.#child.pid, this.#options.priority);
    } catch {
      // It may have ended already, or the system doesn't allow it: then it runs at our own priority.
    }
  }

  #kill(reason: string): void {
    this.#killed ??= reason;
    this.#child.kill('SIGKILL');
  }

  #send(message: ToChild): void {
    if (this.#child.connected) this.#child.send(message, () => undefined);
  }

  #settle(message: Extract<FromChild, { type: 'done' | 'unread' | 'failed' }>): void {
    const job = this.#jobs.get(message.id);
    if (job === undefined) return;
    this.#jobs.delete(message.id);
    if (message.type === 'unread') this.#opensFiles &&= message.opened;
    if (message.type === 'done') job.resolve(message.result);
    else if (message.type === 'unread') job.resolve(undefined);
    else if (message.refused && job.refusal !== undefined) job.reject(job.refusal);
    else job.reject(new TransformError(message.code, message.message));
  }

  #end(reason: string): void {
    if (this.#ended) return;
    this.#ended = true;
    for (const job of this.#jobs.values()) {
      job.reject(
        new TransformError('crashed', 'Making the image failed; try again later.', {
          cause: new Error(`the process that made it ${reason}`),
        }),
      );
    }
    this.#jobs.clear();
    for (const reservation of [...this.#reservations.keys()]) this.#release(reservation);
    this.#usable = false;
    clearTimeout(this.#starting);
    this.#exited.resolve();
    this.#options.onExit(reason);
  }
}
