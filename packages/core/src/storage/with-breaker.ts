import { collect, passingBack } from '../bodies.ts';
import type { Body, ByteStream } from '../contracts/body.ts';
import type { StorageCapabilities } from '../contracts/capabilities.ts';
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
  StoredMetadata,
  Version,
  VersionCondition,
} from '../contracts/storage-adapter.ts';
import { StorageError, type StorageErrorCode } from '../contracts/storage-error.ts';
import type { StorageKey } from '../contracts/storage-key.ts';
import { Breaker, type Passage } from './breaker.ts';
import { Overdue } from './overdue.ts';
import { OPEN_PATIENCE_MS } from './tier.ts';

/** How long a full storage is not written to, in milliseconds: eviction or an operator must act first. */
const NO_SPACE_PAUSE = 30_000;

/** The storage works: the entry or the condition was at fault. */
const ANSWERS: ReadonlySet<StorageErrorCode> = new Set(['precondition-failed', 'conflict', 'corrupt']);

/** May have been found out without asking the storage. */
const SAYS_NOTHING: ReadonlySet<StorageErrorCode> = new Set(['too-large', 'unsupported', 'invalid-argument']);

export interface BreakerSettings {
  /** After so many milliseconds without an answer a read counts as failed. */
  readonly readDeadlineMs: number;
  /** Told when reads or writes are paused, with the code of the last failure, and when they work again. */
  readonly onChange: (access: 'reads' | 'writes', state: 'working' | 'paused', code: string | undefined) => void;
  /** Milliseconds on a clock that never jumps; for tests. */
  readonly now?: () => number;
}

/**
 * `storage`, left alone while it does not work: `get` and `put` then reject at once with `unavailable`
 * instead of letting everyone wait for the deadline. See `Breaker` for when that begins and ends.
 *
 * Reads and writes have a breaker each, since a full or read-only disk still serves hits; but what
 * can't be read isn't written either. A probe of reads costs nobody a wait: the read that is due for it
 * goes on in the background while its caller is told to do without. What an operator does (`check`,
 * `list`, `delete`) always goes through.
 */
export function withBreaker(storage: StorageAdapter, settings: BreakerSettings): StorageAdapter {
  return new BreakingStorage(storage, settings);
}

class BreakingStorage implements StorageAdapter {
  readonly #storage: StorageAdapter;
  readonly #readDeadlineMs: number;
  readonly #reads: Breaker;
  readonly #writes: Breaker;
  readonly #late: Overdue;

  constructor(storage: StorageAdapter, settings: BreakerSettings) {
    const { readDeadlineMs, onChange, now = () => performance.now() } = settings;
    this.#storage = storage;
    this.#readDeadlineMs = readDeadlineMs;
    this.#late = new Overdue(readDeadlineMs, now);
    this.#reads = new Breaker({ now, onChange: (state, code) => onChange('reads', state, code) });
    this.#writes = new Breaker({ now, onChange: (state, code) => onChange('writes', state, code) });
  }

  get capabilities(): StorageCapabilities {
    return this.#storage.capabilities;
  }

  /** Paused until it is open, if that fails or takes long: others may go on without it. */
  async open(context: OperationContext): Promise<void> {
    const pause = (code: string) => this.#reads.pause(code, Number.POSITIVE_INFINITY);
    const timer = setTimeout(() => pause('timeout'), OPEN_PATIENCE_MS);
    timer.unref();
    try {
      await this.#storage.open(context);
      this.#reads.resume();
    } catch (error) {
      pause(StorageError.is(error) ? error.code : 'internal');
      throw error;
    } finally {
      clearTimeout(timer);
    }
  }

  close(): Promise<void> {
    return this.#storage.close();
  }

