import { randomBytes } from 'node:crypto';
import { type StorageKey, storageKey } from '@tintype/core';
import { storageRequirements } from '../catalogue/catalogue.ts';
import { countingAssertions } from '../engine/assertions.ts';
import {
  describeError,
  Inconclusive,
  NOTHING_ASSERTED,
  type Outcome,
  outcomeOf,
  type TestResult,
} from '../engine/outcome.ts';
import { Patience } from '../engine/patience.ts';
import { Random } from '../engine/random.ts';
import { forEachLimited, pause, type Settled, settled, TooLate, within } from '../engine/waiting.ts';
import { lackingOf } from './adapter-shape.ts';
import { hasCode, keysDiffer, StorageClient, shown } from './client.ts';
import { StorageEnv, type StorageTest } from './env.ts';
import type { StorageHarness, StorageSubject } from './harness.ts';
import { whyNotApplicable } from './needs.ts';
import { RunNotes, type Settling } from './run-notes.ts';
import { TracedAdapter } from './traced-adapter.ts';

export interface RunOptions {
  /** Any text; the same seed gives the same random choices. */
  readonly seed?: string | undefined;
  /** Seconds that the random parts may take together, about; default 10. */
  readonly budget?: number | undefined;
}

/** The budget of a run that names none, in seconds. */
export const DEFAULT_BUDGET = 10;

/** Longest time for an operation where the harness names none, in milliseconds: a slow disk may keep one for many seconds. */
const OPERATION_MS = 30_000;

/** How long a storage that could not be opened may take to close, in milliseconds: it seldom can. */
const HOPELESS_CLOSE_MS = 1_000;

/** A storage under test for as long as a run takes. */
export interface Shared {
  readonly subject: StorageSubject;
  readonly adapter: TracedAdapter;
}

/**
 * Runs tests against one harness, one after another: a shared adapter, a prefix of its own for each
 * test, and a look at what it left behind.
 */
export class StorageRun {
  readonly seed: string;
  readonly budget: number;
  /** Keys of the run begin with `conformance/<runId>/`. */
  readonly runId: string = `${Date.now().toString(36)}-${randomBytes(4).toString('hex')}`;
  readonly #harness: StorageHarness;
  readonly #leftovers: string[] = [];
  readonly #written = new Set<StorageKey>();
  readonly #notes = new RunNotes();
  readonly #mine = new Set<StorageSubject>();
  #shared: Promise<Shared> | undefined;
  /** Why it could not even be opened the first time: then nothing else is tried. */
  #neverOpened: { readonly error: unknown } | undefined;
  #number = 0;

  constructor(harness: StorageHarness, options: RunOptions = {}) {
    this.#harness = harness;
    this.seed = options.seed ?? 'tintype';
    this.budget = options.budget ?? DEFAULT_BUDGET;
  }

  get operationTimeoutMs(): number {
    return this.#harness.operationTimeoutMs ?? OPERATION_MS;
  }

  /** How long an eventual store took to settle so far. */
  get settling(): Settling {
    return this.#notes.settling;
  }

  /** Whether the storage could not be opened at all, so that no test could begin. */
  get neverOpened(): boolean {
    return this.#neverOpened !== undefined;
  }

  /** The shared subject, opened. @throws what `create` or `open` throws. */
  async shared(): Promise<Shared> {
    if (this.#neverOpened !== undefined) throw this.#neverOpened.error;
    this.#shared ??= this.#openShared();
    try {
      return await this.#shared;
    } catch (error) {
      this.#shared = undefined;
      if (this.#number === 0) this.#neverOpened = { error };
      throw error;
    }
  }

  async run(test: StorageTest): Promise<TestResult> {
    const started = performance.now();
    const outcome = await this.#attempt(test);
    return {
      requirement: test.requirement,
      title: test.title,
      outcome,
      ms: performance.now() - started,
      emulated: test.emulated ?? false,
    };
  }

  /** Closes and removes everything that the run made. */
  async finish(): Promise<void> {
    await this.#abandonShared();
  }

  async #attempt(test: StorageTest): Promise<Outcome> {
    let shared: Shared;
    try {
      shared = await this.shared();
    } catch (error) {
      const reason = `The storage could not be opened: ${describeError(error)}`;
      if (test.requirement === 'lifecycle.opens') return { kind: 'fail', problem: reason, details: [] };
      return { kind: 'inconclusive', reason };
    }
    const { subject, adapter } = shared;
    for (const need of storageRequirements.get(test.requirement)?.needs ?? []) {
      const reason = whyNotApplicable(need, adapter.capabilities, subject);
      if (reason !== undefined) return { kind: 'skipped', reason };
    }
    this.#written.clear();
    const env = new StorageEnv({
      adapter,
      subject,
      prefix: `conformance/${this.runId}/${this.#number++}/`,
      random: new Random(`${this.seed}/${test.requirement}/${test.title}`),
      scale: this.budget / DEFAULT_BUDGET,
      operationTimeoutMs: this.operationTimeoutMs,
      written: this.#written,
      notes: this.#notes,
      create: () => this.#create(),
      leftovers: this.#leftovers,
    });
    const limit = Math.max(test.timeoutMs ?? 0, this.operationTimeoutMs * 3);
    const running = countingAssertions(() => test.run(env));
    const result = await settled(within(limit, `The test (${test.title})`, running));
    await env.closeRest();
    for (const own of this.#mine) await settled(async () => own.dispose?.());
    this.#mine.clear();
    await this.#quiet(adapter);
    if (adapter.pending.length > 0) await this.#abandonShared();
    else await this.#cleanUp(test, env);
    if (!result.ok) return outcomeOf(result.error);
    return result.value > 0 ? { kind: 'pass' } : { kind: 'inconclusive', reason: NOTHING_ASSERTED };
  }

  /** Waits for operations that a test which failed has left under way; not for ever. */
  async #quiet(adapter: TracedAdapter): Promise<void> {
    const patience = new Patience(this.operationTimeoutMs);
    while (adapter.pending.length > 0 && !patience.isOver) await pause(5);
  }

  async #cleanUp(test: StorageTest, env: StorageEnv): Promise<void> {
    const problems: string[] = [];
    const client = new StorageClient(env.adapter, this.operationTimeoutMs, this.#notes);
    await forEachLimited([...this.#written], 16, async (key) => {
      const removed = await settled(client.delete(key));
      if (!removed.ok) problems.push(`${shown(key)} could not be deleted: ${describeError(removed.error)}`);
    });
    const empty = await settled(
      client.eventually(
        async () => keysDiffer(await client.keys(env.prefix), [], env.prefix),
        Math.max(client.listSettleMs, client.settleMs),
      ),
    );
    if (!empty.ok) problems.push(`after deleting everything, ${describeError(empty.error)}`);
    const leaks = await settled(async () => env.leaks());
    if (!leaks.ok) problems.push(`the leak hook failed: ${describeError(leaks.error)}`);
    else problems.push(...leaks.value);
    this.#leftovers.push(...problems.slice(0, 3).map((problem) => `${test.title}: ${problem}`));
  }

  async #create(): Promise<StorageSubject> {
    const subject = await this.#harness.create({ runId: this.runId });
    this.#mine.add(subject);
    return subject;
  }

