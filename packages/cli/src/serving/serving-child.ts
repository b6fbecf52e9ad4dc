import cluster, { type Worker } from 'node:cluster';
import process from 'node:process';
import type { PurgeAnnouncement } from '@tintype/core';
import type { MetricsSnapshot } from '@tintype/server/metrics';
import { Failure, reasonOf } from '../failure.ts';
import type { ChildSetup, FromChild, ToChild } from './protocol.ts';
import type { FileInput, Started } from './service.ts';

export interface ServingChildOptions {
  /** That no other child has, or had. */
  readonly number: number;
  readonly setup: ChildSetup;
  /** Takes whole lines that it has logged. */
  readonly log: (lines: string) => void;
  /** It has purged something: resolves when the others have heard of it. */
  readonly onPurge: (purge: PurgeAnnouncement) => Promise<void>;
  /** Called once, when it has ended, for whatever reason; without a process id if there was no process. */
  readonly onExit: (reason: string, endedPid?: number) => void;
}

/** A serving process as its supervisor sees it. */
export class ServingChild {
  readonly #worker: Worker;
  readonly #exit = Promise.withResolvers<void>();
  readonly #scrapes = new Map<number, (snapshot: MetricsSnapshot | undefined) => void>();
  readonly #reloads = new Map<number, (problems: readonly string[]) => void>();
  readonly #purges = new Map<number, () => void>();
  readonly number: number;
  /** Rejects with a `Failure` if it does not come that far. */
  readonly started: Promise<Started>;
  #listens = false;
  #nextId = 0;

  /** @throws the system's error, or tells of it by `onExit`, where no process can be started. */
  constructor({ number, setup, log, onPurge, onExit }: ServingChildOptions) {
    this.number = number;
    this.#worker = cluster.fork();
    const { promise, resolve, reject } = Promise.withResolvers<Started>();
    this.started = promise;
    this.started.catch(() => undefined);
    this.#worker.on('message', (message: FromChild) => {
      switch (message.type) {
        case 'started':
          resolve(message);
          break;
        case 'refused':
          reject(new Failure(message.text, 2));
          break;
        case 'metrics':
          this.#scrapes.get(message.id)?.(message.snapshot);
          break;
        case 'reloaded':
          this.#reloads.get(message.id)?.(message.problems);
          break;
        case 'heard':
          this.#purges.get(message.id)?.();
          break;
        case 'purge':
          onPurge(message.purge).finally(() => this.#send({ type: 'announced', id: message.id }));
          break;
      }
    });
    this.#worker.once('listening', () => {
      this.#listens = true;
    });
    const ended = (reason: string): void => {
      reject(new Failure(`A serving process ${reason} before it served.`, 2));
      for (const settle of this.#reloads.values()) settle([]);
      for (const settle of this.#scrapes.values()) settle(undefined);
      for (const settle of this.#purges.values()) settle();
      this.#exit.resolve();
      onExit(reason, this.#worker.process.pid);
    };
    this.#worker.on('error', (error: unknown) => {
      // Any other failure is told by the exit as well.
      if (this.#worker.process.pid === undefined) ended(whyNotStarted(error));
    });
    this.#worker.once('exit', (code: number | null, signal: string | null) =>
      ended(signal ? `was ended by ${signal}` : `exited with code ${code}`),
    );
    forwardLines(this.#worker, log);
    this.#worker.process.stderr?.on('data', (text: Buffer) => process.stderr.write(text));
    this.#send({ type: 'setup', setup });
  }

  get pid(): number | undefined {
    return this.#worker.process.pid;
  }

  /** @returns what could not be done; nothing if it ended meanwhile: its successor has the new settings. */
  reload(file: FileInput): Promise<readonly string[]> {
    const id = this.#nextId++;
    const { promise, resolve } = Promise.withResolvers<readonly string[]>();
    this.#reloads.set(id, resolve);
    if (this.#worker.isDead()) resolve([]);
    else this.#send({ type: 'reload', id, file: file ?? null });
    return promise.finally(() => this.#reloads.delete(id));
  }

  /**
   * Tells it of another's purge; resolves when it has heard, has ended, or after this time. One that does
   * not listen yet hears of it before its first connection, which comes the same way: nobody waits for it.
   */
  async purged(purge: PurgeAnnouncement, withinMs: number): Promise<void> {
    const id = this.#nextId++;
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#purges.set(id, resolve);
    const late = setTimeout(resolve, withinMs);
    if (this.#worker.isDead()) resolve();
    else this.#send({ type: 'purged', id, purge });
    if (!this.#listens) resolve();
    return promise.finally(() => {
      clearTimeout(late);
      this.#purges.delete(id);
    });
  }

  /** Its numbers; `undefined` if it does not tell them within this time, or has ended. */
  async metrics(withinMs: number): Promise<MetricsSnapshot | undefined> {
    const id = this.#nextId++;
    const { promise, resolve } = Promise.withResolvers<MetricsSnapshot | undefined>();
    this.#scrapes.set(id, resolve);
    const late = setTimeout(() => resolve(undefined), withinMs);
    if (this.#worker.isDead()) resolve(undefined);
    else this.#send({ type: 'metrics', id });
    return promise.finally(() => {
      clearTimeout(late);
      this.#scrapes.delete(id);
    });
  }

  /** @returns whether it ended by itself within this time; if not, it was killed. */
  async stop(drainDelay: number | undefined, withinMs: number): Promise<boolean> {
    this.#send({ type: 'stop', ...(drainDelay === undefined ? {} : { drainDelay }) });
    let inTime = true;
    const late = setTimeout(() => {
      inTime = false;
      this.kill();
    }, withinMs);
    await this.#exit.promise;
    clearTimeout(late);
    return inTime;
  }

  kill(): void {
    this.#worker.process.kill('SIGKILL');
  }

  #send(message: ToChild): void {
    if (this.#worker.isConnected()) this.#worker.send(message, () => undefined);
  }
}

/** Why there is no process. */
export function whyNotStarted(error: unknown): string {
  return `could not be started (${reasonOf(error)})`;
}

/** One process writes for all, so that lines of different processes never mix. */
function forwardLines({ process: child }: Worker, log: (lines: string) => void): void {
  let rest = '';
  child.stdout?.setEncoding('utf8').on('data', (text: string) => {
    const end = text.lastIndexOf('\n') + 1;
    if (end > 0) log(rest + text.slice(0, end));
    rest = end > 0 ? text.slice(end) : rest + text;
  });
  child.stdout?.once('end', () => {
    if (rest !== '') log(`${rest}\n`);
  });
}
