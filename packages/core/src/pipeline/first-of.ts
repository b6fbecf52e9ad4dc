export interface FirstOfOptions<T> {
  readonly signal: AbortSignal;
  /** Milliseconds after which a second attempt is made. */
  readonly afterMs: number;
  /** They count from when this resolves; from the beginning unless given. */
  readonly begun?: Promise<void>;
  /** Asked then. */
  readonly isWorthIt: () => boolean;
  /** Gives up an answer that comes after another one has. */
  readonly release: (late: T) => void;
}

/**
 * The first answer of at most two attempts: a request that hangs must not hang all who wait for it.
 * The other one is aborted. Where both fail, the first one's error.
 */
export function firstOf<T>(
  attempt: (signal: AbortSignal) => Promise<T>,
  { signal, afterMs, begun, isWorthIt, release }: FirstOfOptions<T>,
): Promise<T> {
  return new Promise((resolve, reject) => {
    const attempts: AbortController[] = [];
    let pending = 0;
    let won = false;
    let timer: NodeJS.Timeout | undefined;
    let firstError: unknown;
    const begin = () => {
      const controller = new AbortController();
      attempts.push(controller);
      pending++;
      attempt(AbortSignal.any([signal, controller.signal])).then(
        (answer) => {
          if (won) {
            release(answer);
            return;
          }
          won = true;
          clearTimeout(timer);
          for (const other of attempts)
            if (other !== controller) other.abort(new Error('Another request was answered.'));
          resolve(answer);
        },
        (error) => {
          firstError ??= error;
          if (--pending > 0 || won) return;
          clearTimeout(timer);
          reject(firstError);
        },
      );
    };
    const startClock = () => {
      if (won || pending === 0) return;
      timer = setTimeout(() => {
        if (isWorthIt() && !signal.aborted) begin();
      }, afterMs);
    };
    begin();
    if (begun === undefined) startClock();
    else begun.then(startClock);
  });
}
