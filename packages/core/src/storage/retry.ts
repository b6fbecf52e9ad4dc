import type { StorageError, StorageOperation } from '../contracts/storage-error.ts';

/** Waits between attempts, in milliseconds. */
export interface RetryPolicy {
  /** Attempts in all; 1 = never again. */
  readonly attempts: number;
  /** The first wait is between half of it and all of it; each further one doubles. */
  readonly baseMs: number;
  readonly maxMs: number;
}

export const DEFAULT_RETRY: RetryPolicy = { attempts: 3, baseMs: 50, maxMs: 1_000 };

/** What a decision to try again depends upon, besides the error. */
export interface Attempt {
  readonly operation: StorageOperation;
  /** 1 for the first. */
  readonly number: number;
  readonly conditional: boolean;
  /** Whether a put's body can be read from its start again. */
  readonly replayable: boolean;
}

/**
 * Milliseconds to wait before the next attempt, or `undefined` to give up.
 *
 * A conditional write whose fate is unknown is never repeated: if the first one was applied, the
 * second would fail its condition and report a loss that was a win.
 *
 * @param random in [0, 1), so that a crowd does not come back as one.
 */
export function nextAttemptIn(
  error: StorageError,
  attempt: Attempt,
  policy: RetryPolicy,
  random: number,
): number | undefined {
  if (!error.retryable || attempt.number >= policy.attempts || !attempt.replayable) return undefined;
  if (attempt.conditional && error.applied === 'unknown') return undefined;
  const backoff = Math.min(policy.maxMs, policy.baseMs * 2 ** (attempt.number - 1)) * (0.5 + random / 2);
  return Math.max(error.retryAfterMs ?? 0, backoff);
}
