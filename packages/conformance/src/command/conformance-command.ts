import { access, constants, readFile, writeFile } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { nearestName, SettingsError, type StorageAdapter } from '@tintype/core';
import { storageRequirements } from '../catalogue/catalogue.ts';
import { describeError } from '../engine/outcome.ts';
import { htmlReport } from '../report/html.ts';
import { junitReport } from '../report/junit.ts';
import { markdownReport } from '../report/markdown.ts';
import { exitCodeOf, type Report } from '../report/report.ts';
import { paintFor, textReport } from '../report/text.ts';
import { CannotRun, type NamedHarness, OPENING, type Progress, runConformance } from '../run-conformance.ts';
import { isChosen } from '../storage/storage-conformance.ts';
import { fromModule } from './from-module.ts';
import { harnessOf } from './harness-of.ts';
import { stopOnSignals } from './stop-on-signals.ts';
import { watchForStrays } from './stray.ts';

/** Where the command writes, and what it cannot know itself. */
export interface CommandIo {
  readonly stdout: { write(text: string): unknown; readonly isTTY?: boolean | undefined };
  readonly stderr: { write(text: string): unknown; readonly isTTY?: boolean | undefined };
  readonly cwd: string;
  /**
   * Makes an adapter of the storage `id` with the settings that `serve` would read. Called several
   * times: each call gives a fresh, unopened one on the same data.
   *
   * @throws SettingsError for wrong settings, or an error whose message says that there is no such storage.
   */
  readonly storageOf?: ((id: string) => StorageAdapter | Promise<StorageAdapter>) | undefined;
  /** Flags of settings (`--cache-fs-root`), which were taken out of the arguments: a mistyped one may be meant to be one. */
  readonly settingFlags?: readonly string[] | undefined;
}

const FORMATS = ['json', 'junit', 'html', 'markdown'] as const;
type Format = (typeof FORMATS)[number];

const OPTIONS = {
  use: { type: 'string', multiple: true },
  adapter: { type: 'string', multiple: true },
  merge: { type: 'string', multiple: true },
  only: { type: 'string', multiple: true },
  seed: { type: 'string' },
  budget: { type: 'string' },
  report: { type: 'string' },
  out: { type: 'string' },
  profile: { type: 'boolean' },
  list: { type: 'boolean' },
  help: { type: 'boolean', short: 'h' },
} as const;

/** What `tintype conformance --help` prints. */
export const CONFORMANCE_USAGE: string = `Usage: tintype conformance --use ID | --adapter FILE [options]

Puts a cache storage to the test and says which rule it breaks.

  --use ID         a storage of an installed plugin, with the settings that serve reads
  --adapter FILE   a module: its default export is a function that makes an adapter, or a harness
  --merge FILE     a JSON report of an earlier run, whose storages go into this report too
  --only IDS       only requirements that begin so: --only put,list.byte-order
  --seed TEXT      the same seed makes the same random choices
  --budget SECONDS about how long the random parts take together (10)
  --profile        measure latencies too
  --report FORMAT  ${FORMATS.join(', ')}; printed, or written to --out
  --out FILE       where the report goes
  --list           print the requirements and end

Exit code 0: it conforms. 1: a requirement is broken. 2: it could not run, or not in full.
`;

interface Arguments {
  readonly use: readonly string[];
  readonly adapter: readonly string[];
  readonly merge: readonly string[];
  readonly only: readonly string[];
  readonly seed: string | undefined;
  readonly budget: number | undefined;
  readonly format: Format | undefined;
  readonly out: string | undefined;
  readonly profile: boolean;
  readonly list: boolean;
  readonly help: boolean;
}

/** The command. Never throws: what goes wrong is one sentence on stderr and exit code 2. */
export async function conformanceCommand(argv: readonly string[], io: CommandIo): Promise<0 | 1 | 2> {
  let place = 'While the storage was loaded,';
  const stop = watchForStrays(io.stderr, () => place);
  try {
    return await command(readArguments(argv, io.settingFlags ?? []), io, ({ subject, title }) => {
      place = title === OPENING ? `${subject}: while it was opened,` : `${subject}: in the test "${title}"`;
    });
  } catch (error) {
    const message = error instanceof CannotRun || SettingsError.is(error) ? error.message : describeError(error);
    io.stderr.write(`${message}\n`);
    return 2;
  } finally {
    stop();
  }
}

