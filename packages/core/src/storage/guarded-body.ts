import { collect, passingBack } from '../bodies.ts';
import type { Body, ByteStream } from '../contracts/body.ts';
import { StorageError } from '../contracts/storage-error.ts';

/**
 * An entry's streamed body with the promises of the public side: idle time is bounded while data is
 * demanded (not while the reader is slow), an abort errors the body and frees its connection, and
 * foreign errors become `StorageError`.
 */
export class GuardedBody implements Body {
  readonly buffered = undefined;
  readonly #body: Body;
  readonly #idleMs: number;
  readonly #signal: AbortSignal | undefined;
  readonly #map: (error: unknown) => unknown;
  #consumed = false;

  constructor(body: Body, idleMs: number, signal: AbortSignal | undefined, map: (error: unknown) => unknown) {
    this.#body = body;
    this.#idleMs = idleMs;
    this.#signal = signal;
    this.#map = map;
  }

  bytes(): Promise<Uint8Array> {
    return collect(this.stream());
  }

  stream(): ByteStream {
    if (this.#consumed) throw new Error('This body was already consumed.');
    this.#consumed = true;
    const stream = this.#body.stream();
    const steps = stream[Symbol.asyncIterator]();
    let ended = false;
    const release = async () => {
      if (ended) return;
      ended = true;
      // Not awaited: a hung connection may never answer `return`, and `discard` frees the socket.
      Promise.resolve(steps.return?.()).catch(() => undefined);
      await this.#body.discard();
    };
    // No generator: one that never began skips its `finally`, and would keep the connection.
    const iterator: AsyncIterator<Uint8Array> = {
      next: async () => {
        if (ended) return { done: true, value: undefined };
        try {
          const step = await this.#next(steps);
          if (step.done) ended = true;
          return step;
        } catch (error) {
          // What hangs or fails now would only hide the reason.
          release().catch(() => undefined);
          throw this.#map(error);
        }
      },
      return: async () => {
        await release();
        return { done: true, value: undefined };
      },
    };
    return passingBack({ [Symbol.asyncIterator]: () => iterator }, () => stream);
  }

  async discard(): Promise<void> {
    this.#consumed = true;
    await this.#body.discard();
  }

  #next(iterator: AsyncIterator<Uint8Array>): Promise<IteratorResult<Uint8Array>> {
    const signal = this.#signal;
    if (signal?.aborted) return Promise.reject(signal.reason);
    return new Promise((resolve, reject) => {
      const onAbort = () => settle(() => reject(signal?.reason));
      const timer = setTimeout(
        () =>
          settle(() => reject(new StorageError({ code: 'timeout', message: `No data within ${this.#idleMs} ms.` }))),
        this.#idleMs,
      );
      const settle = (then: () => void) => {
        clearTimeout(timer);
        signal?.removeEventListener('abort', onAbort);
        then();
      };
      signal?.addEventListener('abort', onAbort, { once: true });
      iterator.next().then(
        (step) => settle(() => resolve(step)),
        (error) => settle(() => reject(error)),
      );
    });
  }
}
