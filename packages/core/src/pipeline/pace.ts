/**
 * The slowest that a raw source may come, in bytes a second, from the end of the time-out on: 64 MiB
 * take 34 minutes at most, and who sends a byte now and then holds nothing for long.
 */
export const SLOWEST_BYTES_PER_SECOND: number = 32 * 1024;

/** The longest that a timer takes; a longer one fires at once. */
const LONGEST_TIMER_MS = 2 ** 31 - 1;

/** What shall come in time. */
export interface Paced {
  /** Bytes that have come so far. */
  readonly size: number;
  /** For how long more might have come and had to wait for its readers, in milliseconds. */
  readonly heldMs?: number;
}

/**
 * Calls `onTooSlow` once `body` has been coming for longer than `graceMs` and its bytes at the slowest
 * pace account for. Returns how to stop watching.
 */
export function watchPace(body: Paced, graceMs: number, onTooSlow: () => void): () => void {
  const started = performance.now();
  let timer: NodeJS.Timeout;
  const check = () => {
    const allowedMs = graceMs + (body.size * 1_000) / SLOWEST_BYTES_PER_SECOND + (body.heldMs ?? 0);
    const restMs = allowedMs - (performance.now() - started);
    if (restMs > 0) timer = setTimeout(check, Math.min(Math.ceil(restMs), LONGEST_TIMER_MS));
    else onTooSlow();
  };
  check();
  return () => clearTimeout(timer);
}
