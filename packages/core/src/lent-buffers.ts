import { freeExpendable } from './bodies.ts';

/**
 * Buffers of one size for a stream that is read piece by piece. What the receiver gives back
 * (`ByteStream.recycle`) is lent again: a body of any length then takes the memory of a few pieces, and
 * not what the garbage collector lets pile up, which is some 60 MiB.
 *
 * Whoever still holds a chunk that came back finds it empty, and never sees the bytes of another one: the memory
 * moves to a new `ArrayBuffer` each time, which copies nothing.
 */
export class LentBuffers {
  readonly #size: number;
  readonly #lent = new WeakSet<ArrayBufferLike>();
  readonly #spare: ArrayBuffer[] = [];
  #closed = false;

  /** @param size of each, in bytes. */
  constructor(size: number) {
    this.#size = size;
  }

  /** A buffer with anything in it, and an `ArrayBuffer` of its own. @param length at most the size of all. */
  lend(length: number): Uint8Array {
    const buffer = this.#spare.pop() ?? Buffer.allocUnsafeSlow(this.#size).buffer;
    this.#lent.add(buffer);
    return Buffer.from(buffer, 0, length);
  }

  /** Takes one back, by any view of it. What was not lent here, is back already, or was freed is left alone. */
  takeBack(chunk: Uint8Array): void {
    const { buffer } = chunk;
    if (!this.#lent.delete(buffer) || !(buffer instanceof ArrayBuffer) || buffer.detached) return;
    if (this.#closed) freeExpendable(chunk);
    else this.#spare.push(buffer.transfer());
  }

  /** Nothing more will be lent: frees what is here, and each of the others when it comes back. */
  close(): void {
    this.#closed = true;
    for (const buffer of this.#spare.splice(0)) freeExpendable(new Uint8Array(buffer));
  }
}
