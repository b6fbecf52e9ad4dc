import { mkdirSync } from 'node:fs';
import { dirname } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { StorageError } from '@tintype/core';
import type { SqliteOptions } from './options.ts';

/** Marks our files (`PRAGMA application_id`): another program's must stay as they are. */
const APPLICATION_ID = 0x74_69_6e_74;

/** SQLite waits for a lock synchronously, and this whole process with it: half a second at most. */
const BUSY_TIMEOUT_MS = 500;

/** TEXT compares by bytes (the collation BINARY), which is the order that `list` promises. */
const SCHEMA = `
  CREATE TABLE entries (
    key TEXT PRIMARY KEY,
    version TEXT NOT NULL,
    modified_at INTEGER NOT NULL,
    metadata TEXT NOT NULL,
    crc INTEGER NOT NULL,
    body BLOB NOT NULL
  ) STRICT;
  PRAGMA application_id = ${APPLICATION_ID};
`;

/** Opens the database, and makes it if it is missing. */
export function openDatabase({ path, maxBytes }: SqliteOptions): DatabaseSync {
  mkdirSync(dirname(path), { recursive: true });
  const db = new DatabaseSync(path, { timeout: BUSY_TIMEOUT_MS });
  try {
    // Of several processes that begin at once, one makes the table.
    transaction(db, () => {
      if (db.prepare('PRAGMA application_id').get()?.application_id === APPLICATION_ID) return;
      if (db.prepare('SELECT 1 FROM sqlite_schema').get() === undefined) return db.exec(SCHEMA);
      throw new StorageError({ code: 'misconfigured', message: `${path} is the database of another program.` });
    });
    // Readers and the writer don't wait for one another; the disk is flushed at checkpoints only.
    db.exec('PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL');
    const pageBytes = Number(db.prepare('PRAGMA page_size').get()?.page_size);
    if (maxBytes > 0) db.exec(`PRAGMA max_page_count = ${Math.max(1, Math.floor(maxBytes / pageBytes))}`);
    return db;
  } catch (error) {
    db.close();
    throw error;
  }
}

/** Does all of `work` or nothing. IMMEDIATE: what it has read is still so when it writes. */
export function transaction<T>(db: DatabaseSync, work: () => T): T {
  db.exec('BEGIN IMMEDIATE');
  try {
    const result = work();
    db.exec('COMMIT');
    return result;
  } catch (error) {
    // Where the disk is full, SQLite has rolled back already.
    if (db.isTransaction) db.exec('ROLLBACK');
    throw error;
  }
}
