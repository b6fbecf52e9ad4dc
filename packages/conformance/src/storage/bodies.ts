import type { ByteStream, PutBody } from '@tintype/core';
import { LentChunks } from './lent-chunks.ts';

// Core gives every body these guarantees (see PutBody): exactly `size` bytes or an error, the
// signal's reason once aborted. The suite calls adapters in core's place, so its bodies do the same.

/** A body that lies in memory. */
export function bytesBody(bytes: Uint8Array): PutBody {
  return {
    bytes,
    size: bytes.length,
    replayable: true,
    stream: async function* () {
      if (bytes.length > 0) yield bytes;
    },
  };
}

/** What the suite knows of a streamed body afterwards. */
export interface WatchedBody extends PutBody {
  /** How often `stream()` was called. */
  readonly opened: number;
  /** Streams that were begun and have neither ended nor been given up. */
  readonly running: number;
  /** Bytes that were handed over. */
  readonly sent: number;
  /** What was given back that may not be, in words. */
  readonly misuse: readonly string[];
}

export interface StreamBodyOptions {
  /** Declared length; unknown if left out. */
  readonly size?: number | undefined;
  readonly signal?: AbortSignal | undefined;
  /** Thrown instead of the end. */
  readonly failure?: Error | undefined;
  /**
   * By default copies of the chunks are handed over, which can be given back (`ByteStream.recycle`) and are
   * overwritten at once then. `false`: the chunks themselves, and none is taken back.
   */
  readonly lends?: boolean | undefined;
}

/** A body that is read once, in the given chunks. */
export function streamBody(chunks: Iterable<Uint8Array> | ByteStream, options: StreamBodyOptions = {}): WatchedBody {
  let opened = 0;
  let running = 0;
  let sent = 0;
  const lent = new LentChunks();
  async function* read(): ByteStream {
    running++;
    try {
      for await (const chunk of chunks) {
        options.signal?.throwIfAborted();
        sent += chunk.length;
        yield chunk;
      }
      options.signal?.throwIfAborted();
      if (options.failure) throw options.failure;
    } finally {
      running--;
    }
  }
  return {
    bytes: undefined,
    size: options.size,
    replayable: false,
    get opened() {
      return opened;
    },
    get running() {
      return running;
    },
    get sent() {
      return sent;
    },
    get misuse() {
      return lent.misuse;
    },
    stream() {
      opened++;
      if (opened > 1) throw new Error('This body is not replayable and was opened a second time.');
      return options.lends === false ? read() : lent.stream(read());
    },
  };
}

/** A streamed body that stops before a byte until the test says go on. */
export interface GatedBody extends WatchedBody {
  /** Resolves when the reader asked for the bytes behind the gate. */
  readonly reached: Promise<void>;
  /** Lets the rest through. */
  release(): void;
  /** The stream throws `error` at the gate. */
  fail(error: unknown): void;
}

/**
 * A body that hands over `bytes` up to `at`, then waits. An abort of `signal` ends the wait with its
 * reason, as core's bodies do.
 */
export function gatedBody(
  bytes: Uint8Array,
  at: number,
  options: { readonly size?: number | undefined; readonly signal?: AbortSignal | undefined } = {},
): GatedBody {
  const reached = Promise.withResolvers<void>();
  const gate = Promise.withResolvers<void>();
  // A test may give up before anyone waits for them.
  gate.promise.catch(() => undefined);
  const { signal } = options;
  const onAbort = () => gate.reject(signal?.reason);
  signal?.addEventListener('abort', onAbort, { once: true });
  async function* chunks(): ByteStream {
    for (let offset = 0; offset < at; offset += CHUNK) yield bytes.slice(offset, Math.min(at, offset + CHUNK));
    reached.resolve();
    signal?.throwIfAborted();
    await gate.promise;
    for (let offset = at; offset < bytes.length; offset += CHUNK) yield bytes.slice(offset, offset + CHUNK);
  }
  const body = streamBody(chunks(), options);
  return Object.defineProperties(body, {
    reached: { value: reached.promise },
    release: { value: () => gate.resolve() },
    fail: { value: (error: unknown) => gate.reject(error) },
  }) as GatedBody;
}

/** Bytes per chunk of streamed bodies. */
export const CHUNK: number = 64 * 1024;

/** `bytes` in pieces of `size`. */
export function* pieces(bytes: Uint8Array, size: number = CHUNK): Generator<Uint8Array> {
  for (let offset = 0; offset < bytes.length; offset += size) yield bytes.slice(offset, offset + size);
}
