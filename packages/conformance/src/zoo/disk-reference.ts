import { randomUUID } from 'node:crypto';
import { appendFileSync, closeSync, mkdirSync, openSync, readdirSync, readFileSync, rmSync, writeSync } from 'node:fs';
import { open } from 'node:fs/promises';
import { join } from 'node:path';
import {
  type ByteRange,
  type CheckResult,
  type EntryInfo,
  type GetOutcome,
  type ListedEntry,
  type OperationContext,
  type PutBody,
  type PutCondition,
  type StorageAdapter,
  type StorageCapabilities,
  StorageError,
  type StorageKey,
  type StoredMetadata,
  StreamedBody,
  type Version,
  type VersionCondition,
} from '@tintype/core';
import { partOf, referenceCapabilities, tick } from './reference-storage.ts';

/** What is wrong with a disk reference; nothing if it is left out. */
export interface DiskFlaws {
  /** The journal names an entry before its body is written. */
  readonly journalFirst?: boolean;
  /** The journal is written some time after a put has resolved. */
  readonly lazyJournal?: boolean;
  /** Files of bodies that nobody names show in listings. */
  readonly listsDebris?: boolean;
  /** Bodies are collected in memory before they are written. */
  readonly collectsBodies?: boolean;
  /** Bodies are read whole before the first chunk is handed out. */
  readonly readsWholeBodies?: boolean;
}

export interface DiskSettings {
  readonly folder: string;
  readonly flaws?: DiskFlaws | undefined;
}

interface Row {
  readonly key: string;
  readonly version: string;
  readonly metadata: StoredMetadata;
  readonly size: number;
  readonly file: string;
  readonly modifiedAt: number;
}

/** What all instances of one process know of a folder. */
interface Folder {
  readonly rows: Map<string, Row>;
  /** Lines that a lazy journal still has to write. */
  readonly pending: string[];
}

const folders = new Map<string, Folder>();
const CHUNK = 64 * 1024;
/** How long a lazy journal waits, in milliseconds: until long after the process was killed. */
const LAZY_MS = 30_000;

/**
 * The sound durable adapter that faulty ones are made of: each body is a file, and one line of a
 * journal makes it an entry. Instances of one process share what they know; several processes may use
 * a folder one after another. Not for use: the fs plugin is.
 */
export class DiskReference implements StorageAdapter {
  readonly capabilities: StorageCapabilities = {
    ...referenceCapabilities,
    durability: 'process',
    nativeExpiry: false,
    maxObjectBytes: 1024 ** 3,
  };
  readonly #folder: string;
  readonly #flaws: DiskFlaws;
  readonly #handles: Set<{ close(): Promise<void> }> = new Set();
  #shared: Folder | undefined;
  #closed = false;
  #debris: readonly string[] = [];

  constructor({ folder, flaws = {} }: DiskSettings) {
    this.#folder = folder;
    this.#flaws = flaws;
  }

