import { TransformError } from '../contracts/transformer.ts';
import { ALWAYS, type MayWait, ShedError } from './background.ts';

interface Waiter {
  readonly admit: () => void;
}

/**
 * So many at a time, so many waiting, and no more: whoever finds the queue full is told at once.
 */
export class Semaphore {
  #limit: number;
  #maxQueue: number;
  #running = 0;
  readonly #refusal: () => Error;
  readonly #queue: Set<Waiter> = new Set();

  /** @param refusal what whoever finds the queue full is told */
  constructor(limit: number, maxQueue: number, refusal: () => Error = tooMany) {
    this.#limit = limit;
    this.#maxQueue = maxQueue;
    this.#refusal = refusal;
  }

  /** Other limits from now on; who is in stays in, and who waits is let in where there is room now. */
  resize(limit: number, maxQueue: number): void {
    this.#limit = limit;
    this.#maxQueue = maxQueue;
    for (const waiter of this.#queue) {
      if (this.#running >= this.#limit) return;
      this.#queue.delete(waiter);
      this.#running++;
      waiter.admit();
    }
  }

  get running(): number {
    return this.#running;
  }

  get waiting(): number {
    return this.#queue.size;
  }

  /** Whether who enters now need not wait. */
  get hasRoom(): boolean {
    return this.#running < this.#limit;
  }

  /**
   * Resolves when there is room, first come first served, with how to leave (idempotent).
   *
   * @throws the refusal if the queue is full, TransformError `overloaded` unless there is another; ShedError if it may not wait; the signal's
   *   reason if it is aborted while waiting.
   */
  async enter(signal: AbortSignal, mayWait: MayWait = ALWAYS): Promise<() => void> {
    signal.throwIfAborted();
    if (this.hasRoom) this.#running++;
    else if (mayWait()) await this.#wait(signal);
    else throw new ShedError();
    let left = false;
    return () => {
      if (left) return;
      left = true;
      this.#leave();
    };
  }

  #wait(signal: AbortSignal): Promise<void> {
    if (this.#queue.size >= this.#maxQueue) return Promise.reject(this.#refusal());
    return new Promise((resolve, reject) => {
      const onAbort = () => {
        this.#queue.delete(waiter);
        reject(signal.reason);
      };
      const waiter: Waiter = {
        admit: () => {
          signal.removeEventListener('abort', onAbort);
          resolve();
        },
      };
      signal.addEventListener('abort', onAbort, { once: true });
      this.#queue.add(waiter);
    });
  }

  /** Hands the place on rather than freeing it, so that nobody overtakes the queue. */
  #leave(): void {
    const [next] = this.#queue;
    if (next === undefined || this.#running > this.#limit) {
      this.#running--;
      return;
    }
    this.#queue.delete(next);
    next.admit();
  }
}

function tooMany(): TransformError {
  return new TransformError('overloaded', 'Too many images are being made at this moment; try again later.');
}
