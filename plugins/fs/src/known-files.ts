import type { StorageKey } from '@tintype/core';
import { crc32 } from './checksum.ts';
import { type EntryHeader, hasChecksumsOf, parseHeader, verifiedBody } from './entry-file.ts';

/** Keys remembered: some 400 bytes each. Forgetting one costs its next hit a few more system calls. */
const MAX_FILES = 100_000;
/** Those with a header: some 1.5 KiB more each. */
const MAX_HEADERS = 10_000;

/** A file that was read whole. */
export interface EntryFile {
  readonly header: EntryHeader;
  readonly body: Buffer;
}

/** What was seen of the entry's file when it was read or written last. Another process may have replaced it since. */
export interface KnownFile {
  readonly path: string;
  /** Bytes of the whole file. */
  readonly size: number;
  /** The period of `Recency` in which its use was noted. */
  usedIn: number;
  seen: Seen | undefined;
}

/** A header that was parsed, and what the file was that it stood in. */
interface Seen {
  readonly header: EntryHeader;
  /** CRC-32 of the whole file. */
  readonly crc: number;
}

/**
 * Small files that were met before: one look-up tells a hit where to read, how much, and, if the file is
 * still the same, what its header says. Whoever asks the core to decode the metadata then gets the object
 * that it has decoded already. Nothing is believed that the file doesn't say.
 */
export class KnownFiles {
  readonly #files = new Map<StorageKey, KnownFile>();
  /** The files with a header, of which the oldest loses it for a new one. */
  readonly #withHeader: KnownFile[] = [];
  #next = 0;

  get(key: StorageKey): KnownFile | undefined {
    return this.#files.get(key);
  }

  /** Notes how large the file of an entry is. */
  note(key: StorageKey, path: string, size: number): KnownFile {
    const known = this.#files.get(key);
    if (known?.size === size) return known;
    if (this.#files.size >= MAX_FILES) this.#files.clear();
    const file: KnownFile = { path, size, usedIn: 0, seen: undefined };
    this.#files.set(key, file);
    return file;
  }

  forget(key: StorageKey): void {
    this.#files.delete(key);
  }

  /**
   * What a file holds that was read whole. If it is the one that was seen before, bit by bit as far as
   * its checksums tell, one pass over it replaces parsing the header and checking it and the body.
   *
   * @throws StorageError `corrupt`.
   */
  parse(bytes: Buffer, key: StorageKey, file: KnownFile): EntryFile {
    const { seen } = file;
    if (seen !== undefined && isSame(seen, bytes)) {
      return { header: seen.header, body: bytes.subarray(seen.header.bodyStart) };
    }
    const header = parseHeader(bytes, bytes.length, key);
    const body = verifiedBody(bytes, header);
    if (seen === undefined) this.#remember(file);
    file.seen = { header, crc: crc32(bytes) };
    return { header, body };
  }

  #remember(file: KnownFile): void {
    const oldest = this.#withHeader[this.#next];
    if (oldest !== undefined) oldest.seen = undefined;
    this.#withHeader[this.#next] = file;
    this.#next = (this.#next + 1) % MAX_HEADERS;
  }
}

/** Each of the three checksums would have to be the same by chance, if it were another file of this length. */
function isSame({ header, crc }: Seen, bytes: Buffer): boolean {
  return bytes.length === header.bodyStart + header.size && hasChecksumsOf(bytes, header) && crc32(bytes) === crc;
}
