import { type FileHandle, open, readFile } from 'node:fs/promises';
import {
  type Awaitable,
  BufferedBody,
  type ByteRange,
  type ByteStream,
  type Entry,
  type GetOutcome,
  passingBack,
  resolveRange,
  type StorageKey,
  StreamedBody,
} from '@tintype/core';
import type { DirectReads } from './direct-reads.ts';
import { readAt, readBody, readHeader } from './entry-file.ts';
import { toStorageError } from './errors.ts';
import { entryFileIn } from './key-path.ts';
import { type KnownFile, KnownFiles } from './known-files.ts';
import { infoOf, READ } from './open-entry.ts';

/**
 * Entry files up to this size are read whole, in one trip to the thread pool where Node can: above
 * 512 KiB its `readFile` makes several.
 */
const SMALL = 256 * 1024;

/** Reads entries, the small ones whole, and keeps track of files that are still being read. */
export class EntryReader {
  readonly #root: string;
  readonly #direct: DirectReads;
  readonly #used: (file: KnownFile) => void;
  readonly #known = new KnownFiles();
  /** Files of bodies that are not read to their end yet. */
  readonly #bodies = new Set<FileHandle>();

  /**
   * @param root for paths and messages.
   * @param used told of each file that a reader was given something of.
   */
  constructor(root: string, direct: DirectReads, used: (file: KnownFile) => void) {
    this.#root = root;
    this.#direct = direct;
    this.#used = used;
  }

  /** The entry of `key`. @throws the system's error if there is none. */
  read(key: StorageKey, range: ByteRange | undefined): Awaitable<GetOutcome> {
    const file = this.#known.get(key);
    if (file === undefined || file.size > SMALL) return this.#openEntry(key, range);
    const bytes = this.#direct.read(file.path, file.size);
    return bytes === undefined
      ? this.#readSmall(file.path, key, range)
      : this.#outcomeOf(bytes, file, key, range, true);
  }

  /** Notes how large a file was put in place of an entry. */
  wrote(key: StorageKey, bytes: number): void {
    this.#known.note(key, entryFileIn(this.#root, key), bytes);
  }

  /** There is no such entry any more. */
  forget(key: StorageKey): void {
    this.#known.forget(key);
  }

  /** Closes the files of all bodies that nobody has read to their end. */
  async close(): Promise<void> {
    for (const handle of this.#bodies) await this.#release(handle);
  }

  /** For a key that is known to be small, by the thread pool. */
  async #readSmall(path: string, key: StorageKey, range: ByteRange | undefined): Promise<GetOutcome> {
    const bytes = await readFile(path, { flag: READ });
    return this.#outcomeOf(bytes, this.#known.note(key, path, bytes.length), key, range, false);
  }

  /** For a key that isn't known to be small. */
  async #openEntry(key: StorageKey, range: ByteRange | undefined): Promise<GetOutcome> {
    const path = entryFileIn(this.#root, key);
    const handle = await open(path, READ);
    let keep = false;
    try {
      const { size } = await handle.stat();
      const file = this.#known.note(key, path, size);
      if (size <= SMALL) return this.#outcomeOf(await readAt(handle, 0, size), file, key, range, true);
      const header = await readHeader(handle, key);
      this.#used(file);
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

  /**
   * What a file that was read whole answers.
   *
   * @param expendable whether `bytes` have an `ArrayBuffer` of their own.
   * @throws StorageError `corrupt`.
   */
  #outcomeOf(
    bytes: Buffer,
    file: KnownFile,
    key: StorageKey,
    range: ByteRange | undefined,
    expendable: boolean,
  ): GetOutcome {
    const { header, body } = this.#known.parse(bytes, key, file);
    this.#used(file);
    const { metadata, size, version } = header;
    if (range === undefined) {
      const whole = new BufferedBody(body, { expendable });
      return { kind: 'entry', metadata, size, version, range: undefined, body: whole } satisfies Entry;
    }
    const part = resolveRange(range, size);
    if (part === undefined) return { kind: 'range-not-satisfiable', metadata, size, version };
    const some = body.subarray(part.first, part.last + 1);
    return { kind: 'entry', metadata, size, version, range: part, body: new BufferedBody(some, { expendable }) };
  }

  #releasing(handle: FileHandle, stream: ByteStream): ByteStream {
    return passingBack(this.#untilRead(handle, stream), () => stream);
  }

  async *#untilRead(handle: FileHandle, stream: ByteStream): AsyncGenerator<Uint8Array> {
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
}
