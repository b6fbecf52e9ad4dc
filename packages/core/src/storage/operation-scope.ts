import { setTimeout as sleep } from 'node:timers/promises';
import type { OperationContext } from '../contracts/storage-adapter.ts';
import { StorageError, type StorageOperation } from '../contracts/storage-error.ts';
import { DeadlineTimer } from './deadline-timer.ts';

/**
 * One operation's life: the caller's signal and our deadline in one place. The abort signal that the
 * adapter sees is made when it is first asked for, so that a hit in memory pays nothing for it.
 */
export class OperationScope implements OperationContext {
  readonly #caller: AbortSignal | undefined;
  readonly #operation: StorageOperation;
  readonly #deadlineMs: number;
  #controller: AbortController | undefined;
  #timer: DeadlineTimer | undefined;
  #reject: ((reason: unknown) => void) | undefined;
  #ended: { readonly reason: unknown } | undefined;
  /** When the deadline began to run, on the clock of `performance`. */
  #since = 0;
  #onAbort: (() => void) | undefined;

  constructor(operation: StorageOperation, deadlineMs: number, caller: AbortSignal | undefined) {
    this.#operation = operation;
    this.#deadlineMs = deadlineMs;
    this.#caller = caller;
  }

  get signal(): AbortSignal {
    if (this.#controller === undefined) {
      this.#controller = new AbortController();
      if (this.#ended) this.#controller.abort(this.#ended.reason);
      else if (this.#caller?.aborted) this.#controller.abort(this.#caller.reason);
    }
    return this.#controller.signal;
  }

  /** The reason why it ended before its time, if it did: the caller's, or a `timeout`. */
  get ended(): { readonly reason: unknown } | undefined {
    if (this.#ended === undefined && this.#caller?.aborted) this.#end(this.#caller.reason);
    return this.#ended;
  }

  throwIfEnded(): void {
    const ended = this.ended;
    if (ended) throw ended.reason;
  }

  /** Data moved: the deadline bounds idle time, not the time that a large body takes. */
  progress(): void {
    this.#since = performance.now();
    this.#timer?.refresh();
  }

  /**
   * Pauses what is raced; ends early, with the reason, when the scope does.
   *
   * @returns `false`, at once, if the deadline comes sooner than that.
   */
  async pause(ms: number): Promise<boolean> {
    this.throwIfEnded();
    if (ms >= this.#deadlineMs - (performance.now() - this.#since)) return false;
    await sleep(ms, undefined, { signal: this.signal }).catch(() => undefined);
    this.throwIfEnded();
    return true;
  }

  /**
   * Settles as `promise` does, or rejects at once when the caller aborts or the deadline passes,
   * also if the adapter ignores its signal.
   *
   * @param late gets what comes after nobody waits any more, to release what it holds.
   */
  race<T>(promise: Promise<T>, late?: (value: T) => void): Promise<T> {
    return new Promise<T>((resolve, reject) => {
      this.#reject = reject;
      if (this.ended) {
        reject(this.#ended?.reason);
      } else {
        this.#arm();
      }
      promise.then(
        (value) => {
          if (this.#ended) late?.(value);
          this.#disarm();
          resolve(value);
        },
        (error) => {
          this.#disarm();
          reject(error);
        },
      );
    });
  }

  #arm(): void {
    if (this.#timer === undefined && Number.isFinite(this.#deadlineMs)) {
      this.#since = performance.now();
      this.#timer = new DeadlineTimer(this.#deadlineMs, () => this.#expire());
    }
    if (this.#caller !== undefined && this.#onAbort === undefined) {
      const caller = this.#caller;
      this.#onAbort = () => this.#end(caller.reason);
      caller.addEventListener('abort', this.#onAbort, { once: true });
    }
  }

  #disarm(): void {
    this.#timer?.clear();
    this.#timer = undefined;
    if (this.#onAbort) this.#caller?.removeEventListener('abort', this.#onAbort);
    this.#onAbort = undefined;
    this.#reject = undefined;
  }

  #expire(): void {
    const writes = this.#operation === 'put' || this.#operation === 'setMetadata' || this.#operation === 'delete';
    this.#end(
      new StorageError({
        code: 'timeout',
        message: `No answer within ${Math.round(this.#deadlineMs)} ms.`,
        applied: writes ? 'unknown' : 'no',
      }),
    );
  }

  #end(reason: unknown): void {
    if (this.#ended) return;
    this.#ended = { reason };
    this.#controller?.abort(reason);
    this.#reject?.(reason);
    this.#disarm();
  }
}
