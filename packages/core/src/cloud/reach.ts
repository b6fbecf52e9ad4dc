import type { CheckResult } from '../contracts/storage-adapter.ts';
import { StorageError } from '../contracts/storage-error.ts';

/** A backend behind a connection, and how to find out whether it can be used. */
export interface Reachable<C extends { close(): void | Promise<void> }> {
  /** Makes a connection; nothing need be sent. */
  connect(): Promise<C>;
  /** Asks what every cache needs an answer to: whether the credentials may list the bucket. */
  reach(connection: C): Promise<void>;
  /** What a failure means: `StorageError`, or the reason of the signal. */
  failure(error: unknown): unknown;
}

/**
 * A connection to a backend that can be used.
 *
 * @throws what `failure` makes of it.
 */
export async function reached<C extends { close(): void | Promise<void> }>(backend: Reachable<C>): Promise<C> {
  let connection: C | undefined;
  try {
    connection = await backend.connect();
    await backend.reach(connection);
    return connection;
  } catch (error) {
    await connection?.close();
    throw backend.failure(error);
  }
}

/**
 * `check` of a storage.
 *
 * @param open its connection. Where there is none because `open` has failed, what it failed of is what
 *   is asked for, by a connection of its own.
 */
export async function checkBackend<C extends { close(): void | Promise<void> }>(
  summary: string,
  backend: Reachable<C>,
  open: C | undefined,
): Promise<CheckResult> {
  try {
    if (open === undefined) await (await reached(backend)).close();
    else await backend.reach(open);
    return { ok: true, summary };
  } catch (error) {
    const failure = backend.failure(error);
    if (!StorageError.is(failure)) throw failure;
    return { ok: false, summary, problem: failure.message };
  }
}
