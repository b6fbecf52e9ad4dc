import type { Inputs } from './inputs.ts';
import type { Spread } from './statistics.ts';

/** What every figure is measured with. */
export interface Bench {
  /** Pairs of measurements, ours and the reference's in turn. */
  readonly rounds: number;
  /** Length of one measurement. */
  readonly seconds: number;
  readonly inputs: Inputs;
  /** An empty folder that is removed afterwards. */
  folder(): Promise<string>;
  /** One line on standard error about how far it is. */
  progress(line: string): void;
}

/** One number that is compared with a bar. */
export interface Result {
  readonly what: string;
  readonly ratio: Spread;
  /** `undefined`: told for comparison, not judged. */
  readonly bar: { readonly atLeast: number } | { readonly atMost: number } | undefined;
  /** How many of what, for people: `21,000 / 25,500 hits/s`. */
  readonly detail: string;
}

export interface Figure {
  /** What selects it on the command line. */
  readonly name: string;
  readonly title: string;
  measure(bench: Bench): Promise<readonly Result[]>;
}

export function isMet({ bar, ratio }: Result): boolean | undefined {
  if (bar === undefined) return undefined;
  return 'atLeast' in bar ? ratio.median >= bar.atLeast : ratio.median <= bar.atMost;
}
