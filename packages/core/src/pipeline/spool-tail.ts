/** Bytes that the slowest reader of a long body may be behind, with `CHUNK_BYTES` for each chunk. */
const WINDOW_BYTES = 1024 * 1024;

/** What a chunk costs besides its bytes: an origin may send millions of single bytes. */
export const CHUNK_BYTES = 256;

/**
 * The end of a body that is too long to be kept: only what its slowest reader has not read yet, and never
 * more than a window of it.
 */
export class SpoolTail {
  /** Where in the body it begins. */
  readonly from: number;
  readonly #chunks: Uint8Array[] = [];
  #cost = 0;
  /** Where the first chunk begins that is still there. */
  #first: number;

  constructor(from: number) {
    this.from = from;
    this.#first = from;
  }

  /** Whether another chunk may come. A single one always may. */
  hasRoomFor(chunk: Uint8Array): boolean {
    return this.#chunks.length === 0 || this.#cost + chunk.length + CHUNK_BYTES <= WINDOW_BYTES;
  }

  push(chunk: Uint8Array): void {
    this.#chunks.push(chunk);
    this.#cost += chunk.length + CHUNK_BYTES;
  }

  /** The chunk that begins at `offset`, if it has come. */
  at(offset: number): Uint8Array | undefined {
    let begin = this.#first;
    for (const chunk of this.#chunks) {
      if (begin === offset) return chunk;
      begin += chunk.length;
    }
    return undefined;
  }

  /** Forgets what lies before `offset`: nobody will read it. */
  forget(offset: number): void {
    for (
      let [chunk] = this.#chunks;
      chunk !== undefined && this.#first + chunk.length <= offset;
      [chunk] = this.#chunks
    ) {
      this.#chunks.shift();
      this.#first += chunk.length;
      this.#cost -= chunk.length + CHUNK_BYTES;
    }
  }
}
