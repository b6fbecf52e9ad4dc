import { type FileHandle, open, readFile } from 'node:fs/promises';
import {
  type Awaitable,
  BufferedBody,
  type ByteRange,
  type Entry,
  type GetOutcome,
  resolveRange,
  type StorageKey,
  StreamedBody,
} from '@tintype/core';
import type { DirectReads } from './direct-reads.ts';
import { readAt, readBody, readHeader, verifiedBody } from './entry-file.ts';
import { toStorageError } from './errors.ts';
import { HeaderMemory } from './header-memory.ts';
import { infoOf, READ } from './open-entry.ts';

/**
 * Entry files up to this size are read whole, in one trip to the thread pool where Node can: above
 * 512 KiB its `readFile` makes several.
 */
const SMALL = 256 * 1024;
/** Keys remembered as small; forgetting one costs its next hit a few more system calls. */
const MAX_SMALL_KEYS = 100_000;

/** Reads entries, the small ones whole, and keeps track of files that are still being read. */
export class EntryReader {
  readonly #root: string;
  readonly #direct: DirectReads;
  /** Bytes of the files that are known to be small. */
  readonly #small = new Map<StorageKey, number>();
  readonly #headers = new HeaderMemory();
  /** Files of bodies that are not read to their end yet. */
  readonly #bodies = new Set<FileHandle>();

  /** @param root for messages. */
  constructor(root: string, direct: DirectReads) {
    this.#root = root;
    this.#direct = direct;
  }

  /** The entry of `key` at `path`. @throws the system's error if there is none. */
  read(path: string, key: StorageKey, range: ByteRange | undefined): Awaitable<GetOutcome> {
    const size = this.#small.get(key);
    if (size === undefined) return this.#openEntry(path, key, range);
    const file = this.#direct.read(path, size);
    return file === undefined ? this.#readSmall(path, key, range) : this.#outcomeOf(file, key, range);
  }

  /** Notes how large a file was put in place of an entry. */
  wrote(key: StorageKey, bytes: number): void {
    if (bytes <= SMALL) this.#rememberSmall(key, bytes);
    else this.#small.delete(key);
  }

  /** There is no such entry any more. */
  forget(key: StorageKey): void {
    this.#small.delete(key);
  }

  /** Closes the files of all bodies that nobody has read to their end. */
  async close(): Promise<void> {
    for (const handle of this.#bodies) await this.#release(handle);
  }

  /** For a key that is known to be small, by the thread pool. */
  async #readSmall(path: string, key: StorageKey, range: ByteRange | undefined): Promise<GetOutcome> {
    const file = await readFile(path, { flag: READ });
    this.wrote(key, file.length);
    return this.#outcomeOf(file, key, range);
  }

  /** For a key that isn't known to be small. */
  async #openEntry(path: string, key: StorageKey, range: ByteRange | undefined): Promise<GetOutcome> {
    const handle = await open(path, READ);
    let keep = false;
    try {
      const { size } = await handle.stat();
      if (size <= SMALL) {
        this.#rememberSmall(key, size);
        return this.#outcomeOf(await readAt(handle, 0, size), key, range);
      }
      const header = await readHeader(handle, key);
      const part = range === undefined ? { first: 0, last: header.size - 1 } : resolveRange(range, header.size);
      if (part === undefined) return { kind: 'range-not-satisfiable', ...infoOf(header) };
      keep = true;
      this.#bodies.add(handle);
      return {
        kind: 'entry',
        ...infoOf(header),
        range: range && part,
        body: new StreamedBody(
          () => this.#releasing(handle, readBody(handle, header, part)),
          () => this.#release(handle),
        ),
      };
    } finally {
      if (!keep) await handle.close();
    }
  }

  /** What a file that was read whole answers. @throws StorageError `corrupt`. */
  #outcomeOf(file: Buffer, key: StorageKey, range: ByteRange | undefined): GetOutcome {
    const header = this.#headers.parse(file, key);
    const { metadata, size, version } = header;
    const body = verifiedBody(file, header);
    if (range === undefined) {
      return { kind: 'entry', metadata, size, version, range: undefined, body: new BufferedBody(body) } satisfies Entry;
    }
    const part = resolveRange(range, size);
    if (part === undefined) return { kind: 'range-not-satisfiable', metadata, size, version };
    const bytes = body.subarray(part.first, part.last + 1);
    return { kind: 'entry', metadata, size, version, range: part, body: new BufferedBody(bytes) };
  }

  async *#releasing(handle: FileHandle, stream: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
    try {
      yield* stream;
    } catch (error) {
      throw toStorageError(error, this.#root);
    } finally {
      await this.#release(handle);
    }
  }

  async #release(handle: FileHandle): Promise<void> {
    this.#bodies.delete(handle);
    await handle.close();
  }

  #rememberSmall(key: StorageKey, bytes: number): void {
    if (this.#small.size >= MAX_SMALL_KEYS) this.#small.clear();
    this.#small.set(key, bytes);
  }
}
