import { randomUUID } from 'node:crypto';
import { type FileHandle, open, unlink } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { ByteStream } from '../contracts/body.ts';
import { LentBuffers } from '../lent-buffers.ts';
import { SpoolMemory } from './spool-memory.ts';
import { CHUNK_BYTES, SpoolTail } from './spool-tail.ts';

/** Bytes of one body that stay in memory; what comes after goes to a temporary file. */
const MEMORY_BYTES = 8 * 1024 * 1024;

const READ_BYTES = 64 * 1024;

export interface SpoolOptions {
  /** Bytes of this body that may stay in memory; 8 MiB by default. */
  readonly memoryBytes?: number;
  /** What all spools may keep in memory together; no limit by default. */
  readonly memory?: SpoolMemory;
  /** Called when a reader has finished and no other is left; more may come. */
  readonly onUnread?: () => void;
}

/** One reader of a spool: an iterator that is its own iterable. */
export interface SpoolReader extends ByteStream {
  next(): Promise<IteratorResult<Uint8Array>>;
  return(): Promise<IteratorResult<Uint8Array>>;
  recycle(chunk: Uint8Array): void;
}

/**
 * A body that is written once, at its producer's pace, and read any number of times, each reader at
 * its own pace, while it is still being written. The slowest client slows nobody, until `follow`.
 */
export class Spool {
  readonly #chunks: Uint8Array[] = [];
  readonly #memoryBytes: number;
  readonly #memory: SpoolMemory;
  readonly #onUnread: () => void;
  /** Bytes of the body in memory, and what was taken of the allowance for them. */
  #inMemory = 0;
  #taken = 0;
  #size = 0;
  #pieces = 0;
  #file: FileHandle | undefined;
  #state: 'open' | 'ended' | 'failed' = 'open';
  #error: unknown;
  #wakers: (() => void)[] = [];
  /** What was read so far, by each reader. */
  readonly #readers = new Set<{ readonly offset: number }>();
  #follows = false;
  /** What is kept since it only follows its readers: begins with the first write after `follow`. */
  #tail: SpoolTail | undefined;
  /** Wakes the writer that waits for readers. */
  #letIn: (() => void) | undefined;
  #heldMs = 0;
  #heldSince: number | undefined;
  #disposed = false;

  constructor(options: SpoolOptions = {}) {
    this.#memoryBytes = options.memoryBytes ?? MEMORY_BYTES;
    this.#memory = options.memory ?? new SpoolMemory(Number.POSITIVE_INFINITY);
    this.#onUnread = options.onUnread ?? (() => undefined);
  }

  /** Bytes written so far. */
  get size(): number {
    return this.#size;
  }

  /** Chunks written so far: what `bytes` gives is a new array if they are several. */
  get pieces(): number {
    return this.#pieces;
  }

  /** Whether more may still be written. */
  get isOpen(): boolean {
    return this.#state === 'open';
  }

  get readers(): number {
    return this.#readers.size;
  }

  /** For how long the writer had to wait for readers, in milliseconds. */
  get heldMs(): number {
    return this.#heldMs + (this.#heldSince === undefined ? 0 : performance.now() - this.#heldSince);
  }

