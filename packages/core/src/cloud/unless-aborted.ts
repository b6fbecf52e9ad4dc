/**
 * Waits for what others wait for, too, or what cannot be told to stop: giving up ends only one's own
 * waiting. What fails after that is nobody's to hear of, and must not end the process.
 *
 * @throws what `work` throws, or the signal's reason.
 */
export async function unlessAborted<T>(work: Promise<T>, signal: AbortSignal): Promise<T> {
  work.catch(() => undefined);
  signal.throwIfAborted();
  const { promise, reject } = Promise.withResolvers<never>();
  const giveUp = () => reject(signal.reason);
  signal.addEventListener('abort', giveUp, { once: true });
  try {
    return await Promise.race([work, promise]);
  } finally {
    signal.removeEventListener('abort', giveUp);
  }
}
