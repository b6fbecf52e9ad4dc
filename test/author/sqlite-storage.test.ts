import { readFile, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { collect, createStorage, type EntryMetadata, StorageError } from '@tintype/core';
import { SqliteStorage } from 'sqlite-storage';
import { describe, expect, onTestFinished, test, vi } from 'vitest';
import { node, RunningProcess, root, temporaryFolder, tintype, tsc } from './processes.ts';

// They start processes, and the suite takes its time.
vi.setConfig({ testTimeout: 300_000 });

const example = join(root, 'examples/sqlite-storage');

const metadata: EntryMetadata = {
  status: 200,
  contentType: 'image/png',
  etag: '"1"',
  storedAt: 1,
  freshUntil: 2,
  source: 'local:///a.png',
};

async function openStorage(path: string, maxBytes = 0) {
  const storage = createStorage(new SqliteStorage({ path, maxBytes }), { name: 'sqlite' });
  onTestFinished(() => storage.close());
  await storage.open();
  return storage;
}

const failing = (code: string, message: RegExp) =>
  expect.toSatisfy((error) => StorageError.is(error) && error.code === code && message.test(error.message));

test('the storage keeps the whole contract, as its own npm test says', async () => {
  const { code, output } = await node(['--test', 'test/conformance.ts'], example);
  expect(code, output).toBe(0);
  // Whoever skips everything keeps nothing.
  expect(Number(/^ℹ pass (\d+)/m.exec(output)?.[1])).toBeGreaterThan(100);
  const reasons = [...output.matchAll(/﹣ .* # (.*)$/gm)].map(([, reason]) => reason ?? '');
  expect(reasons.filter((reason) => !reason.startsWith('does not apply'))).toEqual([]);
});

test('it compiles by itself, with public imports only', async () => {
  const { code, output } = await node([...tsc], example);
  expect(output).toBe('');
  expect(code).toBe(0);
});

test('a proxy keeps its results in it, over a restart', async () => {
  const path = join(await temporaryFolder(), 'cache.sqlite');
  const outcomes: (string | null)[] = [];
  for (let run = 0; run < 2; run++) {
    const proxy = new RunningProcess([...tintype, 'serve', '--bind', '127.0.0.1:0'], root, {
      TINTYPE_PLUGINS: './examples/sqlite-storage/src/index.ts',
      TINTYPE_CACHE_USE: 'sqlite',
      TINTYPE_CACHE_SQLITE_PATH: path,
      // For a slow disk, and a transforming process that takes long to start.
      TINTYPE_CACHE_LOOKUP_TIMEOUT: '60',
      TINTYPE_TIMEOUT: '60',
      TINTYPE_LOCAL_FILESYSTEM_ROOT: './examples/demo/images',
    });
    const [, url = ''] = await proxy.said(/Serving on (http:[^;]+);/);
    expect(proxy.output).toContain(`SQLite database ${path}`);
    const response = await fetch(`${url}/unsafe/rs:fit:60/plain/local:///rocket.jpg`);
    expect(response.status).toBe(200);
    await response.arrayBuffer();
    outcomes.push(response.headers.get('cache-status'));
    expect((await proxy.stop()).code).toBe(0);
  }
  expect(outcomes).toEqual([expect.stringContaining('fwd=uri-miss'), expect.stringContaining('hit')]);
});

test('a setting that is missing is named', async () => {
  const { code, output } = await node([...tintype, 'config', '--check'], root, {
    TINTYPE_PLUGINS: './examples/sqlite-storage/src/index.ts',
    TINTYPE_CACHE_USE: 'sqlite',
  });
  expect(output).toContain('TINTYPE_CACHE_SQLITE_PATH is required');
  expect(code).toBe(2);
});

describe('processes that share a file', () => {
  const writer = `
    import { SqliteStorage } from 'sqlite-storage';
    import { createStorage } from '@tintype/core';
    const [path, rounds] = process.argv.slice(1);
    const storage = createStorage(new SqliteStorage({ path, maxBytes: 0 }), { name: 'sqlite' });
    await storage.open();
    const metadata = (count) => ({ ...${JSON.stringify(metadata)}, storedAt: count });
    for (let done = 0; done < Number(rounds); ) {
      const seen = await storage.stat('counter');
      const count = (seen?.metadata.storedAt ?? 0) + 1;
      const condition = seen === undefined ? { ifAbsent: true } : { ifVersion: seen.version };
      try {
        await storage.put('counter', new Uint8Array(100_000).fill(count), metadata(count), { condition });
        done++;
      } catch (error) {
        if (error.code !== 'precondition-failed') throw error;
      }
    }
    await storage.close();
  `;

  test('lose no update, and begin together on a file that is not there', async () => {
    const path = join(await temporaryFolder(), 'made', 'on', 'demand.sqlite');
    const script = ['--input-type=module', '--eval', writer];
    const outcomes = await Promise.all([1, 2, 3].map(() => node([...script, path, '40'], import.meta.dirname)));
    for (const { code, output } of outcomes) expect(code, output).toBe(0);
    const storage = await openStorage(path);
    expect((await storage.stat('counter'))?.metadata.storedAt).toBe(120);
  });

  test('are told when another one holds the lock for too long, and may try again', async () => {
    const path = join(await temporaryFolder(), 'cache.sqlite');
    const storage = await openStorage(path);
    await storage.put('a', new Uint8Array(1), metadata);
    const other = new DatabaseSync(path);
    other.exec('BEGIN IMMEDIATE');
    const adapter = new SqliteStorage({ path, maxBytes: 0 });
    await expect(adapter.open()).rejects.toThrow(failing('unavailable', /another process has been writing/));
    // Readers don't wait.
    expect(await storage.stat('a')).toMatchObject({ size: 1 });
    other.close();
    await storage.put('a', new Uint8Array(2), metadata);
    expect(await storage.stat('a')).toMatchObject({ size: 2 });
  });
});

describe('what can go wrong', () => {
  test('a full file refuses to grow, says so, and loses nothing', async () => {
    const path = join(await temporaryFolder(), 'cache.sqlite');
    const storage = await openStorage(path, 300_000);
    const bytes = new Uint8Array(200_000).fill(7);
    await storage.put('a', bytes, metadata);
    await expect(storage.put('b', bytes, metadata)).rejects.toEqual(failing('no-space', /MAX_BYTES/));
    const hit = await storage.get('a');
    expect(hit?.kind === 'entry' && (await collect(hit.body.stream()))).toEqual(bytes);
    expect((await stat(path)).size).toBeLessThanOrEqual(300_000);
    await storage.delete('a');
    await storage.put('b', bytes, metadata);
  });

  test('the database of another program stays as it is', async () => {
    const path = join(await temporaryFolder(), 'other.sqlite');
    const other = new DatabaseSync(path);
    other.exec("CREATE TABLE notes (text TEXT); INSERT INTO notes VALUES ('mine')");
    other.close();
    const before = await readFile(path);
    await expect(openStorage(path)).rejects.toEqual(failing('misconfigured', /another program/));
    expect(await readFile(path)).toEqual(before);
  });

  test('a damaged file is told to be one', async () => {
    const path = join(await temporaryFolder(), 'cache.sqlite');
    const storage = await openStorage(path);
    for (let i = 0; i < 50; i++) await storage.put(`k${i}`, new Uint8Array(10_000), metadata);
    await storage.close();
    const file = await readFile(path);
    file.fill(0xaa, 4_096);
    await writeFile(path, file);
    const damaged = await openStorage(path);
    await expect(async () => damaged.stat('k1')).rejects.toEqual(failing('corrupt', /delete the file/));
  });
});
