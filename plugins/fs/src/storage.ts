import { realpath, statfs, unlink, writeFile } from 'node:fs/promises';
import {
  type Awaitable,
  type ByteRange,
  type ByteStream,
  type CheckResult,
  type EntryInfo,
  formatBytes,
  type GetOutcome,
  type ListedEntry,
  type OperationContext,
  type PutBody,
  type PutCondition,
  passingBack,
  type StorageAdapter,
  type StorageCapabilities,
  StorageError,
  type StorageKey,
  type StorageUsage,
  type StoredMetadata,
  type Version,
  type VersionCondition,
} from '@tintype/core';
import { DirectReads } from './direct-reads.ts';
import { HeaderDraft, readBody, readHeader } from './entry-file.ts';
import { EntryReader } from './entry-reader.ts';
import { EntryWriter, preconditionFailed, type Written } from './entry-writer.ts';
import { CAP_VARIABLES, isSystemError, toStorageError } from './errors.ts';
import { Eviction } from './eviction.ts';
import { KeyLocks } from './key-locks.ts';
import { walkInOrder } from './listing.ts';
import { makeFolder } from './make-folder.ts';
import { headerAt, infoOf, openIfThere } from './open-entry.ts';
import type { FsOptions } from './options.ts';
import { TempFolder } from './temp-folder.ts';
import { Upkeep } from './upkeep.ts';

/** The caller's own body failed: its error goes back as it is. */
class BodyFailure {
  readonly error: unknown;

  constructor(error: unknown) {
    this.error = error;
  }
}

/** What works on one opened folder. */
interface Parts {
  /** Without symbolic links, once opened. */
  readonly root: string;
  readonly temp: TempFolder;
  readonly locks: KeyLocks;
  readonly eviction: Eviction;
  readonly direct: DirectReads;
  readonly reader: EntryReader;
  readonly writer: EntryWriter;
  readonly upkeep: Upkeep;
}

/**
 * A cache in a folder: one self-describing file per entry (`entry-file.ts`), at a path made of the
 * key (`key-path.ts`). Several processes may share it.
 *
 * A write makes a whole file in a folder of its own (`temp-folder.ts`) and renames it over the old
 * one, while it holds the key's lock (`key-locks.ts`); so readers need no lock.
 */
export class FsStorage implements StorageAdapter {
  readonly capabilities: StorageCapabilities;
  readonly #givenRoot: string;
  readonly #power: boolean;
  readonly #direct: boolean;
  readonly #maxBytes: number;
  #parts: Parts;
  #opening: Promise<void> | undefined;

  constructor(options: Omit<FsOptions, 'reads'> & Partial<Pick<FsOptions, 'reads'>>) {
    this.#givenRoot = options.root;
    this.#power = options.durability === 'power';
    this.#direct = options.reads !== 'threads';
    this.#maxBytes = options.maxBytes;
    this.capabilities = {
      conditionalCreate: true,
      conditionalReplace: true,
      conditionalMetadata: true,
      conditionalDelete: true,
      ranges: true,
      versionCoversMetadata: true,
      readConsistency: { kind: 'strong', scope: 'store' },
      listConsistency: { kind: 'strong', scope: 'store' },
      evicts: options.maxBytes > 0,
      durability: this.#power ? 'power' : 'process',
      nativeExpiry: false,
      maxObjectBytes: options.maxBytes > 0 ? options.maxBytes : Number.POSITIVE_INFINITY,
      maxMetadataBytes: 64 * 1024,
      minWriteIntervalMs: 0,
    };
    this.#parts = this.#partsAt(options.root);
  }