  /**
   * From now on nothing more is kept than what the readers there are have not read yet, and the writer
   * waits for the slowest of them: a body without an end would fill the disk. Nobody can begin any more.
   */
  follow(): void {
    if (this.#state === 'open') this.#follows = true;
  }

  /**
   * Appends a chunk. One write at a time.
   *
   * @returns whether the chunk is kept for readers: the caller must not change it afterwards. If not, it lies
   *   in the temporary file, and its memory is the caller's again.
   * @throws Error if it has ended, failed, also meanwhile, or was disposed of; where the temporary file
   *   fails, its error.
   */
  async write(chunk: Uint8Array): Promise<boolean> {
    if (this.#state !== 'open') throw new Error('This spool takes no more bytes.');
    if (chunk.length === 0) return false;
    // Not sooner: a chunk on its way to the file when `follow` was called belongs to what lies there.
    if (this.#follows) this.#tail ??= new SpoolTail(this.#size);
    let kept = true;
    if (this.#tail !== undefined) await this.#writeToTail(this.#tail, chunk);
    else if (this.#file === undefined && this.#keep(chunk)) this.#inMemory += chunk.length;
    else {
      await this.#writeToFile(chunk);
      kept = false;
    }
    this.#size += chunk.length;
    this.#pieces++;
    this.#wake();
    return kept;
  }

  end(): void {
    if (this.#state === 'open') this.#state = 'ended';
    this.#wake();
  }

  /** Every reader, present or future, throws `error` after the bytes that came. No more can be written. */
  fail(error: unknown): void {
    if (this.#state !== 'open') return;
    this.#state = 'failed';
    this.#error = error;
    this.#wake();
  }

  /**
   * Reads from the start. Ends when the spool has ended, throws when it failed. The reader counts from
   * this call on: iterate it, or call its `return`.
   *
   * @param signal the reader's own: when it is aborted the reader leaves, also while it waits for more,
   *   and its `next` throws the reason.
   */
  read(signal?: AbortSignal): SpoolReader {
    if (this.#disposed) throw new Error('This spool was disposed of.');
    if (this.#follows) throw new Error('The beginning of this spool may be gone.');
    let index = 0;
    let offset = 0;
    let done = false;
    const buffers = new LentBuffers(READ_BYTES);
    const self = {
      get offset() {
        return offset;
      },
    };
    this.#readers.add(self);
    const finish = async (): Promise<IteratorResult<Uint8Array>> => {
      if (!done) {
        done = true;
        signal?.removeEventListener('abort', onAbort);
        this.#readers.delete(self);
        buffers.close();
        this.#trim();
        // A `next` that waits for more must not wait for ever.
        this.#wake();
        if (this.#readers.size === 0) this.#onUnread();
        if (this.#disposed) await this.#release();
      }
      return { done: true, value: undefined };
    };
    let left = false;
    const onAbort = () => {
      left = true;
      finish().catch(() => undefined);
    };
    if (signal?.aborted) onAbort();
    else signal?.addEventListener('abort', onAbort, { once: true });
    const next = async (): Promise<IteratorResult<Uint8Array>> => {
      for (;;) {
        if (left) throw signal?.reason;
        if (done) return { done: true, value: undefined };
        const chunk = this.#chunks[index];
        if (chunk !== undefined) {
          index++;
          offset += chunk.length;
          return { done: false, value: chunk };
        }
        const tail = this.#tail;
        const spooled = tail?.from ?? this.#size;
        if (offset < spooled && this.#file !== undefined) {
          const length = Math.min(READ_BYTES, spooled - offset);
          const buffer = buffers.lend(length);
          const { bytesRead } = await this.#file.read(buffer, 0, length, offset - this.#inMemory);
          offset += bytesRead;
          return { done: false, value: buffer.subarray(0, bytesRead) };
        }
        const last = tail?.at(offset);
        if (last !== undefined) {
          offset += last.length;
          this.#trim();
          return { done: false, value: last };
        }
        if (this.#state === 'ended') return finish();
        if (this.#state === 'failed') {
          await finish();
          throw this.#error;
        }
        await new Promise<void>((resolve) => this.#wakers.push(resolve));
      }
    };
    const recycle = (chunk: Uint8Array): void => buffers.takeBack(chunk);
    return { next, return: finish, recycle, [Symbol.asyncIterator]: () => ({ next, return: finish }) };
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

  /** No new readers; memory and the temporary file go when the last one has finished. */
  async dispose(): Promise<void> {
    this.#disposed = true;
    await this.#release();
  }

  /** Takes a chunk into memory, if there is room. */
  #keep(chunk: Uint8Array): boolean {
    const bytes = chunk.length + CHUNK_BYTES;
    if (this.#released || this.#taken + bytes > this.#memoryBytes || !this.#memory.take(bytes)) return false;
    this.#taken += bytes;
    this.#chunks.push(chunk);
    return true;
  }

  async #writeToTail(tail: SpoolTail, chunk: Uint8Array): Promise<void> {
    this.#trim();
    while (!tail.hasRoomFor(chunk)) {
      this.#heldSince = performance.now();
      await new Promise<void>((resolve) => {
        this.#letIn = resolve;
      });
      this.#heldMs += performance.now() - this.#heldSince;
      this.#heldSince = undefined;
      if (this.#state !== 'open') throw new Error('This spool takes no more bytes.');
      this.#refuseIfReleased();
    }
    tail.push(chunk);
  }

  /** Forgets what all readers have read of the tail. */
  #trim(): void {
    if (this.#tail === undefined) return;
    let least = Number.POSITIVE_INFINITY;
    for (const { offset } of this.#readers) least = Math.min(least, offset);
    this.#tail.forget(least);
    this.#letIn?.();
  }

  async #writeToFile(chunk: Uint8Array): Promise<void> {
    this.#refuseIfReleased();
    const file = this.#file ?? (await openUnlinked());
    if (this.#released) await file.close();
    this.#refuseIfReleased();
    this.#file = file;
    for (let done = 0; done < chunk.length; ) {
      const position = this.#size - this.#inMemory + done;
      done += (await file.write(chunk, done, chunk.length - done, position)).bytesWritten;
      this.#refuseIfReleased();
    }
  }

  /** Disposed of, with nobody left who reads. */
  get #released(): boolean {
    return this.#disposed && this.#readers.size === 0;
  }

  #refuseIfReleased(): void {
    if (this.#released) throw new Error('This spool was disposed of.');
  }

  async #release(): Promise<void> {
    if (!this.#released) return;
    const file = this.#file;
    this.#file = undefined;
    this.#memory.give(this.#taken);
    this.#taken = 0;
    this.#chunks.length = 0;
    await file?.close();
  }

  #wake(): void {
    this.#letIn?.();
    const wakers = this.#wakers;
    this.#wakers = [];
    for (const wake of wakers) wake();
  }
}

/** A file without a name: the system removes it with the last handle, whatever happens to us. */
async function openUnlinked(): Promise<FileHandle> {
  const path = join(tmpdir(), `tintype-spool-${randomUUID()}`);
  const file = await open(path, 'wx+', 0o600);
  try {
    await unlink(path);
  } catch (error) {
    await file.close();
    throw error;
  }
  return file;
}
