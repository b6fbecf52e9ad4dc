import { constants } from 'node:fs';
import {
  type FileHandle,
  link,
  lstat,
  mkdir,
  open,
  readFile,
  realpath,
  rename,
  rm,
  statfs,
  unlink,
  writeFile,
} from 'node:fs/promises';
import { dirname } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { crc32 } from 'node:zlib';
import {
  BufferedBody,
  type ByteRange,
  type CheckResult,
  type Entry,
  type EntryInfo,
  formatBytes,
  type GetOutcome,
  type ListedEntry,
  type OperationContext,
  type PutBody,
  type PutCondition,
  resolveRange,
  type StorageAdapter,
  type StorageCapabilities,
  StorageError,
  type StorageKey,
  type StoredMetadata,
  StreamedBody,
  type Version,
  type VersionCondition,
} from '@tintype/core';
import {
  type EntryHeader,
  HeaderDraft,
  parseHeader,
  readAt,
  readBody,
  readHeader,
  verifiedBody,
} from './entry-file.ts';
import { isSystemError, toStorageError } from './errors.ts';
import { Eviction, estimateSpace, removeEmptyFolder } from './eviction.ts';
import { fenced, KeyLocks } from './key-locks.ts';
import { entryPath } from './key-path.ts';
import { walkInOrder } from './listing.ts';
import type { FsOptions } from './options.ts';
import { Recency } from './recency.ts';
import { BEAT_EVERY_MS, TempFolder } from './temp-folder.ts';

/**
 * Entry files up to this size are read whole, in one trip to the thread pool where Node can: above
 * 512 KiB its `readFile` makes several.
 */
const SMALL = 256 * 1024;
/** Keys remembered as small; forgetting one costs its next hit a few more system calls. */
const MAX_SMALL_KEYS = 100_000;

/** A link in place of an entry isn't followed, and a pipe can't hold us up. */
const READ = constants.O_RDONLY | (constants.O_NOFOLLOW ?? 0) | (constants.O_NONBLOCK ?? 0);

/** Uses are written down every so many signs of life. */
const BEATS_PER_FLUSH = 6;
/** The dead are looked for every so many signs of life. */
const BEATS_PER_SWEEP = 3;

/** Longest time that a check waits for a sweep under way, in milliseconds. */
const MAX_WAIT_FOR_SWEEP_MS = 1_000;

/** The caller's own body failed: its error goes back as it is. */
class BodyFailure {
  readonly error: unknown;

  constructor(error: unknown) {
    this.error = error;
  }
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
  readonly #maxBytes: number;
  readonly #small = new Set<StorageKey>();
  /** Files of bodies that are not read to their end yet. */
  readonly #bodies = new Set<FileHandle>();
  /** Without symbolic links, once opened. */
  #root: string;
  #temp: TempFolder;
  #locks: KeyLocks;
  #eviction: Eviction;
  #recency = new Recency();
  #timer: NodeJS.Timeout | undefined;
  #beats = 0;
  #ticking: Promise<void> = Promise.resolve();
  #opening: Promise<void> | undefined;