  async open(context: OperationContext): Promise<void> {
    await tick();
    context.signal.throwIfAborted();
    mkdirSync(this.#folder, { recursive: true });
    this.#shared = folders.get(this.#folder);
    const isFirst = this.#shared === undefined;
    this.#flush();
    this.#shared = this.#replayed();
    folders.set(this.#folder, this.#shared);
    // What a process that died had begun to write.
    if (isFirst || this.#flaws.listsDebris) this.#debris = this.#nameless();
    if (!this.#flaws.listsDebris) for (const name of this.#debris) rmSync(join(this.#folder, name), { force: true });
  }

  async close(): Promise<void> {
    this.#closed = true;
    if (this.#shared) this.#flush();
    await Promise.all([...this.#handles].map((handle) => handle.close()));
    this.#handles.clear();
  }

  async get(key: StorageKey, range: ByteRange | undefined, context: OperationContext): Promise<GetOutcome> {
    await tick();
    context.signal.throwIfAborted();
    const row = this.#rows.get(key);
    if (row === undefined) return undefined;
    const info = infoOf(row);
    const part = range === undefined ? { first: 0, last: row.size - 1 } : partOf(range, row.size);
    if (part === undefined) return { kind: 'range-not-satisfiable', ...info };
    const handle = await open(join(this.#folder, row.file)).catch(() => undefined);
    if (handle === undefined) {
      // Replaced between the look and the opening: what is there now is as good.
      if (this.#rows.get(key) !== row) return this.get(key, range, context);
      throw new StorageError({ code: 'corrupt', message: 'The body is not there.' });
    }
    this.#handles.add(handle);
    const free = async () => {
      if (this.#handles.delete(handle)) await handle.close();
    };
    const { readsWholeBodies } = this.#flaws;
    const body = new StreamedBody(async function* () {
      try {
        const step = readsWholeBodies ? Math.max(1, part.last - part.first + 1) : CHUNK;
        for (let at = part.first; at <= part.last; ) {
          context.signal.throwIfAborted();
          const size = Math.min(step, part.last - at + 1);
          const { buffer, bytesRead } = await handle.read(new Uint8Array(size), 0, size, at);
          if (bytesRead === 0) throw new StorageError({ code: 'corrupt', message: 'The body ends short.' });
          at += bytesRead;
          for (let from = 0; from < bytesRead; from += CHUNK) {
            yield buffer.slice(from, Math.min(bytesRead, from + CHUNK));
          }
        }
      } finally {
        await free();
      }
    }, free);
    return { kind: 'entry', ...info, range: range === undefined ? undefined : part, body };
  }

  async stat(key: StorageKey, context: OperationContext): Promise<EntryInfo | undefined> {
    await tick();
    context.signal.throwIfAborted();
    const row = this.#rows.get(key);
    return row && infoOf(row);
  }

  async put(
    key: StorageKey,
    body: PutBody,
    metadata: StoredMetadata,
    condition: PutCondition | undefined,
    context: OperationContext,
  ): Promise<Version> {
    const file = `body-${randomUUID()}`;
    const path = join(this.#folder, file);
    const row = { key, version: file, metadata, file, modifiedAt: Date.now() };
    const early = this.#flaws.journalFirst === true && condition === undefined;
    const before = this.#rows.get(key);
    if (early) this.#write({ ...row, size: body.size ?? 0 });
    const fd = openSync(path, 'wx');
    let size = 0;
    try {
      const kept: Uint8Array[] = [];
      for await (const chunk of body.stream()) {
        size += chunk.length;
        if (this.#flaws.collectsBodies) kept.push(new Uint8Array(chunk));
        else writeSync(fd, chunk);
        if (early) await tick();
      }
      for (const chunk of kept) writeSync(fd, chunk);
      await tick();
      context.signal.throwIfAborted();
      this.#require(key, condition);
    } catch (error) {
      rmSync(path, { force: true });
      if (early) this.#write(before ?? { key });
      throw error;
    } finally {
      closeSync(fd);
    }
    this.#replace(key, { ...row, size });
    return file as Version;
  }

  async setMetadata(
    key: StorageKey,
    metadata: StoredMetadata,
    condition: VersionCondition | undefined,
    context: OperationContext,
  ): Promise<Version | undefined> {
    await tick();
    context.signal.throwIfAborted();
    const row = this.#rows.get(key);
    if (row === undefined) return undefined;
    this.#require(key, condition);
    const version = randomUUID();
    this.#replace(key, { ...row, metadata, version });
    return version as Version;
  }

  async delete(key: StorageKey, condition: VersionCondition | undefined, context: OperationContext): Promise<void> {
    await tick();
    context.signal.throwIfAborted();
    this.#require(key, condition);
    if (this.#rows.has(key)) this.#replace(key, undefined);
  }

  async *list(
    prefix: string,
    after: StorageKey | undefined,
    context: OperationContext,
  ): AsyncGenerator<ListedEntry, void> {
    await tick();
    const rows = this.#rows;
    const keys = [...rows.keys()]
      .filter((key) => key.startsWith(prefix) && (after === undefined || key > after))
      .sort();
    for (const key of keys) {
      context.signal.throwIfAborted();
      const row = rows.get(key);
      if (row === undefined) continue;
      const { size, modifiedAt } = row;
      yield { key: key as StorageKey, size, modifiedAt, version: row.version as Version };
    }
    for (const name of this.#flaws.listsDebris ? this.#debris : []) {
      yield { key: `${prefix}${name}` as StorageKey, size: 0, modifiedAt: 0, version: undefined };
    }
  }

  async check(): Promise<CheckResult> {
    return { ok: true, summary: `files in ${this.#folder}` };
  }

  /** What a harness tells of resources. */
  leaks(): readonly string[] {
    return this.#handles.size > 0 ? [`${this.#handles.size} handles`] : [];
  }

  get #rows(): Map<string, Row> {
    if (this.#closed || this.#shared === undefined) {
      throw new StorageError({ code: 'closed', message: 'The storage is not open.' });
    }
    return this.#shared.rows;
  }

  #require(key: string, condition: PutCondition | undefined): void {
    if (condition === undefined) return;
    const version = this.#rows.get(key)?.version;
    const holds = 'ifAbsent' in condition ? version === undefined : version === condition.ifVersion;
    if (!holds) throw new StorageError({ code: 'precondition-failed', message: 'The condition does not hold.' });
  }

  /** Makes it the entry, for readers and for whoever opens the folder next. */
  #replace(key: string, row: Row | undefined): void {
    const old = this.#rows.get(key);
    this.#write(row ?? { key });
    if (row === undefined) this.#rows.delete(key);
    else this.#rows.set(key, row);
    if (old !== undefined && old.file !== row?.file) rmSync(join(this.#folder, old.file), { force: true });
  }

  #write(line: Row | { readonly key: string }): void {
    const text = `${JSON.stringify(line)}\n`;
    if (!this.#flaws.lazyJournal) {
      appendFileSync(join(this.#folder, 'journal'), text);
      return;
    }
    this.#shared?.pending.push(text);
    setTimeout(() => this.#flush(), LAZY_MS).unref();
  }

  #flush(): void {
    const lines = this.#shared?.pending.splice(0) ?? [];
    if (lines.length > 0) appendFileSync(join(this.#folder, 'journal'), lines.join(''));
  }

  /** The entries by the journal. A last line that was cut off has never been an entry. */
  #replayed(): Folder {
    const known = this.#shared;
    const rows = known?.rows ?? new Map<string, Row>();
    let text = '';
    try {
      text = readFileSync(join(this.#folder, 'journal'), 'utf8');
    } catch {
      // A new folder.
    }
    rows.clear();
    for (const line of text.split('\n').slice(0, -1)) {
      const row = JSON.parse(line) as Row;
      if (row.file === undefined) rows.delete(row.key);
      else rows.set(row.key, row);
    }
    return { rows, pending: known?.pending ?? [] };
  }

  /** Files that are no entry's. */
  #nameless(): readonly string[] {
    const named = new Set([...this.#rows.values()].map((row) => row.file));
    return readdirSync(this.#folder).filter((name) => name !== 'journal' && !named.has(name));
  }
}

function infoOf(row: Row): EntryInfo {
  return { metadata: row.metadata, size: row.size, version: row.version as Version };
}

/** What the crash tests call in a process that they kill. */
export function createAdapter(settings: DiskSettings): StorageAdapter {
  return new DiskReference(settings);
}
