import type { ByteStream } from '@tintype/core';

/** What overwrites a chunk that was given back; the suite's bodies hold random bytes. */
const RUBBISH = 0xdb;

/**
 * Copies of chunks that the receiver may give back. Each is overwritten the moment it comes back, as a sender
 * does that reads into it again: whoever gives it back too early stores, or sends, rubbish.
 */
export class LentChunks {
  readonly #lent = new WeakMap<ArrayBufferLike, 'lent' | 'back'>();
  readonly #misuse = new Set<string>();

  /** What was given back that may not be, in words; each once. */
  get misuse(): readonly string[] {
    return [...this.#misuse];
  }

  /** The same bytes, in copies that are lent. */
  stream(chunks: ByteStream): ByteStream {
    const copies = this.#copies(chunks);
    return { [Symbol.asyncIterator]: () => copies, recycle: (chunk) => this.#takeBack(chunk) };
  }

  async *#copies(chunks: ByteStream): AsyncGenerator<Uint8Array, void> {
    for await (const chunk of chunks) {
      const copy = new Uint8Array(chunk);
      this.#lent.set(copy.buffer, 'lent');
      yield copy;
    }
  }

  #takeBack({ buffer }: Uint8Array): void {
    const state = this.#lent.get(buffer);
    if (state === undefined) this.#misuse.add('a chunk that is none of this stream');
    else if (state === 'back') this.#misuse.add('a chunk for the second time');
    else {
      this.#lent.set(buffer, 'back');
      new Uint8Array(buffer).fill(RUBBISH);
    }
  }
}
