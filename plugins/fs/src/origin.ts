import { type BigIntStats, constants, readlinkSync } from 'node:fs';
import { type FileHandle, lstat, open, opendir, realpath } from 'node:fs/promises';
import { join, sep } from 'node:path';
import process from 'node:process';
import {
  type BodyFile,
  BufferedBody,
  type ByteStream,
  type CheckResult,
  type HttpFields,
  LentBuffers,
  type Origin,
  OriginError,
  type OriginRequest,
  type OriginResponse,
  resolveRange,
  StreamedBody,
} from '@tintype/core';
import { isSystemError } from './errors.ts';
import { isNotModified, requestedRange, type Validators } from './file-conditions.ts';
import { imageType, TYPE_BYTES } from './image-type.ts';

/** A pipe or device without a partner can't hold us up while it is opened. */
const READ = constants.O_RDONLY | (constants.O_NONBLOCK ?? 0);

/**
 * Bodies up to this size are read at once: nearly all photographs. In pieces they would be copied
 * together again before they are decoded, and twice the garbage makes twice the collections.
 */
const WHOLE = 4 * 1024 * 1024;

/** Bytes that one read of a larger body takes. */
const CHUNK = 256 * 1024;

/**
 * Files of one folder as sources: `local:///2026/cat.jpg`. Nothing outside of the folder can be
 * named, by `..` or by a symbolic link; whatever is not a readable file in it is 404.
 */
export class LocalOrigin implements Origin {
  readonly schemes: readonly string[] = ['local'];
  readonly #root: string;
  readonly #placeOf: PlaceOf;

  /**
   * @param root absolute path.
   * @param placeOf for tests: how the system tells where an open file lies.
   */
  constructor(root: string, placeOf: PlaceOf = placeByDescriptor) {
    this.#root = root;
    this.#placeOf = placeOf;
  }

  async open(): Promise<void> {}

  async close(): Promise<void> {}

