import type { ByteStream, Part } from '@tintype/core';

/** Bodies that do not lie in memory are put whole up to this size, and piece by piece beyond it, in bytes. */
export const PART_BYTES: number = 1024 * 1024;

/**
 * The body of one request whose length nobody knows: pieces that are not overwritten while they wait to
 * be sent. The end of them is what commits.
 */
export async function* pieceByPiece(first: Part, rest: AsyncIterator<Part, void>, signal: AbortSignal): ByteStream {
  yield Uint8Array.from(first.bytes);
  for (;;) {
    const { value } = await rest.next();
    if (!value) throw new Error('A body has a last part.');
    if (value.bytes.length > 0) yield Uint8Array.from(value.bytes);
    if (value.last) break;
  }
  signal.throwIfAborted();
}
