import type {
  Awaitable,
  ByteRange,
  CheckResult,
  EntryInfo,
  GetOutcome,
  ListedEntry,
  OperationContext,
  PutBody,
  PutCondition,
  StorageAdapter,
  StorageCapabilities,
  StorageKey,
  StoredMetadata,
  Version,
  VersionCondition,
} from '@tintype/core';
import { Inconclusive, RequirementBroken } from '../engine/outcome.ts';
import { turn } from '../engine/waiting.ts';
import { boundedBody } from './bounded-body.ts';

/** More rows than the suite ever writes below a prefix of its own. */
const ENDLESS_LISTING = 50_000;
/** Rows after which timers get their turn, also if the adapter never waits. */
const ROWS_PER_TURN = 200;

/**
 * An adapter that remembers which keys were written and which operations are under way, so that the
 * suite can clean up behind a storage whose `list` lies, and can name the operation that hangs.
 */
export class TracedAdapter implements StorageAdapter {
  readonly inner: StorageAdapter;
  readonly #written: Set<StorageKey>;
  readonly #pending = new Map<number, string>();
  #calls = 0;
  #givenUp = false;

  constructor(inner: StorageAdapter, written: Set<StorageKey>) {
    this.inner = inner;
    this.#written = written;
  }

  get capabilities(): StorageCapabilities {
    return this.inner.capabilities;
  }

  /** Ends listings that are still being read: nobody waits for them. */
  giveUp(): void {
    this.#givenUp = true;
  }

  /** Operations that have not settled, in words. */
  get pending(): readonly string[] {
    return [...this.#pending.values()];
  }

  open(context: OperationContext): Promise<void> {
    return this.#watch('open()', () => this.inner.open(context)) as Promise<void>;
  }

  close(): Promise<void> {
    return this.#watch('close()', () => this.inner.close()) as Promise<void>;
  }

  get(key: StorageKey, range: ByteRange | undefined, context: OperationContext): Awaitable<GetOutcome> {
    const what = `get(${key})`;
    // Member by member: an adapter may answer with an object of a class.
    const bounded = (outcome: GetOutcome): GetOutcome => {
      if (outcome?.kind !== 'entry') return outcome;
      const { kind, metadata, size, version, range: part } = outcome;
      return { kind, metadata, size, version, range: part, body: boundedBody(outcome.body, size, what) };
    };
    const outcome = this.#watch(what, () => this.inner.get(key, range, context));
    return outcome instanceof Promise ? outcome.then(bounded) : bounded(outcome);
  }

  stat(key: StorageKey, context: OperationContext): Awaitable<EntryInfo | undefined> {
    return this.#watch(`stat(${key})`, () => this.inner.stat(key, context));
  }

  async put(
    key: StorageKey,
    body: PutBody,
    metadata: StoredMetadata,
    condition: PutCondition | undefined,
    context: OperationContext,
  ): Promise<Version> {
    this.#written.add(key);
    return this.#watch(`put(${key})`, () => this.inner.put(key, body, metadata, condition, context));
  }

  async setMetadata(
    key: StorageKey,
    metadata: StoredMetadata,
    condition: VersionCondition | undefined,
    context: OperationContext,
  ): Promise<Version | undefined> {
    this.#written.add(key);
    return this.#watch(`setMetadata(${key})`, () => this.inner.setMetadata(key, metadata, condition, context));
  }

  async delete(key: StorageKey, condition: VersionCondition | undefined, context: OperationContext): Promise<void> {
    return this.#watch(`delete(${key})`, () => this.inner.delete(key, condition, context));
  }

  list(prefix: string, after: StorageKey | undefined, context: OperationContext): AsyncIterable<ListedEntry> {
    return this.#listing(prefix, after, context);
  }

  check(context: OperationContext): Promise<CheckResult> {
    return this.#watch('check()', () => this.inner.check(context)) as Promise<CheckResult>;
  }

  async *#listing(
    prefix: string,
    after: StorageKey | undefined,
    context: OperationContext,
  ): AsyncGenerator<ListedEntry, void> {
    const call = this.#calls++;
    const iterator = this.inner.list(prefix, after, context)[Symbol.asyncIterator]();
    let ended = false;
    let rows = 0;
    try {
      for (;;) {
        this.#pending.set(call, `list(${prefix})`);
        const step = await this.#next(iterator, () => {
          ended = true;
        });
        this.#pending.delete(call);
        if (step.done) {
          ended = true;
          return;
        }
        yield step.value;
        if (++rows % ROWS_PER_TURN === 0) await turn();
        if (this.#givenUp) throw new Inconclusive('The run has given up on this storage.');
        if (rows > ENDLESS_LISTING && prefix.startsWith('conformance/')) {
          throw new RequirementBroken(`list(${prefix}) did not end after ${rows} rows.`);
        }
      }
    } finally {
      this.#pending.delete(call);
      if (!ended) await iterator.return?.();
    }
  }

  async #next(
    iterator: AsyncIterator<ListedEntry, unknown>,
    onFailure: () => void,
  ): Promise<IteratorResult<ListedEntry, unknown>> {
    try {
      return await iterator.next();
    } catch (error) {
      onFailure();
      throw error;
    }
  }

  #watch<T>(name: string, operation: () => Awaitable<T>): Awaitable<T> {
    const result = operation();
    if (!(result instanceof Promise)) return result;
    const call = this.#calls++;
    this.#pending.set(call, name);
    return result.finally(() => this.#pending.delete(call));
  }
}
