import { randomUUID } from 'node:crypto';
import type { DatabaseSync } from 'node:sqlite';
import { crc32 } from 'node:zlib';
import {
  BufferedBody,
  type ByteRange,
  type CheckResult,
  type EntryInfo,
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
  type Version,
  type VersionCondition,
} from '@tintype/core';
import { openDatabase, transaction } from './database.ts';
import { toStorageError } from './errors.ts';
import type { SqliteOptions } from './options.ts';

/** A row of `entries` without its body. SQLite knows the length of a blob without reading it. */
interface Row {
  readonly key: StorageKey;
  readonly version: Version;
  readonly modifiedAt: number;
  /** A `StoredMetadata` as JSON. */
  readonly metadata: string;
  readonly size: number;
}
const ROW = 'key, version, modified_at AS modifiedAt, metadata, length(body) AS size';

const MAX_OBJECT_BYTES = 16 * 1024 * 1024;
const LISTED_AT_ONCE = 500;

/**
 * Entries in one SQLite file, which several processes may share.
 *
 * A body is a value of its row, so it is held in memory on its way in and out, and one transaction
 * is all there is to the atomicity of a put.
 */
export class SqliteStorage implements StorageAdapter {
  readonly capabilities: StorageCapabilities = {
    conditionalCreate: true,
    conditionalReplace: true,
    conditionalMetadata: true,
    conditionalDelete: true,
    ranges: true,
    versionCoversMetadata: true,
    readConsistency: { kind: 'strong', scope: 'store' },
    listConsistency: { kind: 'strong', scope: 'store' },
    evicts: false,
    // Without a flush for each put, a loss of power may take the last ones along.
    durability: 'process',
    nativeExpiry: false,
    // SQLite takes more, but the process holds it in memory and stands still while it is written.
    maxObjectBytes: MAX_OBJECT_BYTES,
    maxMetadataBytes: 64 * 1024,
    minWriteIntervalMs: 0,
  };
  readonly #options: SqliteOptions;
  #db: DatabaseSync | undefined;

  constructor(options: SqliteOptions) {
    this.#options = options;
  }

  async open(): Promise<void> {
    this.#db ??= this.#translated(() => openDatabase(this.#options));
  }

  async close(): Promise<void> {
    this.#db?.close();
    this.#db = undefined;
  }

  get(key: StorageKey, range: ByteRange | undefined): GetOutcome {
    const row = this.#run((db) => db.prepare(`SELECT ${ROW}, crc, body FROM entries WHERE key = ?`).get(key));
    if (row === undefined) return undefined;
    const { crc, body, ...rest } = row as unknown as Row & { readonly crc: number; readonly body: Uint8Array };
    // SQLite doesn't notice a changed byte within a blob.
    if (crc32(body) !== crc) throw new StorageError({ code: 'corrupt', message: `The body of ${key} is damaged.` });
    const info = infoOf(rest);
    if (range === undefined) return { kind: 'entry', ...info, range, body: new BufferedBody(body) };
    const part = resolveRange(range, body.length);
    if (part === undefined) return { kind: 'range-not-satisfiable', ...info };
    return { kind: 'entry', ...info, range: part, body: new BufferedBody(body.subarray(part.first, part.last + 1)) };
  }

  stat(key: StorageKey): EntryInfo | undefined {
    const row = this.#run((db) => findRow(db, key));
    return row && infoOf(row);
  }

  async put(
    key: StorageKey,
    body: PutBody,
    metadata: StoredMetadata,
    condition: PutCondition | undefined,
    context: OperationContext,
  ): Promise<Version> {
    const bytes = body.bytes ?? (await readAll(body));
    context.signal.throwIfAborted();
    return this.#write((db) => {
      if (condition !== undefined) requireCondition(findRow(db, key), condition);
      const version = randomUUID() as Version;
      db.prepare('INSERT OR REPLACE INTO entries VALUES (?, ?, ?, ?, ?, ?)').run(
        key,
        version,
        Date.now(),
        JSON.stringify(metadata),
        crc32(bytes),
        bytes,
      );
      return version;
    });
  }

  async setMetadata(
    key: StorageKey,
    metadata: StoredMetadata,
    condition: VersionCondition | undefined,
  ): Promise<Version | undefined> {
    return this.#write((db) => {
      const row = findRow(db, key);
      if (row === undefined) return undefined;
      if (condition !== undefined) requireCondition(row, condition);
      const version = randomUUID() as Version;
      db.prepare('UPDATE entries SET version = ?, modified_at = ?, metadata = ? WHERE key = ?').run(
        version,
        Date.now(),
        JSON.stringify(metadata),
        key,
      );
      return version;
    });
  }

  async delete(key: StorageKey, condition: VersionCondition | undefined): Promise<void> {
    this.#write((db) => {
      if (condition !== undefined) requireCondition(findRow(db, key), condition);
      db.prepare('DELETE FROM entries WHERE key = ?').run(key);
    });
  }

  async *list(prefix: string, after: StorageKey | undefined, context: OperationContext): AsyncGenerator<ListedEntry> {
    const select = `SELECT ${ROW} FROM entries WHERE key >= ? AND key > ? AND key < ? ORDER BY key LIMIT ?`;
    // Every character of a key comes before "~".
    const end = `${prefix}~`;
    for (let last: string | undefined = after ?? ''; last !== undefined; ) {
      context.signal.throwIfAborted();
      const from = last;
      // A page at a time: no statement stays open while the caller works.
      const page = this.#run((db) => db.prepare(select).all(prefix, from, end, LISTED_AT_ONCE)) as unknown as Row[];
      for (const { key, size, version, modifiedAt } of page) yield { key, size, version, modifiedAt };
      last = page.at(-1)?.key;
    }
  }

  async check(): Promise<CheckResult> {
    const summary = `SQLite database ${this.#options.path}`;
    try {
      // Takes the lock for writing, and lets it go.
      this.#write(() => undefined);
      return { ok: true, summary };
    } catch (error) {
      return { ok: false, summary, problem: error instanceof Error ? error.message : String(error) };
    }
  }

  #write<T>(work: (db: DatabaseSync) => T): T {
    return this.#run((db) => transaction(db, () => work(db)));
  }

  #run<T>(work: (db: DatabaseSync) => T): T {
    const db = this.#db;
    if (db === undefined) throw new StorageError({ code: 'closed', message: 'The database is not open.' });
    return this.#translated(() => work(db));
  }

  #translated<T>(work: () => T): T {
    try {
      return work();
    } catch (error) {
      throw toStorageError(error, this.#options.path);
    }
  }
}

function findRow(db: DatabaseSync, key: StorageKey): Row | undefined {
  return db.prepare(`SELECT ${ROW} FROM entries WHERE key = ?`).get(key) as Row | undefined;
}

function infoOf({ metadata, size, version }: Row): EntryInfo {
  return { metadata: JSON.parse(metadata) as StoredMetadata, size, version };
}

function requireCondition(row: Row | undefined, condition: PutCondition): void {
  if ('ifAbsent' in condition ? row === undefined : row?.version === condition.ifVersion) return;
  const message = 'There is an entry already, or it is gone, or it has another version by now.';
  throw new StorageError({ code: 'precondition-failed', message });
}

/** All of a body; gives up as soon as it is too large. */
async function readAll(body: PutBody): Promise<Uint8Array> {
  const chunks: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of body.stream()) {
    size += chunk.length;
    if (size > MAX_OBJECT_BYTES) {
      throw new StorageError({ code: 'too-large', message: `At most ${MAX_OBJECT_BYTES} bytes fit into an entry.` });
    }
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}
