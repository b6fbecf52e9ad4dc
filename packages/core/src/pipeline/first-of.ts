/** Those who wait for an answer. */
export interface Waiting {
  /** How many they are at the moment. */
  readonly waiters: number;
  /** Calls `joined` each time when one more waits, instead of what was given before; `undefined` ends that. */
  onJoin(joined: (() => void) | undefined): void;
}

export interface FirstOfOptions<T> {
  readonly signal: AbortSignal;
  /** Milliseconds after which a second attempt is made. */
  readonly afterMs: number;
  /** They count from when this resolves; from the beginning unless given. */
  readonly begun?: Promise<void>;
  /** A second attempt is made for several only: at that time, or as soon as one more waits. */
  readonly waiting: Waiting;
  /** Gives up an answer that comes after another one has. */
  readonly release: (late: T) => void;
}

/**
 * The first answer of at most two attempts: a request that hangs must not hang all who wait for it.
 * The other one is aborted. Where both fail, the first one's error.
 */
export function firstOf<T>(
  attempt: (signal: AbortSignal) => Promise<T>,
  { signal, afterMs, begun, waiting, release }: FirstOfOptions<T>,
): Promise<T> {
  return new Promise((resolve, reject) => {
    const attempts: AbortController[] = [];
    let pending = 0;
    let won = false;
    let timer: NodeJS.Timeout | undefined;
    const end = () => {
      clearTimeout(timer);
      waiting.onJoin(undefined);
    };
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
          end();
          for (const other of attempts)
            if (other !== controller) other.abort(new Error('Another request was answered.'));
          resolve(answer);
        },
        (error) => {
          firstError ??= error;
          if (--pending > 0 || won) return;
          end();
          reject(firstError);
        },
      );
    };
    const startClock = () => {
      if (won || pending === 0) return;
      timer = setTimeout(againForSeveral, afterMs);
    };
    const againForSeveral = () => {
      if (signal.aborted) return;
      if (waiting.waiters < 2) {
        waiting.onJoin(againForSeveral);
        return;
      }
      waiting.onJoin(undefined);
      begin();
    };
    begin();
    if (begun === undefined) startClock();
    else begun.then(startClock);
  });
}
