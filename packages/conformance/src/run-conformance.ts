import { StorageError } from '@tintype/core';
import { describeError, type TestResult } from './engine/outcome.ts';
import { settled } from './engine/waiting.ts';
import { type ProfileRow, profile } from './profile/profile.ts';
import { countRequests, withRequests } from './profile/requests.ts';
import { environmentNow, type Report, type SubjectReport } from './report/report.ts';
import type { StorageHarness } from './storage/harness.ts';
import { DEFAULT_BUDGET, type RunOptions, type Shared, StorageRun } from './storage/run.ts';
import { isChosen } from './storage/storage-conformance.ts';
import { storageTests } from './storage/tests/all.ts';

/** A storage by the name that the report gives it. */
export interface NamedHarness {
  readonly name: string;
  readonly harness: StorageHarness;
}

export interface ConformanceOptions extends RunOptions {
  readonly subjects: readonly NamedHarness[];
  /** Only requirements whose id begins with one of these. */
  readonly only?: readonly string[] | undefined;
  /** Measure latencies too. */
  readonly profile?: boolean | undefined;
  /** Hears of each storage as it is opened, and of each test as it begins and ends. */
  readonly onProgress?: ((progress: Progress) => void) | undefined;
  /** Ends the run when the test under way has ended, and cleaned up behind itself. */
  readonly signal?: AbortSignal | undefined;
}

/** The title in `Progress` until a storage is open. */
export const OPENING = 'opening it';

/** How far a run is. */
export interface Progress {
  readonly subject: string;
  /** Tests that have ended. */
  readonly done: number;
  readonly total: number;
  readonly title: string;
  /** Of the test that just ended. */
  readonly result: TestResult | undefined;
}

/** The run could not take place, for a reason that the message tells in one sentence. */
export class CannotRun extends Error {
  override readonly name = 'CannotRun';
}

/**
 * Runs the suite against storages, one after another, and tells what it found. Writes below a prefix
 * of its own, deletes what it wrote and nothing else.
 *
 * @throws CannotRun if a storage cannot be made or opened, or if `signal` ended the run.
 */
export async function runConformance(options: ConformanceOptions): Promise<Report> {
  const startedAt = new Date().toISOString();
  const tests = storageTests.filter((test) => isChosen(test.requirement, options.only));
  if (tests.length === 0) throw new CannotRun(`No requirement begins with ${options.only?.join(' or ')}.`);
  const subjects: SubjectReport[] = [];
  let seed = options.seed ?? 'tintype';
  for (const { name, harness } of options.subjects) {
    const run = new StorageRun(harness, options);
    seed = run.seed;
    const started = performance.now();
    options.onProgress?.({ subject: name, total: tests.length, title: OPENING, done: 0, result: undefined });
    const shared = await settled(run.shared());
    if (!shared.ok) {
      await run.finish();
      throw new CannotRun(whyNot(name, shared.error));
    }
    const results: TestResult[] = [];
    for (const test of tests) {
      if (options.signal?.aborted) {
        await run.finish();
        throw new CannotRun(`${name} was left after ${results.length} of ${tests.length} tests: the run was stopped.`);
      }
      const state = { subject: name, total: tests.length, title: test.title };
      options.onProgress?.({ ...state, done: results.length, result: undefined });
      const result = await run.run(test);
      results.push(result);
      options.onProgress?.({ ...state, done: results.length, result });
    }
    const again = options.profile ? await settled(run.shared()) : undefined;
    const rows = again?.ok ? await profiled(run, again.value) : [];
    const { capabilities } = shared.value.adapter;
    await run.finish();
    const ms = performance.now() - started;
    subjects.push({ name, capabilities, results, settling: run.settling, profile: rows, ms });
  }
  return {
    kind: 'tintype-conformance',
    formatVersion: 1,
    startedAt,
    seed,
    budget: options.budget ?? DEFAULT_BUDGET,
    environment: environmentNow(),
    subjects,
  };
}

async function profiled(run: StorageRun, { adapter, subject }: Shared): Promise<readonly ProfileRow[]> {
  const prefix = `conformance/${run.runId}/profile/`;
  const rows = await profile(adapter.inner, { prefix, budget: run.budget, seed: run.seed });
  return withRequests(rows, await countRequests(subject, prefix));
}

/** Why a storage could not be opened, in a sentence that says what to do. */
function whyNot(name: string, error: unknown): string {
  const message = error instanceof Error ? error.message.replace(/\.$/, '') : String(error);
  if (StorageError.is(error)) {
    switch (error.code) {
      case 'access-denied':
        return `${name} refused the credentials: ${message}.`;
      case 'misconfigured':
        return `${name} is not set up: ${message}.`;
      case 'unavailable':
      case 'timeout':
        return `${name} cannot be reached: ${message}.`;
    }
    return `${name} could not be opened (${error.code}): ${message}.`;
  }
  if (message.startsWith('It never answers: ')) return `${name} never answers: ${message.split(': ')[1]}.`;
  if (message.includes('did not settle within')) return `${name} never answers: ${message}.`;
  return `${name} could not be opened: ${describeError(error).replace(/\.$/, '')}.`;
}