async function command(given: Arguments, io: CommandIo, onTest: (progress: Progress) => void): Promise<0 | 1 | 2> {
  if (given.help) {
    io.stdout.write(CONFORMANCE_USAGE);
    return 0;
  }
  if (given.list) {
    for (const { id, rule } of storageRequirements.values()) {
      if (isChosen(id, given.only)) io.stdout.write(`${id}  ${rule}\n`);
    }
    return 0;
  }
  await requirePlace(given, io);
  const earlier = await Promise.all(given.merge.map((path) => earlierReport(path, io.cwd)));
  const subjects = await subjectsOf(given, io);
  const [first] = earlier;
  if (subjects.length === 0 && first !== undefined) {
    const report = merged(earlier, first);
    await write(report, given, io);
    return exitCodeOf(report);
  }
  const progress = progressLine(io);
  const stop = stopOnSignals(io.stderr);
  let report: Report;
  try {
    report = await runConformance({
      subjects,
      seed: given.seed,
      budget: given.budget,
      only: given.only,
      profile: given.profile,
      signal: stop.signal,
      onProgress(state) {
        onTest(state);
        progress.show(state);
      },
    });
  } finally {
    stop.end();
    progress.clear();
  }
  report = merged(earlier, report);
  await write(report, given, io);
  return exitCodeOf(report);
}

/** @throws CannotRun if there is no place for the report: better told before the run than after. */
async function requirePlace({ out }: Arguments, { cwd }: CommandIo): Promise<void> {
  if (out === undefined) return;
  const folder = dirname(resolve(cwd, out));
  try {
    await access(folder, constants.W_OK);
  } catch {
    throw new CannotRun(`--out ${out} cannot be written: the folder ${folder} is not there, or may not be written to.`);
  }
}

/** The storages of earlier runs, then those of this one, which says when and where. */
function merged(earlier: readonly Report[], report: Report): Report {
  const others = earlier.filter((each) => each !== report);
  return { ...report, subjects: [...others, report].flatMap(({ subjects }) => subjects) };
}

async function earlierReport(path: string, cwd: string): Promise<Report> {
  let report: Partial<Report> | null;
  try {
    report = JSON.parse(await readFile(resolve(cwd, path), 'utf8'));
  } catch (error) {
    throw new CannotRun(`--merge ${path} cannot be read: ${describeError(error).replace(/\.$/, '')}.`);
  }
  if (report?.kind !== 'tintype-conformance' || report.formatVersion !== 1) {
    throw new CannotRun(`--merge ${path} is no report; make one with --report json --out ${path}.`);
  }
  return report as Report;
}

async function write(report: Report, given: Arguments, io: CommandIo): Promise<void> {
  const { format, out } = given;
  const text = textReport(report, paintFor(io.stdout.isTTY ?? false));
  const formatted = format === undefined ? text : render(report, format);
  if (out === undefined) {
    io.stdout.write(formatted);
    return;
  }
  const path = resolve(io.cwd, out);
  try {
    await writeFile(path, formatted);
  } catch (error) {
    throw new CannotRun(`The report cannot be written to ${path}: ${error instanceof Error ? error.message : error}.`);
  }
  io.stdout.write(`${text}Report: ${path}\n`);
}

/** A report in one of the formats. */
export function render(report: Report, format: Format): string {
  switch (format) {
    case 'json':
      return `${JSON.stringify(report, undefined, 2)}\n`;
    case 'junit':
      return junitReport(report);
    case 'html':
      return htmlReport(report);
    case 'markdown':
      return markdownReport(report);
  }
}

