/** Work that tells how slow the machine is, in milliseconds of processor time: more than a scheduler grants at once. */
const SAMPLE_MS = 10;
/** A sample holds for this long, in milliseconds: many may ask at a time. */
const SAMPLE_HOLDS_MS = 200;
/** However busy the machine is, a wait ends. */
const SLOWEST = 20;
/** Less is chance. */
const NOTICEABLE = 1.5;
/** Longest time between two looks at the clock, in milliseconds. */
const LONGEST_STEP_MS = 1_000;

let last = { at: Number.NEGATIVE_INFINITY, factor: 1 };

/**
 * How many times as long work takes now as it would on a machine that does nothing else: 1 where
 * nobody else wants the processor, 20 at most.
 */
export function slowness(): number {
  const now = performance.now();
  if (now - last.at < SAMPLE_HOLDS_MS) return last.factor;
  const used = process.threadCpuUsage();
  const worked = () => {
    const { user, system } = process.threadCpuUsage(used);
    return (user + system) / 1_000;
  };
  while (worked() < SAMPLE_MS && performance.now() - now < SAMPLE_MS * SLOWEST);
  const factor = Math.min(SLOWEST, (performance.now() - now) / Math.max(worked(), 1));
  last = { at: performance.now(), factor: factor < NOTICEABLE ? 1 : factor };
  return last.factor;
}

/** What `Patience` goes by. */
export interface MachineClock {
  /** Milliseconds since any moment. */
  now(): number;
  /** How many times as long work takes now. */
  slowness(): number;
}

const machine: MachineClock = { now: () => performance.now(), slowness };

/**
 * A time limit that holds on any machine: where others take most of the processor, or where this
 * process itself was too busy to look, its clock goes slower. So a storage that is sound is not
 * called silent because it, or we, had no turn.
 *
 * Whoever waits looks at `isOver` now and then, at least every `stepMs`.
 */
export class Patience {
  /** How often to look, in milliseconds. */
  readonly stepMs: number;
  readonly #limitMs: number;
  readonly #clock: MachineClock;
  #passedMs = 0;
  #seen: number;

  constructor(limitMs: number, clock: MachineClock = machine) {
    this.#limitMs = limitMs;
    this.#clock = clock;
    this.#seen = clock.now();
    this.stepMs = Math.min(LONGEST_STEP_MS, Math.max(1, limitMs / 4));
  }

  get isOver(): boolean {
    const since = this.#clock.now() - this.#seen;
    if (since >= this.stepMs) {
      // A look that comes late was kept by our own work, not by what is waited for.
      this.#passedMs += Math.min(since, 3 * this.stepMs) / this.#clock.slowness();
      this.#seen = this.#clock.now();
    }
    return this.#passedMs >= this.#limitMs;
  }
}
