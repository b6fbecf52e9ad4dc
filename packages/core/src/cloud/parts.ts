import type { ByteStream } from '../contracts/body.ts';

/** A piece of a body on its way into an upload. */
export interface Part {
  /** Only until the next part is asked for: then the same memory holds that one. */
  readonly bytes: Uint8Array;
  /** Nothing comes after it. */
  readonly last: boolean;
}

/**
 * Cuts a body into parts of exactly `size` bytes; only the last may be shorter. There is always a
 * last one, if need be an empty one: a body that fits into one part is one part that is the last.
 *
 * One part lies in memory, and no more of a shorter body than there is.
 */
export async function* parts(stream: ByteStream, size: number): AsyncGenerator<Part, void> {
  // The first part as it comes: most bodies end within it, and a whole buffer would be too much for them.
  let chunks: Uint8Array[] = [];
  let buffer: Uint8Array | undefined;
  let held = 0;
  for await (const chunk of stream) {
    let rest = chunk;
    while (rest.length > 0) {
      // A full part leaves only when more has come: until then it may be the last.
      if (held === size) {
        buffer ??= Buffer.concat(chunks, size);
        chunks = [];
        yield { bytes: buffer, last: false };
        held = 0;
      }
      const taken = rest.subarray(0, size - held);
      if (buffer === undefined) chunks.push(taken);
      else buffer.set(taken, held);
      held += taken.length;
      rest = rest.subarray(taken.length);
    }
  }
  yield { bytes: buffer?.subarray(0, held) ?? joined(chunks, held), last: true };
}

function joined(chunks: readonly Uint8Array[], length: number): Uint8Array {
  const [only] = chunks;
  return chunks.length === 1 && only !== undefined ? only : Buffer.concat(chunks, length);
}
