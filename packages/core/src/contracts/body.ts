/**
 * Bytes on their way: pulled, never pushed.
 *
 * Every Node `Readable` and every web `ReadableStream` is one, so an author hands over what the SDK
 * gave. Chunks are read-only for the receiver and are never reused by the sender. Ending the
 * iteration early (`break`, `return()`) releases whatever feeds the stream. Beware of `async function*`:
 * the `return()` of one that never began does nothing (`StreamedBody` mends that).
 */
export type ByteStream = AsyncIterable<Uint8Array>;

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
   * Whether nobody but the receiver holds `buffered`, and nobody needs anything else of its `ArrayBuffer`:
   * all of that may then be freed as soon as the body was used (`freeExpendable`). Without it nobody may.
   */
  readonly expendable?: boolean;

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