  get(key: StorageKey, range: ByteRange | undefined, context: OperationContext): Awaitable<GetOutcome> {
    this.#late.sweep();
    if (!this.#reads.working) {
      if (this.#reads.enter() === 'probe') this.#probe(key);
      return Promise.reject(paused('read'));
    }
    const outcome = this.#storage.get(key, range, context);
    // An answer from memory says nothing about what is asked when memory has none.
    if (!(outcome instanceof Promise)) return outcome;
    return this.#watched(outcome, context, true).then((found) =>
      found?.kind === 'entry' && found.body.buffered === undefined
        ? { ...found, body: new WatchedBody(found.body, (step) => this.#watched(step, context, false)) }
        : found,
    );
  }

  stat(key: StorageKey, context: OperationContext): Awaitable<EntryInfo | undefined> {
    return this.#storage.stat(key, context);
  }

  put(
    key: StorageKey,
    body: PutBody,
    metadata: StoredMetadata,
    condition: PutCondition | undefined,
    context: OperationContext,
  ): Promise<Version> {
    return this.#write(context, body.bytes === undefined, () =>
      this.#storage.put(key, body, metadata, condition, context),
    );
  }

  setMetadata(
    key: StorageKey,
    metadata: StoredMetadata,
    condition: VersionCondition | undefined,
    context: OperationContext,
  ): Promise<Version | undefined> {
    return this.#write(context, false, () => this.#storage.setMetadata(key, metadata, condition, context));
  }

  delete(key: StorageKey, condition: VersionCondition | undefined, context: OperationContext): Promise<void> {
    return this.#storage.delete(key, condition, context);
  }

  list(prefix: string, after: StorageKey | undefined, context: OperationContext): AsyncIterable<ListedEntry> {
    return this.#storage.list(prefix, after, context);
  }

  check(context: OperationContext): Promise<CheckResult> {
    return this.#storage.check(context);
  }

  /** Follows a read to its end, or until it is overdue. */
  #watched<T>(reading: Promise<T>, context: OperationContext, countSuccess: boolean): Promise<T> {
    const end = this.#late.begin(() => this.#reads.failed('pass', 'timeout'));
    return reading.then(
      (value) => {
        if (end() && countSuccess) this.#reads.succeeded('pass');
        return value;
      },
      (error) => {
        if (end()) judge(this.#reads, 'pass', error, isAbort(error, context));
        throw error;
      },
    );
  }

  /** Reads in the background, whatever key is at hand, to see whether there is an answer again. */
  #probe(key: StorageKey): void {
    const signal = AbortSignal.timeout(this.#readDeadlineMs);
    const onAbort = () => this.#reads.failed('probe', 'timeout');
    signal.addEventListener('abort', onAbort, { once: true });
    const probe = async () => {
      const outcome = await this.#storage.get(key, undefined, { signal });
      if (outcome?.kind === 'entry') outcome.body.discard().catch(() => undefined);
    };
    // What comes after the deadline was counted as a failure, and must not pass for a newer probe.
    probe()
      .then(
        () => {
          if (!signal.aborted) this.#reads.succeeded('probe');
        },
        (error) => {
          if (!signal.aborted) judge(this.#reads, 'probe', error, false);
        },
      )
      .finally(() => signal.removeEventListener('abort', onAbort));
  }

  /** @param streamed whether an error that is no `StorageError` may be that of the caller's stream. */
  async #write<T>(context: OperationContext, streamed: boolean, write: () => Promise<T>): Promise<T> {
    this.#late.sweep();
    if (!this.#reads.working) throw paused('written to');
    const passage = this.#writes.enter();
    if (passage === 'skip') throw paused('written to');
    let settled = false;
    // The storage may hang and ignore that it was aborted; then nothing else would tell.
    const onAbort = () => {
      if (settled) return;
      settled = true;
      judge(this.#writes, passage, context.signal.reason, true);
    };
    context.signal.addEventListener('abort', onAbort, { once: true });
    try {
      const value = await write();
      if (!settled) this.#writes.succeeded(passage);
      return value;
    } catch (error) {
      if (!settled) judge(this.#writes, passage, error, streamed || isAbort(error, context));
      throw error;
    } finally {
      settled = true;
      context.signal.removeEventListener('abort', onAbort);
    }
  }
}

/**
 * Tells the breaker what a failure says about the storage.
 *
 * @param foreign whether an error that is no `StorageError` comes from the caller: it went away, or
 *   what was to be stored broke off. A deadline that has passed is a `StorageError`.
 */
function judge(breaker: Breaker, passage: Passage, error: unknown, foreign: boolean): void {
  if (!StorageError.is(error)) {
    if (foreign) breaker.gaveUp(passage);
    else breaker.failed(passage, 'internal');
  } else if (error.code === 'no-space') breaker.pause(error.code, NO_SPACE_PAUSE);
  else if (ANSWERS.has(error.code)) breaker.succeeded(passage);
  else if (SAYS_NOTHING.has(error.code)) breaker.gaveUp(passage);
  else breaker.failed(passage, error.code);
}

function isAbort(error: unknown, { signal }: OperationContext): boolean {
  return signal.aborted && error === signal.reason;
}

function paused(what: string): StorageError {
  return new StorageError({
    code: 'unavailable',
    message: `The storage has failed too often and is not ${what} for a moment.`,
    retryable: false,
  });
}

/** A body that is streamed from the storage: each step of it is a read that may fail or hang. */
class WatchedBody implements Body {
  readonly buffered = undefined;
  readonly #body: Body;
  readonly #watched: <T>(step: Promise<T>) => Promise<T>;

  constructor(body: Body, watched: <T>(step: Promise<T>) => Promise<T>) {
    this.#body = body;
    this.#watched = watched;
  }

  bytes(): Promise<Uint8Array> {
    return collect(this.stream());
  }

  stream(): ByteStream {
    const steps = this.#body.stream();
    const watched = this.#watched;
    const chunks: ByteStream = {
      [Symbol.asyncIterator]: () => {
        const iterator = steps[Symbol.asyncIterator]();
        return {
          next: () => watched(iterator.next()),
          return: async () => {
            await iterator.return?.();
            return { done: true, value: undefined };
          },
        };
      },
    };
    return passingBack(chunks, () => steps);
  }

  discard(): Promise<void> {
    return this.#body.discard();
  }
}
