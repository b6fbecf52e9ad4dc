import { RequirementBroken } from './outcome.ts';
import { Patience } from './patience.ts';

/** Resolves after `ms` milliseconds. */
export function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}

/** Lets everything that is ready run: timers, I/O callbacks, promises. */
export function turn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}

/** Thrown by `within`: nothing came in time. */
export class TooLate extends RequirementBroken {}

/** What `promise` becomes, or a broken requirement if that takes longer than `ms`, as `Patience` counts them. */
export async function within<T>(ms: number, what: string, promise: Promise<T> | T): Promise<T> {
  if (!(promise instanceof Promise)) return promise;
  let timer: NodeJS.Timeout | undefined;
  const patience = new Patience(ms);
  const late = new Promise<never>((_, reject) => {
    const look = () => {
      if (patience.isOver) reject(new TooLate(`${what} did not settle within ${ms} ms.`));
      else timer = setTimeout(look, patience.stepMs);
    };
    timer = setTimeout(look, patience.stepMs);
  });
  try {
    return await Promise.race([promise, late]);
  } finally {
    clearTimeout(timer);
  }
}

/** How a promise ended, as a value. */
export type Settled<T> = { readonly ok: true; readonly value: T } | { readonly ok: false; readonly error: unknown };

/** Waits for the end of `promise`, whichever it is. Attach it at once to avoid unhandled rejections. */
export async function settled<T>(promise: Promise<T> | (() => Promise<T> | T)): Promise<Settled<T>> {
  try {
    return { ok: true, value: await (typeof promise === 'function' ? promise() : promise) };
  } catch (error) {
    return { ok: false, error };
  }
}

/** Runs `task` for each item, at most `limit` at a time. */
export async function forEachLimited<T>(
  items: readonly T[],
  limit: number,
  task: (item: T, index: number) => Promise<void>,
): Promise<void> {
  let next = 0;
  let failure: { readonly error: unknown } | undefined;
  const worker = async () => {
    while (next < items.length && failure === undefined) {
      const index = next++;
      try {
        await task(items[index] as T, index);
      } catch (error) {
        failure ??= { error };
      }
    }
  };
  // All have ended before the first failure is told, so that nothing goes on behind the caller's back.
  await Promise.all(Array.from({ length: Math.min(limit, items.length) }, worker));
  if (failure !== undefined) throw (failure as { readonly error: unknown }).error;
}