  /** A second `open` joins the first. */
  open(): Promise<void> {
    this.#opening ??= this.#open().catch((error: unknown) => {
      this.#opening = undefined;
      throw error;
    });
    return this.#opening;
  }

  async #open(): Promise<void> {
    await this.#attempt(async () => {
      await makeFolder(this.#givenRoot);
      const root = await realpath(this.#givenRoot);
      this.#parts = this.#partsAt(root);
      await this.#parts.temp.open();
      await this.#parts.eviction.open();
      if (this.#direct) await this.#parts.direct.open(root);
    });
    this.#parts.upkeep.start();
  }

  #partsAt(root: string): Parts {
    const temp = new TempFolder(root);
    const locks = new KeyLocks(temp);
    const eviction = new Eviction(root, this.#maxBytes, temp);
    const direct = new DirectReads();
    const upkeep = new Upkeep(temp, locks, eviction);
    const { maxObjectBytes } = this.capabilities;
    return {
      root,
      temp,
      locks,
      eviction,
      direct,
      reader: new EntryReader(root, direct, (file) => upkeep.used(file)),
      writer: new EntryWriter({ root, power: this.#power, maxObjectBytes, temp, locks }),
      upkeep,
    };
  }

  async close(): Promise<void> {
    const { upkeep, reader, locks, eviction, temp } = this.#parts;
    await upkeep.stop();
    await reader.close();
    await this.#attempt(async () => {
      try {
        await upkeep.flush();
      } finally {
        // A lock that stays must stay beside its owner's folder, by which others see that it is dead.
        const released = [await locks.retryReleases(), await eviction.retryRelease()];
        if (!released.includes(false)) await temp.close();
      }
    });
  }

  get(key: StorageKey, range: ByteRange | undefined): Awaitable<GetOutcome> {
    try {
      const outcome = this.#parts.reader.read(key, range);
      return outcome instanceof Promise ? outcome.catch((error: unknown) => this.#unread(key, error)) : outcome;
    } catch (error) {
      return this.#unread(key, error);
    }
  }

  /** Nothing, if there is no such file; rejects with what else it was. */
  #unread(key: StorageKey, error: unknown): Awaitable<undefined> {
    const { reader, root } = this.#parts;
    if (!isSystemError(error, 'ENOENT')) return Promise.reject(toStorageError(error, root));
    reader.forget(key);
    return undefined;
  }

  async stat(key: StorageKey): Promise<EntryInfo | undefined> {
    return this.#attempt(async () => {
      const header = await headerAt(this.#parts.writer.pathOf(key), key);
      return header && infoOf(header);
    });
  }

  async put(
    key: StorageKey,
    body: PutBody,
    metadata: StoredMetadata,
    condition: PutCondition | undefined,
    context: OperationContext,
  ): Promise<Version> {
    return this.#attempt(async () => {
      if (this.#parts.upkeep.overfull) await this.#parts.upkeep.room(context);
      const draft = new HeaderDraft(key, metadata, Date.now());
      const written = await this.#parts.writer.write(draft, body.bytes ?? untilAborted(body, context));
      await this.#commit(key, written, condition, context);
      return draft.version;
    });
  }

  async setMetadata(
    key: StorageKey,
    metadata: StoredMetadata,
    condition: VersionCondition | undefined,
    context: OperationContext,
  ): Promise<Version | undefined> {
    return this.#attempt(async () => {
      for (;;) {
        const handle = await openIfThere(this.#parts.writer.pathOf(key));
        if (handle === undefined) return undefined;
        try {
          const header = await readHeader(handle, key);
          if (condition !== undefined && header.version !== condition.ifVersion) throw preconditionFailed();
          const draft = new HeaderDraft(key, metadata, Date.now());
          const chunks = readBody(handle, header, { first: 0, last: header.size - 1 });
          const written = await this.#parts.writer.write(draft, chunks);
          await this.#commit(key, written, { ifVersion: header.version }, context);
          return draft.version;
        } catch (error) {
          // Another write came in between: nobody asked for a certain version, so again with the new.
          const outrun = StorageError.is(error) && error.code === 'precondition-failed';
          if (!outrun || condition !== undefined) throw error;
          context.signal.throwIfAborted();
        } finally {
          await handle.close();
        }
      }
    });
  }

  async delete(key: StorageKey, condition: VersionCondition | undefined, context: OperationContext): Promise<void> {
    await this.#attempt(() => this.#parts.writer.remove(key, condition, context));
  }

  async *list(prefix: string, after: StorageKey | undefined, context: OperationContext): AsyncGenerator<ListedEntry> {
    try {
      for await (const { key, path } of walkInOrder(this.#parts.root, prefix, after ?? '')) {
        context.signal.throwIfAborted();
        const row = await rowOf(key, path);
        if (row !== undefined) yield row;
      }
    } catch (error) {
      throw toStorageError(error, this.#parts.root);
    }
  }

  async check(): Promise<CheckResult> {
    const cap = this.#maxBytes > 0 ? `at most ${formatBytes(this.#maxBytes)}` : 'no limit';
    const { root, temp, upkeep, eviction } = this.#parts;
    const summary = `folder ${root}, ${cap}`;
    try {
      return await this.#attempt<CheckResult>(async () => {
        const probe = temp.newPath();
        await writeFile(probe, 'Is there room to write?');
        await unlink(probe);
        const { bavail, bfree, blocks, bsize } = await statfs(root);
        const free = `${summary}, ${formatBytes(bavail * bsize)} free on its disk`;
        const problem = await upkeep.capProblem();
        if (problem !== undefined) return { ok: false, summary: free, problem };
        // Before the first count all that lies on the disk may be the cache's.
        const used = eviction.counted ? eviction.estimate : (blocks - bfree) * bsize;
        const warning = this.#roomProblem(root, used + bavail * bsize);
        return { ok: true, summary: free, ...(warning !== undefined && { warning }) };
      });
    } catch (error) {
      return { ok: false, summary, problem: error instanceof Error ? error.message : String(error) };
    }
  }

  /** What to say of a disk that is full before the cap is reached. */
  #roomProblem(root: string, room: number): string | undefined {
    if (this.#maxBytes <= room) return undefined;
    return `Cache folder ${root}: its disk has room for ${formatBytes(room)}, less than the ${formatBytes(this.#maxBytes)} that the cache may take, so it will be full first; set ${CAP_VARIABLES} to less than there is room for.`;
  }

  usage(): StorageUsage {
    const { counted, estimate, evicted } = this.#parts.eviction;
    // Without a cap nothing sweeps regularly: a count of long ago is never corrected.
    return { bytes: counted && this.#maxBytes > 0 ? estimate : undefined, evicted };
  }

  /**
   * Counts what the entries take on the disk and, if that is more than the cap, removes those that
   * were not used for longest. It runs by itself when due; this is for tools and tests.
   */
  async sweep(): Promise<void> {
    await this.#attempt(async () => {
      await this.#parts.upkeep.flush();
      await this.#parts.eviction.sweepAfresh();
    });
  }

  /** Runs an operation and puts its errors into the words of the contract. */
  async #attempt<T>(operation: () => Promise<T>): Promise<T> {
    try {
      return await operation();
    } catch (error) {
      if (error instanceof BodyFailure) throw error.error;
      // Readers go on; writers may try again when this has made room.
      if (isSystemError(error, 'ENOSPC', 'EDQUOT')) this.#parts.eviction.makeRoom().catch(() => {});
      throw toStorageError(error, this.#parts.root);
    }
  }

  async #commit(
    key: StorageKey,
    written: Written,
    condition: PutCondition | undefined,
    context: OperationContext,
  ): Promise<void> {
    const { writer, reader, upkeep } = this.#parts;
    await writer.commit(key, written, condition, context);
    reader.wrote(key, written.bytes);
    upkeep.evictIfDue();
  }
}

function untilAborted(body: PutBody, context: OperationContext): ByteStream {
  let source: ByteStream | undefined;
  const chunks = readUntilAborted(context, () => {
    source = body.stream();
    return source;
  });
  return passingBack(chunks, () => source);
}

async function* readUntilAborted(context: OperationContext, open: () => ByteStream): AsyncGenerator<Uint8Array> {
  try {
    yield* open();
    context.signal.throwIfAborted();
  } catch (error) {
    throw new BodyFailure(error);
  }
}

/** A row of the listing; a damaged entry has one too, so that whoever empties a prefix sees it. */
async function rowOf(key: StorageKey, path: string): Promise<ListedEntry | undefined> {
  try {
    const header = await headerAt(path, key);
    return header && { key, size: header.size, version: header.version, modifiedAt: header.writtenAt };
  } catch (error) {
    if (!StorageError.is(error)) throw error;
    return { key, size: 0, version: undefined, modifiedAt: 0 };
  }
}
