import { AggregatorRegistry } from 'prom-client';
import type { MetricsSnapshot } from './metrics.ts';

/**
 * The numbers of several processes as one. What a process counted before it ended stays counted: a
 * total that shrank would look like a start, and all of it like new.
 */
export class MetricsSum {
  readonly #latest = new Map<number, MetricsSnapshot>();
  #departed: MetricsSnapshot[] = [];

  /** What a process says, by a number that no other has or will have. */
  update(process: number, snapshot: MetricsSnapshot): void {
    this.#latest.set(process, snapshot);
  }

  /** The process has ended. What it counted after its last snapshot is lost. */
  async ended(process: number): Promise<void> {
    const last = this.#latest.get(process);
    this.#latest.delete(process);
    if (last === undefined) return;
    const counted = last.filter(({ type }) => isOfType(type, 'counter') || isOfType(type, 'histogram'));
    const before = this.#departed;
    this.#departed = [...before, counted];
    if (this.#departed.length < 2) return;
    const sum = await AggregatorRegistry.aggregate(copies(this.#departed)).getMetricsAsJSON();
    this.#departed = [sum as MetricsSnapshot];
  }

  /** All of it, as Prometheus reads it. */
  async text(): Promise<string> {
    return await AggregatorRegistry.aggregate(copies([...this.#latest.values(), ...this.#departed])).metrics();
  }
}

/** prom-client sums into what it is given. */
function copies(snapshots: readonly MetricsSnapshot[]): object[][] {
  return structuredClone(snapshots).map((snapshot) => [...snapshot]);
}

/** Declared as an enum of numbers; what is there is the word. */
function isOfType(type: unknown, word: string): boolean {
  return type === word;
}
