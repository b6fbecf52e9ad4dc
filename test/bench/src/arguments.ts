import { parseArgs } from 'node:util';

/** How often, and for how many seconds each time, unless it is said. */
export const DEFAULTS = { rounds: 5, seconds: 3 };

/** What a run of benchmarks was asked for. */
export interface BenchArguments<F> {
  readonly help: boolean;
  readonly json: boolean;
  readonly rounds: number;
  readonly seconds: number;
  /** Those that are named, or how they begin; all of them unless any is. */
  readonly chosen: readonly F[];
}

/** Why nothing can be measured, in a sentence. */
export interface Wrong {
  readonly problem: string;
}

export function isWrong(given: object): given is Wrong {
  return 'problem' in given;
}

export function readArguments<F extends { readonly name: string }>(
  args: readonly string[],
  figures: readonly F[],
): BenchArguments<F> | Wrong {
  let parsed: ReturnType<typeof parse>;
  try {
    parsed = parse(args);
  } catch (error) {
    return { problem: error instanceof Error ? error.message : String(error) };
  }
  const { values, positionals } = parsed;
  const rounds = Number(values.rounds);
  const seconds = Number(values.seconds);
  const unknown = positionals.find((wanted) => !figures.some(({ name }) => name.startsWith(wanted)));
  if (unknown !== undefined) return { problem: `There is no benchmark whose name begins with "${unknown}".` };
  if (!Number.isInteger(rounds) || rounds < 1) {
    return { problem: `--rounds is "${values.rounds}"; expected a whole number from 1 on, such as 5.` };
  }
  if (!(seconds > 0 && seconds < Number.POSITIVE_INFINITY)) {
    return { problem: `--seconds is "${values.seconds}"; expected a number above 0, such as 3.` };
  }
  const chosen = figures.filter(
    ({ name }) => positionals.length === 0 || positionals.some((wanted) => name.startsWith(wanted)),
  );
  return { help: values.help, json: values.json, rounds, seconds, chosen };
}

function parse(args: readonly string[]) {
  return parseArgs({
    args: [...args],
    allowPositionals: true,
    options: {
      help: { type: 'boolean', default: false },
      json: { type: 'boolean', default: false },
      rounds: { type: 'string', default: String(DEFAULTS.rounds) },
      seconds: { type: 'string', default: String(DEFAULTS.seconds) },
    },
  });
}
