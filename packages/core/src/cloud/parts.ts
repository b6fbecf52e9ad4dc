import type { ByteStream } from '../contracts/body.ts';

/** A piece of a body on its way into an upload. */
export interface Part {
  readonly bytes: Uint8Array;
  /** Nothing comes after it. */
  readonly last: boolean;
}

/**
 * Cuts a body into parts of exactly `size` bytes; only the last may be shorter. There is always a
 * last one, if need be an empty one: a body that fits into one part is one part that is the last.
 *
 * At most about two parts lie in memory at a time.
 */
export async function* parts(stream: ByteStream, size: number): AsyncGenerator<Part, void> {
  let chunks: Uint8Array[] = [];
  let held = 0;
  for await (const chunk of stream) {
    let rest = chunk;
    while (rest.length > 0) {
      // A full part leaves only when more has come: until then it may be the last.
      if (held === size) {
        yield { bytes: joined(chunks, held), last: false };
        chunks = [];
        held = 0;
      }
      const taken = rest.subarray(0, size - held);
      chunks.push(taken);
      held += taken.length;
      rest = rest.subarray(taken.length);
    }
  }
  yield { bytes: joined(chunks, held), last: true };
}

function joined(chunks: readonly Uint8Array[], length: number): Uint8Array {
  const [only] = chunks;
  return chunks.length === 1 && only !== undefined ? only : Buffer.concat(chunks, length);
}
