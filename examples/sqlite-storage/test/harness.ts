import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import type { StorageHarness } from '@tintype/conformance';
import type { StorageAdapter } from '@tintype/core';
import { SqliteStorage } from '../src/storage.ts';

/** What the crash tests call in a process that they kill. */
export function createAdapter(data: unknown): StorageAdapter {
  return new SqliteStorage({ path: String(data), maxBytes: 0 });
}

/** How the suite gets a storage, looks behind it, and damages it. */
export const harness: StorageHarness = {
  create() {
    const folder = mkdtempSync(join(tmpdir(), 'tintype-sqlite-'));
    const path = join(folder, 'cache.sqlite');
    const textFile = join(folder, 'notes.txt');
    writeFileSync(textFile, 'no database'.repeat(1_000));
    const damage = async (change: string, key: string) => {
      const db = new DatabaseSync(path);
      db.prepare(`UPDATE entries SET ${change} WHERE key = ?`).run(key);
      db.close();
    };
    return {
      adapter: createAdapter(path),
      sibling: () => createAdapter(path),
      leaks: () => readdirSync(folder).filter((name) => !/^(notes\.txt|cache\.sqlite(-wal|-shm)?)$/.test(name)),
      sabotage: {
        unreadable: (key) => damage("metadata = '{'", key),
        flipByte: (key) => damage("body = CAST('?' || substr(body, 2) AS BLOB)", key),
        truncate: (key) => damage('body = substr(body, 1, length(body) / 2)', key),
      },
      misconfigured: () => [
        { name: 'a folder as PATH', adapter: createAdapter(folder), codes: ['misconfigured'] },
        { name: 'a text file as PATH', adapter: createAdapter(textFile), codes: ['misconfigured'] },
        { name: 'a path below a file', adapter: createAdapter(join(textFile, 'x')), codes: ['misconfigured'] },
      ],
      crash: { module: import.meta.url, data: path },
      without: {
        network: 'a file is no server',
        secrets: 'a file takes no credentials',
        capped: 'a full file refuses new entries and forgets none',
        damages: 'a row has no other parts than those that are damaged above',
        outages: 'a file that is open stays readable, even once it was deleted',
        strangers: 'the database is the storage’s own',
        detour: 'one file leads nowhere else',
        sweep: 'what was not committed is undone by SQLite itself',
      },
      dispose: () => rmSync(folder, { recursive: true }),
    };
  },
};

export default harness;
