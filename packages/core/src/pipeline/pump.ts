import type { OriginResponse } from '../contracts/origin.ts';
import type { Spool } from './spool.ts';

/** Sees every chunk once it can be read; it must not hold on to it. */
export interface Tap {
  update(chunk: Uint8Array): unknown;
}

/**
 * Moves a response into a spool, at the origin's pace, and past a tap, such as a hash. Where it does not come to its
 * end the spool fails and the response is given up, also if the origin ignores its signal.
 *
 * @throws what the origin, the spool, or the signal says.
 */
export async function pump(response: OriginResponse, spool: Spool, signal: AbortSignal, tap?: Tap): Promise<void> {
  const copy = async () => {
    const stream = response.body.stream();
    for await (const chunk of stream) {
      const kept = await spool.write(chunk);
      tap?.update(chunk);
      if (!kept) stream.recycle?.(chunk);
    }
  };
  try {
    await until(signal, copy());
    spool.end();
  } catch (error) {
    spool.fail(error);
    giveUp(response);
    throw error;
  }
}

/**
 * `promise`, or the abort reason at once: a part that ignores its signal must not hang everyone.
 *
 * @param late gets what comes after that, to release what it holds.
 */
export function until<T>(signal: AbortSignal, promise: Promise<T>, late?: (value: T) => void): Promise<T> {
  return new Promise((resolve, reject) => {
    const onAbort = () => {
      reject(signal.reason);
      if (late) promise.then(late, () => undefined);
    };
    if (signal.aborted) onAbort();
    else signal.addEventListener('abort', onAbort, { once: true });
    promise.then(resolve, reject).finally(() => signal.removeEventListener('abort', onAbort));
  });
}

/**
 * Discards a body that nobody reads: it would keep its file or connection until it is collected as
 * garbage, which is fatal. Nobody waits for it, and nobody is told if it fails.
 */
export async function giveUp({ body }: OriginResponse): Promise<void> {
  try {
    await body.discard();
  } catch {
    // There is nothing more to be done about it.
  }
}
