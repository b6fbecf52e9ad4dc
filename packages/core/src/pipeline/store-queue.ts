/** Results on their way into the storage, bounded in bytes. */
export class StoreQueue {
  readonly #maxBytes: number;
  #bytes = 0;
  #length = 0;

  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes;
  }

  /** Bytes that the storage has not taken yet. */
  get bytes(): number {
    return this.#bytes;
  }

  get length(): number {
    return this.#length;
  }

  /** Whether so many bytes more may wait; anything may where nothing does. */
  hasRoom(bytes: number): boolean {
    return this.#bytes === 0 || this.#bytes + bytes <= this.#maxBytes;
  }

  /** @returns to be called once, when the storage has taken or refused them. */
  enter(bytes: number): () => void {
    this.#bytes += bytes;
    this.#length++;
    return () => {
      this.#bytes -= bytes;
      this.#length--;
    };
  }
}
