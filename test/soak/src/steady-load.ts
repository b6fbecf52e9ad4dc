import { Agent } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';
import { ask } from '../../operations/client.ts';

/** What is asked for, and of what kind that is. */
export interface Wish<Kind extends string> {
  readonly url: string;
  readonly kind: Kind;
}

/** One answer: when it was asked for, and how long that took, in milliseconds of `performance.now`. */
export interface Sample<Kind extends string = string> {
  readonly kind: Kind;
  readonly at: number;
  readonly ms: number;
}

/**
 * So many requests a second, whatever becomes of those before (an open loop): what is answered late
 * holds up nobody, and its whole wait is counted.
 */
export class SteadyLoad<Kind extends string> {
  readonly samples: Sample<Kind>[] = [];
  readonly failures: string[] = [];
  readonly #agent = new Agent({ keepAlive: true });
  readonly #pending = new Set<Promise<void>>();
  readonly #running: Promise<void>;
  #stopped = false;

  /** @param wish of the nth request */
  constructor(perSecond: number, wish: (nth: number) => Wish<Kind>) {
    this.#running = this.#run(perSecond, wish);
  }

  /** Asks no more; resolves when everything is answered. */
  async stop(): Promise<void> {
    this.#stopped = true;
    await this.#running;
    await Promise.all(this.#pending);
    this.#agent.destroy();
  }

  async #run(perSecond: number, wish: (nth: number) => Wish<Kind>): Promise<void> {
    const began = performance.now();
    for (let nth = 0; !this.#stopped; nth++) {
      const due = began + (nth * 1_000) / perSecond;
      const wait = due - performance.now();
      if (wait > 1) await sleep(wait);
      const asked: Promise<void> = this.#ask(wish(nth)).finally(() => this.#pending.delete(asked));
      this.#pending.add(asked);
    }
  }

  async #ask({ url, kind }: Wish<Kind>): Promise<void> {
    const at = performance.now();
    try {
      const { status, headers, body } = await ask(url, this.#agent);
      if (status !== 200) this.failures.push(`${status} ${url}`);
      else if (body.length !== Number(headers['content-length'])) this.failures.push(`short ${url}`);
    } catch (error) {
      this.failures.push(`${error} ${url}`);
    }
    this.samples.push({ kind, at, ms: performance.now() - at });
  }
}

/** The value below which this part of the numbers lies. */
export function quantile(numbers: readonly number[], part: number): number {
  const sorted = numbers.toSorted((one, other) => one - other);
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * part))] ?? Number.NaN;
}

/** The samples of each whole window of time between two moments; the last part of a window is left out. */
export function windowsOf<Kind extends string>(
  samples: readonly Sample<Kind>[],
  from: number,
  until: number,
  windowMs: number,
): readonly (readonly Sample<Kind>[])[] {
  const windows = Array.from({ length: Math.floor((until - from) / windowMs) }, (): Sample<Kind>[] => []);
  for (const sample of samples) windows[Math.floor((sample.at - from) / windowMs)]?.push(sample);
  return windows;
}

/** The median over windows of time: one moment at which the machine did something else moves it little. */
export function medianOf<Kind extends string>(
  windows: readonly (readonly Sample<Kind>[])[],
  value: (window: readonly Sample<Kind>[]) => number,
): number {
  return quantile(windows.map(value), 0.5);
}
