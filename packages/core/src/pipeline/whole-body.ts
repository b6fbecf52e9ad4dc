import type { Body } from '../contracts/body.ts';
import { StorageError } from '../contracts/storage-error.ts';
import { DeadlineTimer } from '../storage/deadline-timer.ts';

/**
 * A stored body of at most so many bytes is read whole before it is answered: what hangs or turns out
 * damaged on the way is then a miss, and not an answer that breaks off.
 */
export const READ_WHOLE_BYTES: number = 256 * 1024;

/**
 * All of a stored body within the time of a lookup. One that does not come is given up.
 *
 * @throws StorageError `timeout`, or what the body throws.
 */
export async function bytesWithin(body: Body, deadlineMs: number): Promise<Uint8Array> {
  if (body.buffered !== undefined) return body.buffered;
  const { promise: late, reject } = Promise.withResolvers<never>();
  const timer = new DeadlineTimer(deadlineMs, () =>
    reject(new StorageError({ code: 'timeout', message: `No body within ${deadlineMs} ms.` })),
  );
  try {
    return await Promise.race([body.bytes(), late]);
  } catch (error) {
    body.discard().catch(() => undefined);
    throw error;
  } finally {
    timer.clear();
  }
}