function readArguments(argv: readonly string[], settingFlags: readonly string[]): Arguments {
  let values: ReturnType<typeof parse>;
  try {
    values = parse(argv);
  } catch (error) {
    const unknown = unknownFlag(error);
    if (unknown !== undefined) {
      const nearest = nearestName(unknown, [...Object.keys(OPTIONS).map((name) => `--${name}`), ...settingFlags]);
      const hint =
        nearest === undefined ? '"tintype conformance --help" lists all of them' : `the nearest is ${nearest}`;
      throw new CannotRun(`${unknown} is not a known flag; ${hint}.`);
    }
    const [message] = (error instanceof Error ? error.message : String(error)).split(/\.?(?:\n|$)|\. /);
    throw new CannotRun(`${message}. See tintype conformance --help.`);
  }
  const { budget, report, only = [] } = values;
  const seconds = budget === undefined ? undefined : Number(budget);
  if (seconds !== undefined && !(seconds > 0 && seconds <= 86_400)) {
    throw new CannotRun(`--budget ${budget} is no number of seconds above 0.`);
  }
  const format = FORMATS.find((each) => each === report);
  if (report !== undefined && format === undefined) {
    throw new CannotRun(`--report ${report} is unknown: choose one of ${FORMATS.join(', ')}.`);
  }
  const chosen = only.flatMap((each) => each.split(',')).filter((each) => each !== '');
  const unknown = chosen.find((each) => ![...storageRequirements.keys()].some((id) => isChosen(id, [each])));
  if (unknown !== undefined) {
    throw new CannotRun(`--only ${unknown} fits no requirement: tintype conformance --list prints them.`);
  }
  return {
    use: values.use ?? [],
    adapter: values.adapter ?? [],
    merge: values.merge ?? [],
    only: chosen,
    seed: values.seed,
    budget: seconds,
    format,
    out: values.out,
    profile: values.profile ?? false,
    list: values.list ?? false,
    help: values.help ?? false,
  };
}

/** The flag that Node's parser does not know; `undefined` if something else is wrong. */
function unknownFlag(error: unknown): string | undefined {
  if (!(error instanceof Error && 'code' in error && error.code === 'ERR_PARSE_ARGS_UNKNOWN_OPTION')) return undefined;
  return /'(-[^']*)'/.exec(error.message)?.[1];
}

function parse(argv: readonly string[]) {
  return parseArgs({ args: [...argv], options: OPTIONS, allowPositionals: false, strict: true }).values;
}

async function subjectsOf(given: Arguments, io: CommandIo): Promise<readonly NamedHarness[]> {
  const subjects: NamedHarness[] = [];
  for (const id of given.use) {
    const { storageOf } = io;
    if (storageOf === undefined)
      throw new CannotRun('--use needs the settings of a proxy, which are not at hand here.');
    // Made once before the run, so that wrong settings are told as such.
    await storageOf(id);
    const make = () => storageOf(id);
    subjects.push({ name: id, harness: harnessOf(id, make, await spares(make)) });
  }
  for (const path of given.adapter) subjects.push(await fromModule(path, io.cwd));
  if (subjects.length + given.merge.length === 0) throw new CannotRun('Say what to test: --use ID or --adapter FILE.');
  return subjects;
}

/** Siblings are made without waiting, so those that take a promise are not offered. */
async function spares(make: () => StorageAdapter | Promise<StorageAdapter>): Promise<boolean> {
  return !(make() instanceof Promise);
}

/** One line that says where the run is, on a terminal; nothing elsewhere. */
function progressLine(io: CommandIo): { show(progress: Progress): void; clear(): void } {
  const { stderr } = io;
  if (!stderr.isTTY) return { show: () => undefined, clear: () => undefined };
  let failed = 0;
  return {
    show({ subject, done, total, title, result }) {
      if (result?.outcome.kind === 'fail') failed++;
      const bad = failed > 0 ? `, ${failed} failed` : '';
      const line = `${subject} ${done}/${total}${bad}  ${title}`;
      stderr.write(`\r\u001b[2K${line.slice(0, 110)}`);
    },
    clear() {
      stderr.write('\r\u001b[2K');
    },
  };
}
