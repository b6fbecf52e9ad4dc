import type { CheckResult } from '../contracts/storage-adapter.ts';
import { StorageError } from '../contracts/storage-error.ts';

/** How a backend is connected to, and how to find out whether it can be used. */
export interface BackendAccess<C> {
  /** Makes a connection; nothing need be sent. */
  connect(): Promise<C>;
  /** Asks what every cache needs an answer to: whether the credentials open the bucket. */
  reach(connection: C, signal: AbortSignal): Promise<void>;
  /** What a failure of these two means: `StorageError`, or the reason of the signal. */
  failure(error: unknown, signal: AbortSignal): unknown;
}

/** The connection of a storage to its backend: there from `open` on. */
export class Backend<C extends { close(): void | Promise<void> }> {
  readonly #access: BackendAccess<C>;
  #connection: C | undefined;
  /** Of the last `open`. */
  #prepare: ((connection: C) => Promise<void>) | undefined;

  constructor(access: BackendAccess<C>) {
    this.#access = access;
  }

  /** @throws StorageError `closed` if the storage has not been opened. */
  get connection(): C {
    if (this.#connection !== undefined) return this.#connection;
    throw new StorageError({ code: 'closed', message: 'This storage has not been opened.' });
  }

  /**
   * Connects to a backend that can be used.
   *
   * @param prepare what else must be done before the storage is open; the connection ends if it fails.
   * @throws what `failure` makes of it.
   */
  async open(signal: AbortSignal, prepare?: (connection: C) => Promise<void>): Promise<void> {
    signal.throwIfAborted();
    this.#prepare = prepare;
    this.#connection = await this.#reached(signal);
  }

  /**
   * `check` of a storage. Where there is no connection because `open` has failed, what it failed of is
   * asked for, by a connection of its own, and with what else `open` does.
   */
  async check(summary: string, signal: AbortSignal): Promise<CheckResult> {
    const open = this.#connection;
    try {
      if (open === undefined) await (await this.#reached(signal)).close();
      else await this.#access.reach(open, signal);
      return { ok: true, summary };
    } catch (error) {
      const failure = this.#access.failure(error, signal);
      if (!StorageError.is(failure)) throw failure;
      return { ok: false, summary, problem: failure.message };
    }
  }

  /** Breaks off what is still running. */
  async close(): Promise<void> {
    await this.#connection?.close();
  }

  async #reached(signal: AbortSignal): Promise<C> {
    let connection: C | undefined;
    try {
      connection = await this.#access.connect();
      await this.#access.reach(connection, signal);
      await this.#prepare?.(connection);
      return connection;
    } catch (error) {
      await connection?.close();
      throw this.#access.failure(error, signal);
    }
  }
}
