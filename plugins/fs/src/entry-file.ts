import { randomUUID } from 'node:crypto';
import type { FileHandle } from 'node:fs/promises';
import {
  type ByteStream,
  type EntryInfo,
  LentBuffers,
  type StorageKey,
  type StoredMetadata,
  type Version,
} from '@tintype/core';
import { crc32 } from './checksum.ts';
import { corrupt } from './errors.ts';

/**
 * The file of an entry: all of it in one file, readable without anything else.
 *
 * | offset | bytes | what (numbers little-endian) |
 * |---|---|---|
 * | 0 | 8 | `tintype` and the version of this format, 1 |
 * | 8 | 4 | CRC-32 of the header from offset 12 |
 * | 12 | 4 | length of the description |
 * | 16 | 4 | CRC-32 of the body |
 * | 20 | 6 | length of the body |
 * | 26 | | description: JSON of `key`, `version`, `writtenAt`, `metadata` |
 * | | | body |
 */
const MAGIC = Buffer.from('tintype\u0001', 'latin1');
const FIXED = 26;
/** One read of this many bytes usually holds the whole header. */
const FIRST_READ = 4096;
/** Longest header there may be; a damaged length must not make us allocate gigabytes. */
const MAX_HEADER = 1024 * 1024;

interface Description {
  readonly key: StorageKey;
  readonly version: Version;
  /** Milliseconds since the epoch. */
  readonly writtenAt: number;
  readonly metadata: StoredMetadata;
}

/** What the header tells. */
export interface EntryHeader extends Description, EntryInfo {
  /** Bytes of the header: where the body begins. */
  readonly bodyStart: number;
  readonly bodyCrc: number;
  /** Of the header itself. */
  readonly crc: number;
}

/** A header being made: its length is known before the body is. */
export class HeaderDraft {
  readonly version: Version = randomUUID() as Version;
  readonly #description: Buffer;

  constructor(key: StorageKey, metadata: StoredMetadata, writtenAt: number) {
    const description: Description = { key, version: this.version, writtenAt, metadata };
    this.#description = Buffer.from(JSON.stringify(description));
  }

  /** Bytes that the header will have. */
  get length(): number {
    return FIXED + this.#description.length;
  }

  /** The header of a body with this length and CRC-32. */
  finish(bodyLength: number, bodyCrc: number): Buffer {
    const header = Buffer.allocUnsafe(this.length);
    MAGIC.copy(header);
    header.writeUInt32LE(this.#description.length, 12);
    header.writeUInt32LE(bodyCrc, 16);
    header.writeUIntLE(bodyLength, 20, 6);
    this.#description.copy(header, FIXED);
    header.writeUInt32LE(crc32(header.subarray(12)), 8);
    return header;
  }
}

/**
 * Reads the header from the beginning of a file.
 *
 * @param bytes at least `headerLength(bytes)` of it.
 * @param fileSize must be exactly what header and body take, or the file was cut or grew.
 * @throws StorageError `corrupt`.
 */
export function parseHeader(bytes: Buffer, fileSize: number, key: StorageKey): EntryHeader {
  const bodyStart = headerLength(bytes);
  const crc = bytes.readUInt32LE(8);
  if (crc32(bytes.subarray(12, bodyStart)) !== crc) throw corrupt('its header has another checksum');
  const size = bytes.readUIntLE(20, 6);
  if (fileSize !== bodyStart + size) throw corrupt(`it has ${fileSize} bytes instead of ${bodyStart + size}`);
  const description: Description = JSON.parse(bytes.toString('utf8', FIXED, bodyStart));
  if (description.key !== key) throw corrupt(`it belongs to the key ${description.key}`);
  const { version, writtenAt, metadata } = description;
  return { key, version, writtenAt, metadata, size, bodyStart, bodyCrc: bytes.readUInt32LE(16), crc };
}

/** Whether a file tells the same checksums as `header`. @param bytes of at least that header's length. */
export function hasChecksumsOf(bytes: Buffer, { crc, bodyCrc }: EntryHeader): boolean {
  return bytes.readUInt32LE(8) === crc && bytes.readUInt32LE(16) === bodyCrc;
}

/** Bytes of the header that begins with `bytes`. @throws StorageError `corrupt`. */
function headerLength(bytes: Buffer): number {
  if (bytes.length < FIXED) throw corrupt('it is shorter than any entry');
  if (!bytes.subarray(0, MAGIC.length).equals(MAGIC)) throw corrupt('it is no entry of this format');
  const length = FIXED + bytes.readUInt32LE(12);
  if (length > MAX_HEADER) throw corrupt('its header claims an impossible length');
  return length;
}

/** The body of a file that was read whole, checked. @throws StorageError `corrupt`. */
export function verifiedBody(file: Buffer, header: EntryHeader): Buffer {
  const body = file.subarray(header.bodyStart);
  if (crc32(body) !== header.bodyCrc) throw corrupt('its body has another checksum');
  return body;
}

/** Reads the header of an open file. @throws StorageError `corrupt`. */
export async function readHeader(handle: FileHandle, key: StorageKey): Promise<EntryHeader> {
  const { size } = await handle.stat();
  let bytes = await readAt(handle, 0, Math.min(size, FIRST_READ));
  const length = headerLength(bytes);
  // The file may be cut within its header: `parseHeader` tells.
  if (length > bytes.length) bytes = await readAt(handle, 0, Math.min(size, length));
  return parseHeader(bytes, size, key);
}

/** Exactly `length` bytes from `position`. @throws StorageError `corrupt` if the file ends before. */
export function readAt(handle: FileHandle, position: number, length: number): Promise<Buffer> {
  return fill(Buffer.allocUnsafeSlow(length), handle, position);
}

async function fill<T extends Uint8Array>(buffer: T, handle: FileHandle, position: number): Promise<T> {
  const { length } = buffer;
  let filled = 0;
  while (filled < length) {
    const { bytesRead } = await handle.read(buffer, filled, length - filled, position + filled);
    if (bytesRead === 0) throw corrupt('it ends early');
    filled += bytesRead;
  }
  return buffer;
}

/** Bytes that one read of a streamed body takes. */
const CHUNK = 256 * 1024;

/**
 * Reads a part of the body piece by piece, into what came back of it. If it is the whole body, the checksum is compared before
 * the last piece is handed out, so that nobody takes a damaged body for complete.
 *
 * @throws StorageError `corrupt`.
 */
export function readBody(handle: FileHandle, header: EntryHeader, part: Part): ByteStream {
  const buffers = new LentBuffers(Math.min(CHUNK, part.last - part.first + 1));
  const chunks = readChunks(handle, header, part, buffers);
  return { [Symbol.asyncIterator]: () => chunks, recycle: (chunk) => buffers.takeBack(chunk) };
}

/** Bytes of a body, both ends inclusive. */
interface Part {
  readonly first: number;
  readonly last: number;
}

async function* readChunks(
  handle: FileHandle,
  header: EntryHeader,
  { first, last }: Part,
  buffers: LentBuffers,
): AsyncGenerator<Uint8Array> {
  const whole = last - first + 1 === header.size;
  let crc = 0;
  try {
    for (let at = first; at <= last; at += CHUNK) {
      const chunk = await fill(buffers.lend(Math.min(CHUNK, last + 1 - at)), handle, header.bodyStart + at);
      if (whole) {
        crc = crc32(chunk, crc);
        if (at + CHUNK > last && crc !== header.bodyCrc) throw corrupt('its body has another checksum');
      }
      yield chunk;
    }
  } finally {
    buffers.close();
  }
}
