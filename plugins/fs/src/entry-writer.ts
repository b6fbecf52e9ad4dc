import { constants } from 'node:fs';
import { type FileHandle, link, lstat, mkdir, open, realpath, rename, rm, unlink } from 'node:fs/promises';
import { dirname } from 'node:path';
import {
  type ByteStream,
  type OperationContext,
  type PutCondition,
  StorageError,
  type StorageKey,
  type VersionCondition,
} from '@tintype/core';
import { crc32 } from './checksum.ts';
import type { HeaderDraft } from './entry-file.ts';
import { isSystemError } from './errors.ts';
import { estimateSpace, removeEmptyFolder } from './eviction.ts';
import { fenced, type KeyLocks } from './key-locks.ts';
import { entryFileIn } from './key-path.ts';
import { headerAt } from './open-entry.ts';
import type { TempFolder } from './temp-folder.ts';

/** A whole entry file that is not an entry yet, and its size in bytes. */
export interface Written {
  readonly path: string;
  readonly bytes: number;
}

/** Where and how entries are written. */
export interface WriterOptions {
  /** Without symbolic links. */
  readonly root: string;
  /** Whether a write survives the loss of power. */
  readonly power: boolean;
  readonly maxObjectBytes: number;
  readonly temp: TempFolder;
  readonly locks: KeyLocks;
}

/** Writes entry files, makes them entries in one step, and removes entries. */
export class EntryWriter {
  readonly #root: string;
  readonly #power: boolean;
  readonly #maxObjectBytes: number;
  readonly #temp: TempFolder;
  readonly #locks: KeyLocks;

  constructor({ root, power, maxObjectBytes, temp, locks }: WriterOptions) {
    this.#root = root;
    this.#power = power;
    this.#maxObjectBytes = maxObjectBytes;
    this.#temp = temp;
    this.#locks = locks;
  }

