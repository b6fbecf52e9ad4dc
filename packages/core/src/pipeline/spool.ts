import { randomUUID } from 'node:crypto';
import { type FileHandle, open, unlink } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { ByteStream } from '../contracts/body.ts';

/** Bytes of one body that stay in memory; what comes after goes to a temporary file. */
const MEMORY_BYTES = 8 * 1024 * 1024;

const READ_BYTES = 64 * 1024;

/** One reader of a spool: an iterator that is its own iterable. */
export interface SpoolReader extends ByteStream {
  next(): Promise<IteratorResult<Uint8Array>>;
  return(): Promise<IteratorResult<Uint8Array>>;
}

/**
 * A body that is written once, at its producer's pace, and read any number of times, each reader at
 * its own pace, while it is still being written. The slowest client slows nobody.
 */
export class Spool {
  readonly #chunks: Uint8Array[] = [];
  readonly #memoryBytes: number;
  #inMemory = 0;
  #size = 0;
  #file: FileHandle | undefined;
  #state: 'open' | 'ended' | 'failed' = 'open';
  #error: unknown;
  #wakers: (() => void)[] = [];
  #readers = 0;
  #disposed = false;

  constructor(memoryBytes: number = MEMORY_BYTES) {
    this.#memoryBytes = memoryBytes;
  }

  /** Bytes written so far. */
  get size(): number {
    return this.#size;
  }

  get ended(): boolean {
    return this.#state === 'ended';
  }

  /** Appends a chunk, which the caller must not change afterwards. One write at a time. */
  async write(chunk: Uint8Array): Promise<void> {
    if (this.#state !== 'open') throw new Error('This spool takes no more bytes.');
    if (chunk.length === 0) return;
    if (this.#file === undefined && this.#inMemory + chunk.length <= this.#memoryBytes) {
      this.#chunks.push(chunk);
      this.#inMemory += chunk.length;
    } else {
      this.#file ??= await openUnlinked();
      let done = 0;
      while (done < chunk.length) {
        const position = this.#size - this.#inMemory + done;
        done += (await this.#file.write(chunk, done, chunk.length - done, position)).bytesWritten;
      }
    }
    this.#size += chunk.length;
    this.#wake();
  }

  end(): void {
    if (this.#state === 'open') this.#state = 'ended';
    this.#wake();
  }

  /** Every reader, present or future, throws `error` after the bytes that came. */
  fail(error: unknown): void {
    if (this.#state !== 'open') return;
    this.#state = 'failed';
    this.#error = error;
    this.#wake();
  }

  /**
   * Reads from the start. Ends when the spool has ended, throws when it failed. The reader counts from
   * this call on: iterate it, or call its `return`.
   */
  read(): SpoolReader {
    if (this.#disposed) throw new Error('This spool was disposed of.');
    this.#readers++;
    let index = 0;
    let offset = 0;
    let done = false;
    const finish = async (): Promise<IteratorResult<Uint8Array>> => {
      if (!done) {
        done = true;
        this.#readers--;
        if (this.#disposed) await this.#release();
      }
      return { done: true, value: undefined };
    };
    const next = async (): Promise<IteratorResult<Uint8Array>> => {
      for (;;) {
        if (done) return { done: true, value: undefined };
        const chunk = this.#chunks[index];
        if (chunk !== undefined) {
          index++;
          offset += chunk.length;
          return { done: false, value: chunk };
        }
        if (offset < this.#size && this.#file !== undefined) {
          const length = Math.min(READ_BYTES, this.#size - offset);
          const buffer = Buffer.allocUnsafe(length);
          const { bytesRead } = await this.#file.read(buffer, 0, length, offset - this.#inMemory);
          offset += bytesRead;
          return { done: false, value: buffer.subarray(0, bytesRead) };
        }
        if (this.#state === 'ended') return finish();
        if (this.#state === 'failed') {
          await finish();
          throw this.#error;
        }
        await new Promise<void>((resolve) => this.#wakers.push(resolve));
      }
    };
    return { next, return: finish, [Symbol.asyncIterator]: () => ({ next, return: finish }) };
  }

  /** All of it in one array. */
  async bytes(): Promise<Uint8Array> {
    if (this.#state === 'ended' && this.#file === undefined && this.#chunks.length === 1) {
      return this.#chunks[0] ?? new Uint8Array(0);
    }
    const parts: Uint8Array[] = [];
    for await (const chunk of this.read()) parts.push(chunk);
    return Buffer.concat(parts);
  }

  /** No new readers; the temporary file goes when the last one has finished. */
  async dispose(): Promise<void> {
    this.#disposed = true;
    await this.#release();
  }

  async #release(): Promise<void> {
    if (this.#readers > 0) return;
    const file = this.#file;
    this.#file = undefined;
    await file?.close();
  }

  #wake(): void {
    const wakers = this.#wakers;
    this.#wakers = [];
    for (const wake of wakers) wake();
  }
}

/** A file without a name: the system removes it with the last handle, whatever happens to us. */
async function openUnlinked(): Promise<FileHandle> {
  const path = join(tmpdir(), `tintype-spool-${randomUUID()}`);
  const file = await open(path, 'wx+', 0o600);
  await unlink(path);
  return file;
}
