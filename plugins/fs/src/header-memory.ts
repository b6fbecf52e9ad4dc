import type { StorageKey } from '@tintype/core';
import { type EntryHeader, parseHeader } from './entry-file.ts';

/** Headers remembered: some 1.5 KiB each. */
const MAX_HEADERS = 10_000;

interface Known {
  readonly bytes: Buffer;
  readonly header: EntryHeader;
}

/**
 * Headers that were read before. Whoever reads an entry again finds the same bytes at its beginning, and
 * comparing them costs a fraction of checking and parsing them; whoever asks the core to decode the
 * metadata gets the object that it has decoded already. Nothing is believed that the file doesn't say.
 */
export class HeaderMemory {
  readonly #known = new Map<StorageKey, Known>();

  /** `parseHeader` of a file that was read whole. @throws StorageError `corrupt`. */
  parse(file: Buffer, key: StorageKey): EntryHeader {
    const known = this.#known.get(key);
    if (known !== undefined && isSame(known, file)) return known.header;
    const header = parseHeader(file, file.length, key);
    if (known === undefined && this.#known.size >= MAX_HEADERS) this.#known.clear();
    this.#known.set(key, { bytes: Buffer.from(file.subarray(0, header.bodyStart)), header });
    return header;
  }
}

function isSame({ bytes, header }: Known, file: Buffer): boolean {
  return file.length === header.bodyStart + header.size && bytes.compare(file, 0, bytes.length) === 0;
}
