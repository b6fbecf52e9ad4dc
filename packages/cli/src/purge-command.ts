import process from 'node:process';
import {
  type CacheStorage,
  type ConfiguredProxy,
  definePlugin,
  formatBytes,
  isAllOwn,
  type Plugin,
  type PurgedPart,
  type PurgeReport,
  type PurgeSelection,
  type SettingsInput,
  tokens,
  whyNotAKey,
} from '@tintype/core';
import { type ExitCode, Failure } from './failure.ts';
import { makeProxy } from './make-proxy.ts';
import { requireFolders } from './purged-folders.ts';
import type { Surroundings } from './surroundings.ts';
import { ToldBySocket } from './told-by-socket.ts';

/** What `tintype cache purge` is asked for. */
export interface PurgeCommandOptions {
  readonly source?: string;
  readonly entries?: string;
  readonly all: boolean;
  readonly dryRun: boolean;
  readonly json: boolean;
}

/** Time between two lines of progress at a terminal, in milliseconds. */
const PROGRESS_MS = 1_000;

/**
 * `tintype cache purge`: tells the serving processes what they must not use any more, and removes it from the
 * storages of the settings. 1 if some of it is left, or nobody could be told who should be.
 */
export async function purgeCache(
  plugins: readonly Plugin[],
  input: SettingsInput,
  options: PurgeCommandOptions,
  { stdout, stderr }: Pick<Surroundings, 'stdout' | 'stderr'>,
): Promise<ExitCode> {
  const selection = selectionOf(options);
  /** Whether anybody beside this process hears of it. */
  let reaches = true;
  const telling = definePlugin({
    name: 'tintype/told-by-socket',
    register: ({ container }) => {
      // One that a plugin has brought reaches the serving processes by itself.
      if (container.isBound(tokens.coordinator)) return;
      reaches = false;
      container.onActivation(tokens.coordinator, (context, made) => {
        const { controlSocket } = context.get(tokens.settings);
        if (controlSocket === undefined) return made;
        reaches = true;
        return new ToldBySocket(controlSocket);
      });
    },
  });
  const proxy = await makeProxy([...plugins, telling], input);
  const { storage } = proxy;
  if (storage === undefined && sourceStorageOf(proxy) === undefined) {
    throw new Failure('There is no cache: TINTYPE_CACHE_USE and TINTYPE_SOURCES_USE are blank.');
  }
  await requireFolders(proxy.effective);
  // Activated now: whether anybody can be told is known before anything is done.
  proxy.container.get(tokens.coordinator);
  const inMemory = [storage, sourceStorageOf(proxy)].every((one) => one === undefined || isAllOwn(one));
  if (inMemory && !reaches) {
    await proxy.close();
    throw new Failure(
      'The cache is in the memory of the serving processes, which have to be told: set TINTYPE_CONTROL_SOCKET for them and for this command.',
    );
  }
  const progress = progressTo(stderr, options.json);
  const interruption = new AbortController();
  const interrupt = (): void => interruption.abort(new Failure('Interrupted: what was removed until now is gone.', 1));
  process.once('SIGINT', interrupt);
  let report: PurgeReport;
  try {
    report = await proxy.purge(selection, {
      dryRun: options.dryRun,
      signal: interruption.signal,
      onProgress: (part, { seen, found }) =>
        progress(`${named(part)}: ${count(seen)} looked at, ${count(found)} found`),
    });
  } finally {
    process.off('SIGINT', interrupt);
    await proxy.close().catch(() => undefined);
  }
  const notes = notesOf(report, { reaches, dryRun: options.dryRun });
  const ok = report.problem === undefined && report.parts.every(({ problem }) => problem === undefined);
  if (options.json) {
    const { parts, problem } = report;
    const told = reaches && report.announced;
    const text = { ok, dryRun: options.dryRun, ...selection, told, problem, parts, notes };
    stdout.write(`${JSON.stringify(text, undefined, 2)}\n`);
  } else {
    for (const line of [...report.parts.map((part) => sentence(part, options.dryRun)), ...notes])
      stdout.write(`${line}\n`);
  }
  return ok ? 0 : 1;
}

function sourceStorageOf({ container }: ConfiguredProxy): CacheStorage | undefined {
  return container.isBound(tokens.sourceStorage) ? container.get(tokens.sourceStorage) : undefined;
}

function selectionOf({ source, entries: key, all }: PurgeCommandOptions): PurgeSelection {
  const given = [source, key].filter((one) => one !== undefined).length + (all ? 1 : 0);
  if (given !== 1)
    throw new Failure('Say what to purge: --source <url>, --entries <key> or --all, and only one of them.');
  if (all) return { scope: 'all' };
  if (source !== undefined) {
    if (!/^[a-z][a-z0-9+.-]*:\/\//i.test(source)) {
      throw new Failure(`--source is "${source}"; expected a whole URL, such as https://example.com/photo.jpg.`);
    }
    return { scope: 'source', value: source };
  }
  // What is required of a key is required of a folder of them without its last slash.
  const reason = key === undefined ? 'is missing' : whyNotAKey(key.replace(/\/$/, ''));
  if (key === undefined || reason !== undefined) {
    throw new Failure(
      `--entries is "${key}", which ${reason}; expected a key of the storage without TINTYPE_CACHE_PATH_PREFIX, or a folder of keys that ends with a slash.`,
    );
  }
  return { scope: 'key', value: key };
}

function sentence({ part, storage, inProcess, found, removed, bytes, problem }: PurgedPart, dryRun: boolean): string {
  const where = `${named(part)} (${storage})`;
  if (inProcess) return `The ${where} is in the memory of the serving processes, where they alone can look.`;
  if (dryRun) return `Would remove ${entries(found)} (${formatBytes(bytes)}) from the ${where}.${said(problem)}`;
  return problem === undefined
    ? `Removed ${entries(removed)} (${formatBytes(bytes)}) from the ${where}.`
    : `Removed ${count(removed)} of ${entries(found)} from the ${where}.${said(problem)}`;
}

function said(problem: string | undefined): string {
  return problem === undefined ? '' : ` Not all of it: ${problem.replace(/\.?$/, '.')}`;
}

/** Whom it reaches, and whom it doesn't. */
function notesOf(
  report: PurgeReport,
  { reaches, dryRun }: { readonly reaches: boolean; readonly dryRun: boolean },
): string[] {
  if (dryRun) return ['Nobody was told, and nothing was removed.'];
  if (!reaches) {
    return [
      'No serving process was told, as TINTYPE_CONTROL_SOCKET is blank: what one has in memory, or is fetching now, it may use and store again.',
    ];
  }
  if (report.announced) return ['The serving processes that can be reached from here use nothing older any more.'];
  return [`The serving processes were not told. ${report.problem ?? ''}`.trim()];
}

const named = (part: PurgedPart['part']): string => (part === 'cache' ? 'cache' : 'copies of sources');

const count = (number: number): string => number.toLocaleString('en-US');

const entries = (number: number): string => `${count(number)} ${number === 1 ? 'entry' : 'entries'}`;

/** At a terminal alone, and not beside JSON. */
function progressTo(stderr: NodeJS.WriteStream, json: boolean): (line: string) => void {
  let last = performance.now();
  return (line) => {
    if (json || stderr.isTTY !== true || performance.now() - last < PROGRESS_MS) return;
    last = performance.now();
    stderr.write(`${line}\n`);
  };
}
