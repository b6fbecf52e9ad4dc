/**
 * Bytes on their way: pulled, never pushed.
 *
 * Every Node `Readable` and every web `ReadableStream` is one, so an author hands over what the SDK
 * gave. Chunks are read-only for the receiver and are not reused by the sender, unless they are given
 * back. Ending the iteration early (`break`, `return()`) releases whatever feeds the stream. Beware of
 * `async function*`: the `return()` of one that never began does nothing (`StreamedBody` mends that).
 */
export interface ByteStream extends AsyncIterable<Uint8Array> {
  /**
   * Gives a chunk of this stream back, once: the receiver, and everybody it has handed the chunk to, is done
   * with it. Its memory, all of it, may then be used for another one, or be freed; a chunk that others hold as
   * well stays as it is, and so does what was not given back. Optional on both sides: what is not given back
   * waits for the garbage collector, and a receiver that never calls this does nothing wrong.
   *
   * Only who reads the stream may call it, at any time, also after the end. Nothing may read the chunk any more
   * then, no write that is under way either: one is done when its promise or callback says so, not when its call
   * returns. Where it failed or was aborted something may still hold the chunk: keep it back.
   *
   * The sender leaves a chunk alone that is not its own, or is back already (`LentBuffers` does). A wrapper whose
   * chunks are those of another stream passes this on (`passingBack`); one that keeps them, hands them to several
   * readers, or makes its own leaves it out.
   */
  recycle?(chunk: Uint8Array): void;
}

/**
 * A file that another process of this machine and user can read, as often as it likes, before its body is consumed
 * or discarded. That consumes nothing: whoever was given it still owes the body a `discard()`.
 */
export interface BodyFile {
  /**
   * Absolute, and the same to every process. It names this body's bytes until that is consumed or discarded, also
   * when the source is replaced or removed meanwhile; by then it may name another file, or none.
   */
  readonly path: string;
  /**
   * Bytes of the body: the file's first, so that a part is no file unless it begins with it. A file that has fewer
   * was cut short meanwhile.
   */
  readonly size: number;
}

/**
 * The body of something fetched: an entry of a storage, a response of an origin.
 *
 * It is consumed once, by exactly one of `bytes()`, `stream()` and `discard()`; a second consumption
 * throws. A body that nobody wants must be discarded: an unread one may hold a socket.
 */
export interface Body {
  /**
   * The whole body, when it already lies in memory; reading this property does not consume the body
   * and costs nothing. The receiver must not write to it.
   */
  readonly buffered: Uint8Array | undefined;

  /**
   * Whether nobody but the receiver holds what comes in one piece, `buffered` or the only chunk of the stream,
   * and nobody needs anything else of its `ArrayBuffer`: all of that may then be freed as soon as the body was
   * used (`freeExpendable`). Without it nobody may.
   */
  readonly expendable?: boolean;

  /**
   * The file that the body is read from, where it is one and was asked for (`OriginRequest.takesFile`), and nowhere
   * else. Such a body can be read like any other, and what feeds it is released like any other's.
   */
  readonly file?: BodyFile | undefined;

  /** Reads all of it into one array (read-only for the receiver). Rejects if it ends short. */
  bytes(): Promise<Uint8Array>;

  /**
   * Reads it piece by piece. The iteration throws if the body ends short or, where the backend has
   * checksums, at the end if they differ.
   */
  stream(): ByteStream;

  /** Gives up the body and frees its connection or handle. Idempotent; allowed after a consumption. */
  discard(): Promise<void>;
}