  constructor(options: FsOptions) {
    this.#givenRoot = options.root;
    this.#power = options.durability === 'power';
    this.#maxBytes = options.maxBytes;
    this.#root = options.root;
    this.#temp = new TempFolder(options.root);
    this.#locks = new KeyLocks(this.#temp);
    this.#eviction = new Eviction(options.root, options.maxBytes, this.#temp);
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
      await mkdir(this.#givenRoot, { recursive: true });
      this.#root = await realpath(this.#givenRoot);
      this.#temp = new TempFolder(this.#root);
      this.#locks = new KeyLocks(this.#temp);
      this.#eviction = new Eviction(this.#root, this.#maxBytes, this.#temp);
      await this.#temp.open();
    });
    this.#timer = setInterval(() => {
      this.#ticking = this.#tick();
    }, BEAT_EVERY_MS).unref();
    this.#evictIfDue();
  }

  async close(): Promise<void> {
    clearInterval(this.#timer);
    await this.#ticking;
    await this.#eviction.close();
    for (const handle of this.#bodies) await this.#release(handle);
    await this.#attempt(async () => {
      try {
        await this.#recency.flush(Date.now());
      } finally {
        // A lock that stays must stay beside its owner's folder, by which others see that it is dead.
        if (await this.#locks.retryReleases()) await this.#temp.close();
      }
    });
  }

  async get(key: StorageKey, range: ByteRange | undefined): Promise<GetOutcome> {
    const path = this.#pathOf(key);
    try {
      const outcome = this.#small.has(key)
        ? outcomeOf(await readFile(path, { flag: READ }), key, range)
        : await this.#openEntry(path, key, range);
      this.#recency.touch(path);
      return outcome;
    } catch (error) {
      if (isSystemError(error, 'ENOENT')) return undefined;
      throw toStorageError(error, this.#root);
    }
  }

  async stat(key: StorageKey): Promise<EntryInfo | undefined> {
    return this.#attempt(async () => {
      const header = await headerAt(this.#pathOf(key), key);
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
      const draft = new HeaderDraft(key, metadata, Date.now());
      const chunks = body.bytes === undefined ? untilAborted(body, context) : [body.bytes];
      const written = await this.#writeTemp(draft, chunks);
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
        const handle = await openIfThere(this.#pathOf(key));
        if (handle === undefined) return undefined;
        try {
          const header = await readHeader(handle, key);
          if (condition !== undefined && header.version !== condition.ifVersion) throw preconditionFailed();
          const draft = new HeaderDraft(key, metadata, Date.now());
          const chunks = readBody(handle, header, { first: 0, last: header.size - 1 });
          const written = await this.#writeTemp(draft, chunks);
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
    await this.#attempt(() =>
      this.#locks.run(key, context, async () => {
        const path = this.#pathOf(key);
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
      }),
    );
  }

  async *list(prefix: string, after: StorageKey | undefined, context: OperationContext): AsyncGenerator<ListedEntry> {
    try {
      for await (const { key, path } of walkInOrder(this.#root, prefix, after ?? '')) {
        context.signal.throwIfAborted();
        const row = await rowOf(key, path);
        if (row !== undefined) yield row;
      }
    } catch (error) {
      throw toStorageError(error, this.#root);
    }
  }

  async check(): Promise<CheckResult> {
    const cap = this.#maxBytes > 0 ? `at most ${formatBytes(this.#maxBytes)}` : 'no limit';
    const summary = `folder ${this.#root}, ${cap}`;
    try {
      return await this.#attempt<CheckResult>(async () => {
        const probe = this.#temp.newPath();
        await writeFile(probe, 'Is there room to write?');
        await unlink(probe);
        const { bavail, bsize } = await statfs(this.#root);
        const free = `${summary}, ${formatBytes(bavail * bsize)} free on its disk`;
        const problem = await this.#capProblem();
        return problem === undefined ? { ok: true, summary: free } : { ok: false, summary: free, problem };
      });
    } catch (error) {
      return { ok: false, summary, problem: error instanceof Error ? error.message : String(error) };
    }
  }

  /** Why the cap may not hold. A sweep under way is waited for, a little: it would tell. */
  async #capProblem(): Promise<string | undefined> {
    const enough = new AbortController();
    const waited = sleep(MAX_WAIT_FOR_SWEEP_MS, undefined, { signal: enough.signal }).catch(() => undefined);
    await Promise.race([this.#eviction.settled(), waited]);
    enough.abort();
    const [example, ...others] = this.#eviction.passedOver;
    if (example === undefined) return undefined;
    const which = others.length === 0 ? example : `${example} and ${others.length} more`;
    return `The cap does not hold: folders of the cache can't be read or emptied; change their owner or mode (${which}).`;
  }

  /**
   * Counts what the entries take on the disk and, if that is more than the cap, removes those that
   * were not used for longest. It runs by itself when due; this is for tools and tests.
   */
  async sweep(): Promise<void> {
    await this.#attempt(async () => {
      await this.#recency.flush(Date.now());
      await this.#eviction.sweepAfresh();
    });
  }

  #pathOf(key: StorageKey): string {
    return `${this.#root}/${entryPath(key)}`;
  }

  /** Runs an operation and puts its errors into the words of the contract. */
  async #attempt<T>(operation: () => Promise<T>): Promise<T> {
    try {
      return await operation();
    } catch (error) {
      if (error instanceof BodyFailure) throw error.error;
      // Readers go on; writers may try again when this has made room.
      if (isSystemError(error, 'ENOSPC', 'EDQUOT')) this.#eviction.sweep(true).catch(() => {});
      throw toStorageError(error, this.#root);
    }
  }

  /** For a key that isn't known to be small. */
  async #openEntry(path: string, key: StorageKey, range: ByteRange | undefined): Promise<GetOutcome> {
    const handle = await open(path, READ);
    let keep = false;
    try {
      const { size } = await handle.stat();
      if (size <= SMALL) {
        this.#rememberSmall(key);
        return outcomeOf(await readAt(handle, 0, size), key, range);
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

  #rememberSmall(key: StorageKey): void {
    if (this.#small.size >= MAX_SMALL_KEYS) this.#small.clear();
    this.#small.add(key);
  }

  /** Writes a whole entry file under a name of its own. @returns where, and its size in bytes. */
  async #writeTemp(
    draft: HeaderDraft,
    chunks: AsyncIterable<Uint8Array> | Iterable<Uint8Array>,
  ): Promise<{ readonly path: string; readonly bytes: number }> {
    const { path, handle } = await this.#createTemp();
    try {
      try {
        let position = draft.length;
        let crc = 0;
        for await (const chunk of chunks) {
          if (position + chunk.length > draft.length + this.capabilities.maxObjectBytes) throw tooLarge();
          await writeAll(handle, chunk, position);
          position += chunk.length;
          crc = crc32(chunk, crc);
        }
        await writeAll(handle, draft.finish(position - draft.length, crc), 0);
        if (this.#power) await handle.datasync();
        return { path, bytes: position };
      } finally {
        await handle.close();
      }
    } catch (error) {
      await rm(path, { force: true });
      throw error;
    }
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
  async #commit(
    key: StorageKey,
    written: { readonly path: string; readonly bytes: number },
    condition: PutCondition | undefined,
    context: OperationContext,
  ): Promise<void> {
    const path = this.#pathOf(key);
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
    if (written.bytes <= SMALL) this.#rememberSmall(key);
    else this.#small.delete(key);
    this.#temp.note(estimateSpace(written.bytes));
    this.#evictIfDue();
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
        if (!isSystemError(error, 'ENOENT')) throw error;
      }
      await this.#makeFolder(folder);
    }
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

  #evictIfDue(): void {
    // A failure shows in the operations themselves.
    if (this.#eviction.due) this.#eviction.sweep().catch(() => {});
  }

  async #tick(): Promise<void> {
    this.#beats += 1;
    try {
      await (this.#beats % BEATS_PER_SWEEP === 0 ? this.#temp.sweep() : this.#temp.beat());
      await this.#locks.retryReleases();
      if (this.#beats % BEATS_PER_FLUSH === 0) await this.#recency.flush(Date.now());
    } catch {
      // A disk that fails now shows in the operations; the next beat may succeed.
    }
    this.#evictIfDue();
  }
}

function infoOf({ metadata, size, version }: EntryHeader): EntryInfo {
  return { metadata, size, version };
}

/** What a file that was read whole answers. @throws StorageError `corrupt`. */
function outcomeOf(file: Buffer, key: StorageKey, range: ByteRange | undefined): GetOutcome {
  const header = parseHeader(file, file.length, key);
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

async function* untilAborted(body: PutBody, context: OperationContext): AsyncGenerator<Uint8Array> {
  try {
    yield* body.stream();
    context.signal.throwIfAborted();
  } catch (error) {
    throw new BodyFailure(error);
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

async function openIfThere(path: string): Promise<FileHandle | undefined> {
  try {
    return await open(path, READ);
  } catch (error) {
    if (isSystemError(error, 'ENOENT')) return undefined;
    throw error;
  }
}

async function headerAt(path: string, key: StorageKey): Promise<EntryHeader | undefined> {
  const handle = await openIfThere(path);
  if (handle === undefined) return undefined;
  try {
    return await readHeader(handle, key);
  } finally {
    await handle.close();
  }
}

async function requireVersion(path: string, key: StorageKey, condition: VersionCondition): Promise<void> {
  if ((await headerAt(path, key))?.version !== condition.ifVersion) throw preconditionFailed();
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

function preconditionFailed(): StorageError {
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
