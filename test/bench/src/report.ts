import { availableParallelism, cpus, loadavg } from 'node:os';
import { DEFAULTS } from './arguments.ts';
import { type Figure, isMet, type Result } from './figure.ts';

/** A figure with what it gave, or why it gave nothing. */
export interface Measured {
  readonly figure: Figure;
  readonly results: readonly Result[];
  readonly error?: string;
}

interface Lengths {
  readonly rounds: number;
  readonly seconds: number;
}

/** The command that measures this figure again, as long. */
export function commandOf({ name }: Pick<Figure, 'name'>, { rounds, seconds }: Lengths): string {
  return [
    `npm run bench -- ${name}`,
    ...(rounds === DEFAULTS.rounds ? [] : [`--rounds ${rounds}`]),
    ...(seconds === DEFAULTS.seconds ? [] : [`--seconds ${seconds}`]),
  ].join(' ');
}

function barOf({ bar }: Result): string {
  if (bar === undefined) return '';
  return 'atLeast' in bar ? `≥ ${bar.atLeast}` : `≤ ${bar.atMost}`;
}

function verdictOf(result: Result): string {
  const met = isMet(result);
  return met === undefined ? '' : met ? 'met' : 'NOT MET';
}

export function printTable(measured: readonly Measured[], lengths: Lengths): void {
  for (const { figure, results, error } of measured) {
    console.log(`\n${figure.title}\n  ${commandOf(figure, lengths)}`);
    if (error !== undefined) console.log(`  could not be measured: ${error}`);
    for (const result of results) {
      const { median, min, max } = result.ratio;
      const range = `${min.toFixed(2)}–${max.toFixed(2)}`;
      console.log(
        `  ${median.toFixed(2).padStart(7)}  (${range})  ${barOf(result).padEnd(7)} ${verdictOf(result).padEnd(8)} ${result.what}`,
      );
      console.log(`           ${result.detail}`);
    }
  }
}

export function asJson(measured: readonly Measured[], options: Lengths): string {
  const machine = {
    node: process.version,
    processor: cpus()[0]?.model,
    cores: availableParallelism(),
    load: loadavg(),
  };
  const figures = measured.map(({ figure, results, error }) => ({
    name: figure.name,
    title: figure.title,
    command: commandOf(figure, options),
    ...(error === undefined ? {} : { error }),
    results: results.map((result) => ({ ...result, met: isMet(result) })),
  }));
  return JSON.stringify({ machine, ...options, figures }, undefined, 2);
}