  async fetch(source: string, request: OriginRequest): Promise<OriginResponse> {
    request.signal.throwIfAborted();
    const path = pathOf(source);
    if (path === undefined) return empty(404);
    const file = await openWithin(this.#root, path, this.#placeOf);
    if (file === undefined) return empty(404);
    let keep = false;
    try {
      const response = await respond(file, request);
      keep = response.body.buffered === undefined;
      return response;
    } finally {
      if (!keep) await file.handle.close();
    }
  }

  async check(): Promise<CheckResult> {
    const summary = `files in ${this.#root}`;
    try {
      await (await opendir(this.#root)).close();
      return { ok: true, summary };
    } catch (error) {
      const problem = isSystemError(error, 'ENOENT')
        ? 'does not exist'
        : isSystemError(error, 'ENOTDIR')
          ? 'is not a folder'
          : 'cannot be read by this user';
      return { ok: false, summary, problem: `The folder of local sources, ${this.#root}, ${problem}.` };
    }
  }
}

/** Bytes of a file, both ends inclusive. */
interface Part {
  readonly first: number;
  readonly last: number;
}

interface OpenFile {
  readonly handle: FileHandle;
  readonly stats: BigIntStats;
}

/** The path that a source names, decoded once; `undefined` if it can name no file. */
function pathOf(source: string): string | undefined {
  const encoded = /^local:\/\/(\/[^?#]*)/i.exec(source)?.[1];
  if (encoded === undefined) return undefined;
  let path: string;
  try {
    path = decodeURIComponent(encoded);
  } catch {
    return undefined;
  }
  const strange = path.includes('\0') || path.split(/[/\\]/).includes('..');
  return strange ? undefined : path;
}

/** Opens a file if it is one, and lies within `root` when every link is followed. */
async function openWithin(root: string, path: string, placeOf: PlaceOf): Promise<OpenFile | undefined> {
  const named = join(root, path);
  let handle: FileHandle | undefined;
  let found: OpenFile | undefined;
  try {
    handle = await open(named, READ);
    const [stats, within] = await Promise.all([handle.stat({ bigint: true }), realpath(root)]);
    const real = placeOf(handle) ?? (await sameFileAt(named, stats));
    const contained = real?.startsWith(within.endsWith(sep) ? within : within + sep) ?? false;
    if (stats.isFile() && contained) found = { handle, stats };
    return found;
  } catch (error) {
    // Sockets and devices without a driver give ENXIO and ENODEV.
    const missing = ['ENOENT', 'ENOTDIR', 'ELOOP', 'ENAMETOOLONG', 'EISDIR', 'ENXIO', 'ENODEV'];
    if (isSystemError(error, ...missing)) return undefined;
    if (isSystemError(error, 'EACCES', 'EPERM')) {
      throw new OriginError('misconfigured', 'The server is not allowed to read this source.', { cause: error });
    }
    throw new OriginError('unavailable', 'This source cannot be read now.', { cause: error });
  } finally {
    if (found === undefined) await handle?.close();
  }
}

/** The path of an open file, without links; `undefined` if the system doesn't tell. */
type PlaceOf = (handle: FileHandle) => string | undefined;

/**
 * By Linux's own word, which never waits for a disk: where the file was found, whatever was linked meanwhile.
 * One that was removed still says where it was. proc(5)
 */
function placeByDescriptor(handle: FileHandle): string | undefined {
  if (process.platform !== 'linux') return undefined;
  try {
    return readlinkSync(`/proc/self/fd/${handle.fd}`);
  } catch {
    return undefined;
  }
}

/** Where the file that is open lies, if it still has this name: links can be changed meanwhile. */
async function sameFileAt(named: string, { dev, ino }: BigIntStats): Promise<string | undefined> {
  const real = await realpath(named);
  const there = await lstat(real, { bigint: true });
  return there.dev === dev && there.ino === ino ? real : undefined;
}

async function respond(
  file: OpenFile,
  { headers, maxBytes, takesFile = false, signal }: OriginRequest,
): Promise<OriginResponse> {
  const { size, mtimeNs, mtimeMs, ino } = file.stats;
  const length = Number(size);
  const validators: Validators = {
    etag: `"${size.toString(36)}-${mtimeNs.toString(36)}-${ino.toString(36)}"`,
    lastModified: new Date(Number(mtimeMs)).toUTCString(),
  };
  const state: HttpFields = {
    etag: validators.etag,
    'last-modified': validators.lastModified,
    'accept-ranges': 'bytes',
  };
  if (isNotModified(headers, validators)) return empty(304, state);

  const range = requestedRange(headers, validators);
  const part = range === undefined ? { first: 0, last: length - 1 } : resolveRange(range, length);
  if (part === undefined) return empty(416, { ...state, 'content-range': `bytes */${length}` });
  const delivered = part.last - part.first + 1;
  if (delivered > maxBytes) {
    throw new OriginError('too-large', `The source has ${delivered} bytes; ${maxBytes} are allowed.`);
  }
  const isNamed = takesFile && range === undefined && length > 0 && process.platform === 'linux';
  const bytes = delivered <= WHOLE && !isNamed ? await read(file.handle, part.first, delivered) : undefined;
  const beginning =
    bytes !== undefined && part.first === 0 && delivered >= Math.min(TYPE_BYTES, length)
      ? bytes
      : await read(file.handle, 0, Math.min(TYPE_BYTES, length));
  const fields: HttpFields = {
    ...state,
    'content-type': imageType(beginning),
    'content-length': `${delivered}`,
    ...(range && { 'content-range': `bytes ${part.first}-${part.last}/${length}` }),
  };
  const status = range === undefined ? 200 : 206;
  if (bytes !== undefined) return { status, headers: fields, body: new BufferedBody(bytes, { expendable: true }) };
  if (isNamed) return { status, headers: fields, body: new FileBody(file.handle, length, signal) };
  const close = () => file.handle.close();
  const body = new StreamedBody(() => readPart(file.handle, part, signal, CHUNK), close);
  return { status, headers: fields, body };
}

/** A whole file that other processes can open as long as it is open here; whatever its name is by now. */
class FileBody extends StreamedBody {
  readonly file: BodyFile;
  readonly expendable = true;

  constructor(handle: FileHandle, size: number, signal: AbortSignal) {
    const piece = size <= WHOLE ? size : CHUNK;
    super(
      () => readPart(handle, { first: 0, last: size - 1 }, signal, piece),
      () => handle.close(),
    );
    this.file = { path: `/proc/${process.pid}/fd/${handle.fd}`, size };
  }
}

/** Reads pieces of so many bytes, with the memory of those that were given back. */
function readPart(handle: FileHandle, part: Part, signal: AbortSignal, piece: number): ByteStream {
  const buffers = new LentBuffers(piece);
  const pieces = readPieces(handle, part, signal, piece, buffers);
  return { [Symbol.asyncIterator]: () => pieces, recycle: (chunk) => buffers.takeBack(chunk) };
}

async function* readPieces(
  handle: FileHandle,
  { first, last }: Part,
  signal: AbortSignal,
  piece: number,
  buffers: LentBuffers,
): AsyncGenerator<Uint8Array> {
  try {
    for (let at = first; at <= last; at += piece) {
      signal.throwIfAborted();
      yield await fill(buffers.lend(Math.min(piece, last + 1 - at)), handle, at);
    }
  } finally {
    buffers.close();
    await handle.close();
  }
}

function read(handle: FileHandle, position: number, length: number): Promise<Uint8Array> {
  return fill(Buffer.allocUnsafeSlow(length), handle, position);
}

/** Fills all of `buffer` from `position`: a file that was cut meanwhile is a broken answer. */
async function fill(buffer: Uint8Array, handle: FileHandle, position: number): Promise<Uint8Array> {
  const { length } = buffer;
  for (let filled = 0; filled < length; ) {
    const { bytesRead } = await handle.read(buffer, filled, length - filled, position + filled);
    if (bytesRead === 0) throw new OriginError('unavailable', 'The source was cut short while it was read.');
    filled += bytesRead;
  }
  return buffer;
}

function empty(status: number, headers: HttpFields = {}): OriginResponse {
  return { status, headers, body: new BufferedBody(new Uint8Array()) };
}