  /** Where the entry of `key` is. */
  pathOf(key: StorageKey): string {
    return entryFileIn(this.#root, key);
  }

  /** Writes a whole entry file under a name of its own. @returns where, and its size in bytes. */
  async write(draft: HeaderDraft, body: ByteStream | Uint8Array): Promise<Written> {
    const { path, handle } = await this.#createTemp();
    try {
      try {
        const bytes =
          body instanceof Uint8Array
            ? await this.#writeWhole(handle, draft, body)
            : await this.#writeChunks(handle, draft, body);
        if (this.#power) await handle.datasync();
        return { path, bytes };
      } finally {
        await handle.close();
      }
    } catch (error) {
      await rm(path, { force: true });
      throw error;
    }
  }

  /** Header and body by one call of the system. */
  async #writeWhole(handle: FileHandle, draft: HeaderDraft, body: Uint8Array): Promise<number> {
    if (body.length > this.#maxObjectBytes) throw tooLarge();
    const header = draft.finish(body.length, crc32(body));
    const { bytesWritten } = await handle.writev([header, body], 0);
    if (bytesWritten < header.length) await writeAll(handle, header.subarray(bytesWritten), bytesWritten);
    const rest = Math.max(0, bytesWritten - header.length);
    if (rest < body.length) await writeAll(handle, body.subarray(rest), header.length + rest);
    return header.length + body.length;
  }

  async #writeChunks(handle: FileHandle, draft: HeaderDraft, chunks: ByteStream): Promise<number> {
    let position = draft.length;
    let crc = 0;
    for await (const chunk of chunks) {
      if (position + chunk.length > draft.length + this.#maxObjectBytes) throw tooLarge();
      await writeAll(handle, chunk, position);
      position += chunk.length;
      crc = crc32(chunk, crc);
      chunks.recycle?.(chunk);
    }
    await writeAll(handle, draft.finish(position - draft.length, crc), 0);
    return position;
  }

  async #createTemp(): Promise<{ readonly path: string; readonly handle: FileHandle }> {
    for (let attempt = 1; ; attempt += 1) {
      const path = this.#temp.newPath();
      try {
        return { path, handle: await open(path, 'wx') };
      } catch (error) {
        if (attempt > 1 || !isSystemError(error, 'ENOENT')) throw error;
        // Taken for dead while asleep: begin anew.
        await this.#temp.beat();
      }
    }
  }

  /** Makes a written file the entry of `key`, if the condition holds. */
  async commit(
    key: StorageKey,
    written: Written,
    condition: PutCondition | undefined,
    context: OperationContext,
  ): Promise<void> {
    const path = this.pathOf(key);
    try {
      if (condition !== undefined && 'ifAbsent' in condition) {
        await this.#place(path, context, () => linkNew(written.path, path));
        await unlink(written.path);
      } else {
        await this.#locks.run(key, context, async () => {
          if (condition !== undefined) await requireVersion(path, key, condition);
          await this.#place(path, context, () => rename(written.path, path));
        });
      }
    } catch (error) {
      await rm(written.path, { force: true });
      throw error;
    }
    this.#temp.note(estimateSpace(written.bytes));
  }

  /** Removes the entry of `key`, if the condition holds, and folders that are then empty. */
  async remove(key: StorageKey, condition: VersionCondition | undefined, context: OperationContext): Promise<void> {
    await this.#locks.run(key, context, async () => {
      const path = this.pathOf(key);
      if (condition !== undefined) await requireVersion(path, key, condition);
      const removed = this.#temp.newPath();
      try {
        await this.#refuseLinks(dirname(path));
        context.signal.throwIfAborted();
        await rename(path, removed);
      } catch (error) {
        if (!isSystemError(error, 'ENOENT')) throw error;
        if (await isThere(path)) throw fenced();
        return;
      }
      await rm(removed, { recursive: true });
      await this.#removeEmptyParents(path);
    });
  }

  /** Runs `step`, which puts a file at `path`; makes its folders, also if they vanish meanwhile. */
  async #place(path: string, { signal }: OperationContext, step: () => Promise<void>): Promise<void> {
    const folder = dirname(path);
    for (let attempt = 1; attempt <= 10; attempt += 1) {
      try {
        await this.#refuseLinks(folder);
        // The last moment at which it may end without effect.
        signal.throwIfAborted();
        await step();
        if (this.#power) await syncFolder(folder);
        return;
      } catch (error) {
        if (!isSystemError(error, 'ENOENT')) {
          // In vain: the folders that were made for it.
          if (attempt > 1) await this.#removeEmptyParents(path);
          throw error;
        }
      }
      try {
        await this.#makeFolder(folder);
      } catch (error) {
        // Node's mkdir says each of these if one of the folders is removed while it looks.
        if (attempt === 10 || !isSystemError(error, 'ENOENT', 'ENOTDIR', 'EEXIST')) throw error;
      }
    }
    await this.#removeEmptyParents(path);
    throw fenced();
  }

  async #makeFolder(folder: string): Promise<void> {
    const first = await mkdir(folder, { recursive: true });
    if (first === undefined) return;
    const made = folder.slice(first.length).split('/').length;
    this.#temp.note(made * estimateSpace(1));
    if (!this.#power) return;
    for (let each = folder; each.length >= first.length; each = dirname(each)) await syncFolder(dirname(each));
  }

  /** A link among the folders would lead writes out of the root. */
  async #refuseLinks(folder: string): Promise<void> {
    if ((await realpath(folder)) === folder) return;
    throw new StorageError({
      code: 'misconfigured',
      message: `Cache folder ${this.#root}: there is a symbolic link in place of one of its folders (${folder}).`,
    });
  }

  async #removeEmptyParents(path: string): Promise<void> {
    for (let folder = dirname(path); folder !== this.#root; folder = dirname(folder)) {
      if (!(await removeEmptyFolder(folder))) return;
    }
  }
}

async function writeAll(handle: FileHandle, bytes: Uint8Array, position: number): Promise<void> {
  for (let done = 0; done < bytes.length; ) {
    const { bytesWritten } = await handle.write(bytes, done, bytes.length - done, position + done);
    done += bytesWritten;
  }
}

/** A rename that doesn't replace: of several at once, one succeeds. */
async function linkNew(from: string, to: string): Promise<void> {
  try {
    await link(from, to);
  } catch (error) {
    throw isSystemError(error, 'EEXIST') ? preconditionFailed() : error;
  }
}

async function requireVersion(path: string, key: StorageKey, condition: VersionCondition): Promise<void> {
  if ((await headerAt(path, key))?.version !== condition.ifVersion) throw preconditionFailed();
}

async function isThere(path: string): Promise<boolean> {
  try {
    await lstat(path);
    return true;
  } catch (error) {
    if (isSystemError(error, 'ENOENT', 'ENOTDIR')) return false;
    throw error;
  }
}

async function syncFolder(folder: string): Promise<void> {
  const handle = await open(folder, constants.O_RDONLY);
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

/** The condition of an operation does not hold. */
export function preconditionFailed(): StorageError {
  return new StorageError({
    code: 'precondition-failed',
    message: 'There is an entry already, or it is gone, or it has another version by now.',
  });
}

function tooLarge(): StorageError {
  return new StorageError({
    code: 'too-large',
    message: 'The entry is larger than the whole cache may be (MAX_BYTES).',
  });
}