  async #openShared(): Promise<Shared> {
    const subject = await within(
      this.operationTimeoutMs,
      'create() of the harness',
      Promise.resolve(this.#harness.create({ runId: this.runId })),
    );
    try {
      return await this.#openedIn(subject);
    } catch (error) {
      // What `create` made goes, too, where nothing can be tried in it.
      const closeWithin = Math.min(this.operationTimeoutMs, HOPELESS_CLOSE_MS);
      await settled(async () => within(closeWithin, 'close()', subject.adapter.close()));
      await settled(async () => subject.dispose?.());
      throw error;
    }
  }

  async #openedIn(subject: StorageSubject): Promise<Shared> {
    const lacking = lackingOf(subject?.adapter);
    if (subject?.adapter === undefined) throw new Inconclusive('`create` of its harness returned no `adapter`.');
    if (lacking.length > 0) throw new Inconclusive(`Its adapter lacks ${lacking.join(', ')}.`);
    const adapter = new TracedAdapter(subject.adapter, this.#written);
    await within(this.operationTimeoutMs, 'open()', adapter.open({ signal: new AbortController().signal }));
    if (this.#number > 0) {
      // Opened anew after a test that hung: what is below our prefix is ours, and goes with it.
      await this.#sweep(adapter);
      return { subject, adapter };
    }
    const prefix = `conformance/${this.runId}/`;
    const client = new StorageClient(adapter, this.operationTimeoutMs, this.#notes);
    // A listing that fails or never ends is found out by its own tests; a storage that is silent need not be tried.
    const [rows, miss] = await Promise.all([
      settled(client.list(prefix)),
      settled(client.stat(storageKey(`${prefix}nothing`))),
    ]);
    if (isLate(rows) && isLate(miss)) {
      throw new Inconclusive(`It never answers: neither list nor stat came back within ${this.operationTimeoutMs} ms.`);
    }
    // Many a store notices wrong credentials only when it is asked for something.
    if (isDenied(rows) && isDenied(miss)) throw miss.error;
    const foreign = rows.ok ? rows.value.find((row) => row.key.startsWith(prefix)) : undefined;
    if (foreign !== undefined) throw new Inconclusive(`${foreign.key} is there already: this prefix is not ours.`);
    return { subject, adapter };
  }

  async #sweep(adapter: TracedAdapter): Promise<void> {
    const client = new StorageClient(adapter, this.operationTimeoutMs, this.#notes);
    const left = await settled(client.list(`conformance/${this.runId}/`));
    if (!left.ok) return;
    await forEachLimited(left.value, 16, async ({ key }) => {
      if (key.startsWith(`conformance/${this.runId}/`)) await settled(client.delete(key));
    });
  }

  async #abandonShared(): Promise<void> {
    const shared = await settled(Promise.resolve(this.#shared));
    this.#shared = undefined;
    if (!shared.ok || shared.value === undefined) return;
    const { adapter, subject } = shared.value;
    adapter.giveUp();
    await settled(within(this.operationTimeoutMs, 'close()', adapter.close()));
    await settled(async () => subject.dispose?.());
  }
}

function isDenied<T>(outcome: Settled<T>): outcome is Settled<T> & { readonly ok: false } {
  return !outcome.ok && hasCode(outcome.error, 'access-denied');
}

function isLate(outcome: Settled<unknown>): boolean {
  return !outcome.ok && outcome.error instanceof TooLate;
}
