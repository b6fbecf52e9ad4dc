/** What a flight brings back, and when all that it began has ended. */
export interface FlightWork<T> {
  readonly result: Promise<T>;
  /** Settles when the flight may be forgotten: after the put. Never rejects. */
  readonly settled: Promise<void>;
}

export interface FlightControl {
  /** Aborted when nobody waits any more, before `commit`; by `cancel`; and when all flights are aborted. */
  readonly signal: AbortSignal;
  /** Who waits for it at the moment. */
  readonly waiters: number;
  /** Calls `joined` each time when one more waits, instead of what was given before; `undefined` ends that. */
  onJoin(joined: (() => void) | undefined): void;
  /** Bytes have come: from now on the flight goes on even if nobody waits. */
  commit(): void;
  /** Nobody joins any more: who waits for it gets what it brings. */
  close(): void;
  /** Nobody wants it any more, although it was committed: aborts `signal`, and nobody joins. */
  cancel(reason: Error): void;
}

interface InAir<T> {
  readonly work: FlightWork<T>;
  readonly controller: AbortController;
  waiters: number;
  joined: (() => void) | undefined;
  /** The result is there; others may still join until it is stored. */
  done: boolean;
  readonly committed: boolean;
}

/** Ended flights that are remembered, for lookups that took longer than they did. */
const REMEMBERED_FLIGHTS = 1_000;

/**
 * One piece of work per key at a time; whoever asks for the same meanwhile gets the same result. A
 * flight can be joined until what it stores is stored, so that there is no moment at which a second
 * one would start for nothing.
 */
export class Flights<T> {
  readonly #inAir = new Map<string, InAir<T>>();
  /** Those that nobody joins any more. */
  readonly #closed = new Set<InAir<T>>();
  /** When the latest flights ended, by key, in the order of their end. */
  readonly #ended = new Map<string, number>();
  #clock = 0;

  get size(): number {
    return this.#inAir.size + this.#closed.size;
  }

  /** Nothing that could be joined is in the air. */
  get isIdle(): boolean {
    return this.#inAir.size === 0;
  }

  /** Requests that wait for a flight. */
  get waiters(): number {
    let waiters = 0;
    for (const flight of this.#all()) waiters += flight.waiters;
    return waiters;
  }

  has(key: string): boolean {
    return this.#inAir.has(key);
  }

  /** Whether the flight of `key` has its result: who joins now gets what was there before it asked. */
  hasResult(key: string): boolean {
    return this.#inAir.get(key)?.done ?? false;
  }

  /** Nobody joins the flight of `key` any more: the next to ask starts another beside it. */
  close(key: string): void {
    const flight = this.#inAir.get(key);
    if (flight === undefined) return;
    this.#inAir.delete(key);
    this.#closed.add(flight);
  }

  /** The present moment, for `endedSince`. */
  get mark(): number {
    return this.#clock;
  }

  /**
   * Whether a flight of `key` ended after `mark`: then a lookup that was begun before may have missed
   * what that flight stored. Knows the latest thousand; of older ones it says no.
   */
  endedSince(key: string, mark: number): boolean {
    return (this.#ended.get(key) ?? 0) > mark;
  }

  /**
   * Joins the flight of `key`, or starts it.
   *
   * @param signal the client's: when it is aborted this waiter leaves, and a flight that nobody waits
   *   for is cancelled unless bytes have come.
   */
  async join(
    key: string,
    signal: AbortSignal,
    start: (control: FlightControl) => FlightWork<T>,
  ): Promise<{ readonly value: T; readonly collapsed: boolean }> {
    signal.throwIfAborted();
    let flight = this.#inAir.get(key);
    const collapsed = flight !== undefined;
    flight ??= this.#start(key, start);
    const value = await this.#wait(key, flight, signal);
    return { value, collapsed };
  }

  /** Resolves when no flight is in the air. */
  async settled(): Promise<void> {
    while (this.size > 0) await Promise.all(this.#all().map((flight) => flight.work.settled));
  }

  /** Aborts all that are in the air, committed or not. */
  abort(reason: Error): void {
    for (const { controller } of this.#all()) controller.abort(reason);
  }

  #all(): readonly InAir<T>[] {
    return [...this.#inAir.values(), ...this.#closed];
  }

  #start(key: string, start: (control: FlightControl) => FlightWork<T>): InAir<T> {
    const controller = new AbortController();
    let committed = false;
    let waiting = () => 0;
    // The work is begun before there is a flight, but nobody joins before.
    let onJoin: FlightControl['onJoin'] = () => undefined;
    const work = start({
      signal: controller.signal,
      get waiters() {
        return waiting();
      },
      onJoin: (joined) => onJoin(joined),
      commit: () => {
        committed = true;
      },
      close: () => {
        if (this.#inAir.get(key) === flight) this.close(key);
      },
      cancel: (reason) => {
        this.#forget(key, flight);
        controller.abort(reason);
      },
    });
    const flight: InAir<T> = {
      work,
      controller,
      waiters: 0,
      joined: undefined,
      done: false,
      get committed() {
        return committed;
      },
    };
    waiting = () => flight.waiters;
    onJoin = (joined) => {
      flight.joined = joined;
    };
    this.#inAir.set(key, flight);
    const onResult = () => {
      flight.done = true;
    };
    work.result.then(onResult, onResult);
    work.settled.finally(() => this.#forget(key, flight));
    return flight;
  }

  #wait(key: string, flight: InAir<T>, signal: AbortSignal): Promise<T> {
    flight.waiters++;
    flight.joined?.();
    return new Promise((resolve, reject) => {
      const leave = () => {
        signal.removeEventListener('abort', onAbort);
        flight.waiters--;
      };
      const onAbort = () => {
        leave();
        reject(signal.reason);
        if (flight.waiters === 0 && !flight.committed) {
          // Forgotten at once: whoever comes next must not join what is being cancelled.
          this.#forget(key, flight);
          flight.controller.abort(signal.reason);
        }
      };
      signal.addEventListener('abort', onAbort, { once: true });
      flight.work.result.then(
        (value) => {
          if (signal.aborted) return;
          leave();
          resolve(value);
        },
        (error) => {
          if (signal.aborted) return;
          leave();
          reject(error);
        },
      );
    });
  }

  #forget(key: string, flight: InAir<T>): void {
    if (!this.#closed.delete(flight)) {
      if (this.#inAir.get(key) !== flight) return;
      this.#inAir.delete(key);
    }
    this.#ended.delete(key);
    this.#ended.set(key, ++this.#clock);
    if (this.#ended.size > REMEMBERED_FLIGHTS) {
      const [oldest] = this.#ended.keys();
      if (oldest !== undefined) this.#ended.delete(oldest);
    }
  }
}
