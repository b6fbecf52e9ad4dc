/** Outcomes that are remembered, one bit each. */
const REMEMBERED = 20;
const ALL = 2 ** REMEMBERED - 1;
/** So many failures in a row open the circuit … */
const IN_A_ROW = 2 ** 5 - 1;
/** … and so many among the remembered outcomes do, for what fails only now and then. */
const OF_REMEMBERED = 10;
/** Times in milliseconds: the first pause, the longest, and how long it must have worked to start over. */
const FIRST_PAUSE = 1_000;
const LONGEST_PAUSE = 30_000;
const RECOVERED_AFTER = 60_000;

export interface BreakerOptions {
  /** Milliseconds on a clock that never jumps. */
  readonly now: () => number;
  /** Called when a pause begins (`paused`, with what the last failure was) and when it is over. */
  readonly onChange: (state: 'working' | 'paused', code: string | undefined) => void;
}

/** Whether something may be asked: as always, as the one trial of a pause, or not. */
export type Passage = 'pass' | 'probe' | 'skip';

/**
 * A circuit breaker: what has failed often enough is left alone, and tried with one call at a time
 * after a pause that doubles from one second to half a minute. Pure: it neither calls nor waits.
 *
 * It opens after 5 failures in a row or 10 of the last 20. What was begun before it opened and ends
 * afterwards changes nothing; only the probe does.
 */
export class Breaker {
  readonly #options: BreakerOptions;
  /** The last outcomes, the newest in the lowest bit, 1 for a failure. */
  #history = 0;
  #state: 'working' | 'paused' | 'probing' = 'working';
  #pause = FIRST_PAUSE;
  #until = 0;
  #closedAt = Number.NEGATIVE_INFINITY;

  constructor(options: BreakerOptions) {
    this.#options = options;
  }

  /** Whether everything passes. */
  get working(): boolean {
    return this.#state === 'working';
  }

  /** Asks for a passage. Whoever gets `probe` must tell how it ended, by one of the three below. */
  enter(): Passage {
    if (this.#state === 'working') return 'pass';
    if (this.#state === 'probing' || this.#options.now() < this.#until) return 'skip';
    this.#state = 'probing';
    return 'probe';
  }

  succeeded(passage: Passage): void {
    if (passage === 'probe') {
      if (this.#state === 'probing') this.resume();
    } else if (this.#history !== 0 && this.#state === 'working') {
      this.#history = (this.#history << 1) & ALL;
    }
  }

  /** @param code a word for what happened, handed on if the circuit opens. */
  failed(passage: Passage, code: string): void {
    if (passage === 'probe') {
      if (this.#state !== 'probing') return;
      this.#pause = Math.min(2 * this.#pause, LONGEST_PAUSE);
      this.#wait(this.#pause);
    } else if (this.#state === 'working') {
      this.#history = ((this.#history << 1) | 1) & ALL;
      if ((this.#history & IN_A_ROW) === IN_A_ROW || ones(this.#history) >= OF_REMEMBERED) this.pause(code);
    }
  }

  /** It ended without saying anything about the other side: aborted, or the call's own fault. */
  gaveUp(passage: Passage): void {
    if (passage === 'probe' && this.#state === 'probing') this.#wait(0);
  }

  /**
   * Opens the circuit at once, whatever came before.
   *
   * @param atLeast milliseconds until the first probe; `Infinity` waits for `resume`.
   */
  pause(code: string, atLeast = 0): void {
    const { now, onChange } = this.#options;
    const wasWorking = this.#state === 'working';
    if (wasWorking) {
      // What fails again soon after it came back goes on with longer pauses.
      const relapsed = now() - this.#closedAt < RECOVERED_AFTER;
      this.#pause = relapsed ? Math.min(2 * this.#pause, LONGEST_PAUSE) : FIRST_PAUSE;
    }
    this.#wait(Math.max(this.#pause, atLeast));
    if (wasWorking) onChange('paused', code);
  }

  /** Closes the circuit: everything passes again. */
  resume(): void {
    if (this.#state === 'working') return;
    this.#state = 'working';
    this.#history = 0;
    this.#closedAt = this.#options.now();
    this.#options.onChange('working', undefined);
  }

  #wait(ms: number): void {
    this.#state = 'paused';
    this.#until = this.#options.now() + ms;
  }
}

function ones(bits: number): number {
  let count = 0;
  for (let rest = bits; rest !== 0; rest &= rest - 1) count++;
  return count;
}
