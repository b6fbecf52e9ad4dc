import { prefixed, type StorageAdapter, type StorageKey, storageKey } from '@tintype/core';
import type { StorageRequirementId } from '../catalogue/catalogue.ts';
import { asserted } from '../engine/assertions.ts';
import { describeError, Inconclusive, RequirementBroken } from '../engine/outcome.ts';
import type { Random } from '../engine/random.ts';
import { type Settled, settled, within } from '../engine/waiting.ts';
import { hasCode, StorageClient } from './client.ts';
import type { StorageSubject } from './harness.ts';
import { opened } from './intercepted.ts';
import type { RunNotes } from './run-notes.ts';
import { TracedAdapter } from './traced-adapter.ts';

/** One test of a requirement. Each proves, or breaks, exactly one id. */
export interface StorageTest {
  readonly requirement: StorageRequirementId;
  /** The behaviour, as a statement. */
  readonly title: string;
  /** Longest time for the whole test, where that is more than three times the limit of an operation. */
  readonly timeoutMs?: number;
  /** Its network conditions come from the fault proxy. */
  readonly emulated?: boolean;
  run(env: StorageEnv): Promise<void>;
}

/** What a run tells its tests. */
export interface StorageEnvInit {
  readonly adapter: StorageAdapter;
  readonly subject: StorageSubject;
  readonly prefix: string;
  readonly random: Random;
  readonly scale: number;
  readonly operationTimeoutMs: number;
  readonly written: Set<StorageKey>;
  readonly notes: RunNotes;
  /** Makes a subject that the test has for itself. */
  readonly create: () => Promise<StorageSubject>;
  readonly leftovers: string[];
}

/** What a test works with: a client of the shared adapter, and ways to get more of them. */
export class StorageEnv extends StorageClient {
  readonly subject: StorageSubject;
  /** All keys of the test begin with it, and it is empty at first. */
  readonly prefix: string;
  readonly random: Random;
  /** 1 with the default budget. */
  readonly scale: number;
  /** What earlier tests left behind. */
  readonly leftovers: readonly string[];
  readonly #init: StorageEnvInit;
  readonly #opened = new Set<StorageAdapter>();

  constructor(init: StorageEnvInit) {
    super(init.adapter, init.operationTimeoutMs, init.notes);
    this.#init = init;
    this.subject = init.subject;
    this.prefix = init.prefix;
    this.random = init.random;
    this.scale = init.scale;
    this.leftovers = init.leftovers;
  }

  key(name: string): StorageKey {
    return storageKey(this.prefix + name);
  }

  /** `count` scaled by the budget, at least `least`. */
  times(count: number, least = 1): number {
    return Math.max(least, Math.round(count * this.scale));
  }

  /** A subject of the test's own. The engine disposes of it; the test opens and closes its adapter. */
  create(): Promise<StorageSubject> {
    return this.#init.create();
  }

  /** Another unopened adapter on the same data. */
  sibling(): StorageAdapter {
    const { sibling } = this.subject;
    if (sibling === undefined) throw new Inconclusive('The harness has no `sibling`.');
    return this.subject.sibling?.() ?? this.adapter;
  }

  /** An unopened adapter on the same data below an operator's prefix. */
  prefixed(prefix: string): StorageAdapter {
    const { subject } = this;
    return subject.prefixed?.(prefix) ?? prefixed(subject.sibling?.() ?? opened(this.adapter), prefix);
  }

  /** Opens `adapter` as a further client; it is closed after the test unless the test does it. */
  async open(adapter: StorageAdapter): Promise<StorageClient> {
    const traced = new TracedAdapter(adapter, this.#init.written);
    await within(this.operationTimeoutMs, 'open()', traced.open(this.context()));
    this.#opened.add(traced);
    return new StorageClient(traced, this.operationTimeoutMs, this.#init.notes);
  }

  async close(client: StorageClient): Promise<void> {
    this.#opened.delete(client.adapter);
    await within(this.operationTimeoutMs, 'close()', client.adapter.close());
  }

  /** Closes what the test left open. */
  async closeRest(): Promise<void> {
    for (const adapter of this.#opened) {
      await settled(within(this.operationTimeoutMs, 'close()', Promise.resolve(adapter.close())));
    }
    this.#opened.clear();
  }

  /** What is open or left over now. */
  async leaks(subject: StorageSubject = this.subject): Promise<readonly string[]> {
    return (await subject.leaks?.()) ?? [];
  }

  /** Looks at what a storage of the test’s own left behind, for the requirement that nothing is. */
  async noteLeft(subject: StorageSubject): Promise<void> {
    const left = await settled(this.leaks(subject));
    const problems = left.ok ? left.value : [`its leak hook failed: ${describeError(left.error)}`];
    this.#init.leftovers.push(...problems.slice(0, 3).map((problem) => `a storage with a limit, closed: ${problem}`));
  }

  /** The operation rejects with a `StorageError` of this code. */
  async expectRefusal(what: string, operation: () => Promise<unknown>, ...codes: readonly string[]): Promise<void> {
    asserted();
    const outcome = await settled(operation);
    if (outcome.ok) throw new RequirementBroken(`${what} was not refused; expected ${codes.join(' or ')}.`);
    if (outcome.error instanceof RequirementBroken) throw outcome.error;
    if (hasCode(outcome.error, ...codes)) return;
    throw new RequirementBroken(`${what} rejected with ${nameOf(outcome)} instead of ${codes.join(' or ')}.`);
  }
}

function nameOf(outcome: Settled<unknown> & { readonly ok: false }): string {
  const { error } = outcome;
  if (error instanceof Error) {
    return 'code' in error ? `${error.name} \`${String(error.code)}\`` : `${error.name} (${error.message})`;
  }
  return String(error);
}

/** Breaks the requirement unless `condition` holds. */
export function expect(condition: boolean, problem: string): asserts condition {
  asserted();
  if (!condition) throw new RequirementBroken(problem);
}
