import { TransformError } from '../contracts/transformer.ts';
import { ALWAYS, type MayWait, ShedError } from './background.ts';

interface Waiter {
  readonly bytes: number;
  readonly admit: () => void;
}

/**
 * A budget of memory, handed out in the order of asking. What alone exceeds the budget is let in when
 * nothing else is: it was allowed by the pixel limits, and would otherwise wait for ever.
 */
export class MemoryGate {
  #budget: number;
  #used = 0;
  readonly #queue = new Set<Waiter>();

  /** @param budget bytes; `Infinity` for no limit. */
  constructor(budget: number) {
    this.#budget = budget;
  }

  /** Another budget from now on; what is handed out stays so. */
  resize(budget: number): void {
    this.#budget = budget;
    this.#admit();
  }

  /** Bytes handed out now. */
  get used(): number {
    return this.#used;
  }

  /**
   * Resolves when `bytes` are free, with how to give them back (idempotent).
   *
   * @throws ShedError if it may not wait and they are not free at once; the signal's reason if it is aborted
   *   before.
   */
  async reserve(bytes: number, signal: AbortSignal, mayWait: MayWait = ALWAYS): Promise<() => void> {
    signal.throwIfAborted();
    if (!(bytes >= 0)) throw new TransformError('internal', 'A transform asked for no amount of memory.');
    if (this.#queue.size === 0 && this.#fits(bytes)) this.#used += bytes;
    else if (mayWait()) await this.#wait(bytes, signal);
    else throw new ShedError();
    return this.#returning(bytes);
  }

  /**
   * Takes `bytes` at once, for somebody who may come to need them, as long as half of the budget stays free
   * for those who know what they need.
   *
   * @returns how to give them back (idempotent); `undefined` if there is not that much.
   */
  spare(bytes: number): (() => void) | undefined {
    if (this.#queue.size > 0 || this.#used + bytes > this.#budget / 2) return undefined;
    this.#used += bytes;
    return this.#returning(bytes);
  }

  /** How to give back what was taken. */
  #returning(bytes: number): () => void {
    let returned = false;
    return () => {
      if (returned) return;
      returned = true;
      this.#used -= bytes;
      this.#admit();
    };
  }

  #fits(bytes: number): boolean {
    return this.#used === 0 || this.#used + bytes <= this.#budget;
  }

  #wait(bytes: number, signal: AbortSignal): Promise<void> {
    return new Promise((resolve, reject) => {
      const onAbort = () => {
        this.#queue.delete(waiter);
        reject(signal.reason);
        // The one that gave up may have been what the others waited behind.
        this.#admit();
      };
      const waiter: Waiter = {
        bytes,
        admit: () => {
          signal.removeEventListener('abort', onAbort);
          resolve();
        },
      };
      signal.addEventListener('abort', onAbort, { once: true });
      this.#queue.add(waiter);
    });
  }

  #admit(): void {
    for (const waiter of this.#queue) {
      if (!this.#fits(waiter.bytes)) return;
      this.#queue.delete(waiter);
      this.#used += waiter.bytes;
      waiter.admit();
    }
  }
}
