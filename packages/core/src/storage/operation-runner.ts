import type { StorageCounters } from '../contracts/storage.ts';
import type { Awaitable } from '../contracts/storage-adapter.ts';
import { StorageError, type StorageErrorCode, type StorageOperation } from '../contracts/storage-error.ts';
import type { StorageKey } from '../contracts/storage-key.ts';
import type { OperationScope } from './operation-scope.ts';
import type { NormalisedBody } from './put-body.ts';
import { type Attempt, nextAttemptIn, type RetryPolicy } from './retry.ts';

/** `StorageCounters`, being counted. */
export class Counters implements StorageCounters {
  readonly operations: Record<StorageOperation, number> = {
    open: 0,
    close: 0,
    get: 0,
    stat: 0,
    put: 0,
    setMetadata: 0,
    delete: 0,
    list: 0,
    check: 0,
  };
  hits: number = 0;
  misses: number = 0;
  retries: number = 0;
  readonly errors: Partial<Record<StorageErrorCode, number>> = {};
}

/** What an error happened in. */
export interface Doing {
  readonly operation: StorageOperation;
  readonly key?: StorageKey | undefined;
  readonly scope: OperationScope;
  readonly body?: NormalisedBody;
}

/** Something that may be tried again. */
export interface Attempts<T> extends Doing {
  readonly conditional?: boolean;
  readonly attempt: () => Awaitable<T>;
}

/** An operation from its call to its answer. */
export interface Call<T> extends Attempts<T> {
  /** Releases what an answer holds that came after the deadline or the abort. */
  readonly late?: (value: T) => void;
}

/** Whether an answer is still to come. */
export function isPromise<T>(value: Awaitable<T>): value is Promise<T> {
  return typeof value === 'object' && value !== null && 'then' in value;
}

/** Runs operations of an adapter: tries again where that is safe, maps errors, counts. */
export class OperationRunner {
  readonly counters: Counters = new Counters();
  readonly #name: string;
  readonly #retry: RetryPolicy;
  readonly #random: () => number;

  /** @param name the adapter's id, for errors. */
  constructor(name: string, retry: RetryPolicy, random: () => number) {
    this.#name = name;
    this.#retry = retry;
    this.#random = random;
  }

  /** What `make` makes; its errors are mapped. */
  guarded<T>(operation: StorageOperation, key: StorageKey, make: () => T): T {
    try {
      return make();
    } catch (error) {
      throw this.mapped(operation, key, error, undefined);
    }
  }

  /**
   * Runs an operation under its scope's deadline. At once, without a promise, where the adapter answers so.
   *
   * @throws StorageError, or the caller's own reason (see `outward`).
   */
  run<T>(call: Call<T> & { readonly operation: 'get' | 'stat' }): Awaitable<T>;
  run<T>(call: Call<T>): Promise<T>;
  run<T>(call: Call<T>): Awaitable<T> {
    if (call.operation === 'open' || call.operation === 'close') this.counters.operations[call.operation]++;
    let first: Awaitable<T>;
    try {
      call.scope.throwIfEnded();
      first = call.attempt();
      if (!isPromise(first)) return first;
    } catch (error) {
      first = Promise.reject(error);
    }
    return call.scope.race(this.settle(call, first), call.late).catch((error) => {
      throw this.outward(call, error);
    });
  }

  /** Tries until it succeeds or must not be tried again. What it rejects with is neither mapped nor counted. */
  async settle<T>(call: Attempts<T>, first: Awaitable<T> = call.attempt()): Promise<T> {
    for (let number = 1; ; number++) {
      try {
        const value = await (number === 1 ? first : call.attempt());
        const failure = call.body?.failure;
        if (failure) throw failure.error;
        return value;
      } catch (error) {
        if (!StorageError.is(error) || call.body?.failure !== undefined || call.scope.ended) throw error;
        const attempt: Attempt = {
          operation: call.operation,
          number,
          conditional: call.conditional ?? false,
          // A close is called once.
          replayable: call.operation !== 'close' && (call.body?.canReplay ?? true),
        };
        const wait = nextAttemptIn(error, attempt, this.#retry, this.#random());
        if (wait === undefined || !(await call.scope.pause(wait))) throw error;
        this.count(error);
        this.counters.retries++;
        call.body?.rewind();
      }
    }
  }

  /** What the caller sees of an error: the body's own, the caller's abort reason, or ours. */
  outward(call: Doing, error: unknown): unknown {
    const failure = call.body?.failure;
    if (failure && !StorageError.is(failure.error)) return failure.error;
    const ended = call.scope.ended;
    if (ended && !StorageError.is(ended.reason)) return ended.reason;
    return this.mapped(call.operation, call.key, failure?.error ?? ended?.reason ?? error, undefined);
  }

  /**
   * An error as a `StorageError` that tells where it happened; counts it, unless it told already.
   *
   * @param signal the caller's; its reason stays as it is.
   */
  mapped(
    operation: StorageOperation,
    key: StorageKey | undefined,
    error: unknown,
    signal: AbortSignal | undefined,
  ): unknown {
    if (signal?.aborted && error === signal.reason) return error;
    if (StorageError.is(error)) {
      if (error.operation !== undefined && error.adapter !== undefined) return error;
      return this.count(error.with({ operation, adapter: this.#name, ...(key === undefined ? {} : { key }) }));
    }
    return this.count(
      new StorageError({
        code: 'internal',
        message: `The storage ${this.#name} failed in an unforeseen way: ${error instanceof Error ? error.message : String(error)}`,
        operation,
        adapter: this.#name,
        cause: error,
        ...(key === undefined ? {} : { key }),
      }),
    );
  }

  /** Counts an error that is not mapped here. */
  count(error: StorageError): StorageError {
    this.counters.errors[error.code] = (this.counters.errors[error.code] ?? 0) + 1;
    return error;
  }
}
