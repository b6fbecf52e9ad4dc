import process from 'node:process';
import { expect, onTestFinished, test } from 'vitest';
import type { EntryMetadata } from '../contracts/entry-metadata.ts';
import { StorageError } from '../contracts/storage-error.ts';
import { createStorage } from '../storage/create-storage.ts';
import { ScriptedAdapter } from '../storage/scripted-adapter.fixture.ts';
import { purgeEntries } from './purge-entries.ts';

const KEYS = ['e1/aa/1/r', 'v1/aa/1/x', 'v1/aa/1/y', 'v1/aa/12', 'v1/ab/1/x'];

/** A storage with entries of ten bytes; the source of each is its first folder. */
async function filled(keys: readonly string[] = KEYS) {
  const adapter = new ScriptedAdapter();
  const storage = createStorage(adapter, { name: 'scripted' });
  await storage.open();
  for (const key of keys) {
    const metadata: EntryMetadata = {
      status: 200,
      contentType: 'image/png',
      etag: '"e"',
      storedAt: 1,
      freshUntil: 2,
      source: key.slice(0, 2),
    };
    await storage.put(key, new Uint8Array(10), metadata);
  }
  return { adapter, storage, left: () => [...adapter.entries.keys()].sort() };
}

test('what lies below a folder of keys is removed, and a whole key takes nothing along that begins like it', async () => {
  const { storage, left } = await filled();
  expect(await purgeEntries({ storage, keys: ['v1/aa/1/'] })).toEqual({ seen: 2, found: 2, removed: 2, bytes: 20 });
  expect(await purgeEntries({ storage, keys: ['v1/ab/1/x', 'v1/ab/1/none'] })).toMatchObject({ found: 1, removed: 1 });
  expect(left()).toEqual(['e1/aa/1/r', 'v1/aa/12']);
});

test('of many only those that match by their metadata are removed', async () => {
  const { storage, left } = await filled();
  const matches = ({ source }: EntryMetadata) => source === 'e1';
  expect(await purgeEntries({ storage, keys: [''], matches })).toMatchObject({
    seen: 5,
    found: 1,
    removed: 1,
    bytes: 10,
  });
  expect(left()).toEqual(KEYS.slice(1));
});

test('to count removes nothing', async () => {
  const { storage, left } = await filled();
  expect(await purgeEntries({ storage, keys: ['v1/'] }, { dryRun: true })).toMatchObject({ found: 4, removed: 0 });
  expect(left()).toEqual(KEYS);
});

test('what cannot be removed is left and told of, and the others are removed', async () => {
  const { adapter, storage, left } = await filled();
  adapter.fail('delete', new StorageError({ code: 'access-denied', message: 'It may not be removed.' }));
  const { removed, problem } = await purgeEntries({ storage, keys: ['v1/'] });
  expect([removed, problem]).toEqual([3, expect.stringContaining('It may not be removed.')]);
  expect(left()).toHaveLength(2);
});

test('a storage that fails again and again is not tried for each of its entries', async () => {
  const { adapter, storage } = await filled(Array.from({ length: 500 }, (_, at) => `v1/${at}`));
  const denied = new StorageError({ code: 'access-denied', message: 'Nothing may be removed.' });
  for (let time = 0; time < 500; time++) adapter.fail('delete', denied);
  const { seen, removed, problem } = await purgeEntries({ storage, keys: ['v1/'] });
  expect([removed, problem]).toEqual([0, expect.stringContaining('Nothing may be removed.')]);
  expect(seen).toBeLessThan(100);
});

test('whoever interrupts it is told so, and how far it came before', async () => {
  const { storage, left } = await filled(Array.from({ length: 100 }, (_, at) => `v1/${at}`));
  const interruption = new AbortController();
  const purging = purgeEntries(
    { storage, keys: ['v1/'] },
    { signal: interruption.signal, onProgress: () => interruption.abort(new Error('Enough.')) },
  );
  await expect(purging).rejects.toThrow('Enough.');
  expect(left().length).toBeGreaterThan(0);
  expect(left().length).toBeLessThan(100);
});

test('what is being removed when the listing breaks off is counted', async () => {
  const { adapter, storage, left } = await filled();
  adapter
    .next('row', (proceed) => proceed())
    .fail('row', new StorageError({ code: 'access-denied', message: 'Not that one.' }))
    .next('delete', async (proceed) => {
      await new Promise((resolve) => setImmediate(resolve));
      return proceed();
    });
  expect(await purgeEntries({ storage, keys: ['v1/'] })).toMatchObject({ found: 1, removed: 1 });
  expect(left()).toHaveLength(KEYS.length - 1);
});

test('who gives it up hears of that alone, whatever is being removed', async () => {
  const { adapter, storage } = await filled();
  const client = new AbortController();
  const reason = new Error('Enough.');
  adapter
    .next('delete', () => {
      client.abort(reason);
      return new Promise(() => undefined);
    })
    .next('delete', () => new Promise(() => undefined));
  const { unhandled } = heard();
  await expect(purgeEntries({ storage, keys: ['v1/'] }, { signal: client.signal })).rejects.toBe(reason);
  await new Promise((resolve) => setImmediate(resolve));
  expect(unhandled).toEqual([]);
});

/** What nobody has caught, which would end the process. */
function heard() {
  const unhandled: unknown[] = [];
  const note = (reason: unknown) => void unhandled.push(reason);
  const others = process.listeners('unhandledRejection');
  process.removeAllListeners('unhandledRejection').on('unhandledRejection', note);
  onTestFinished(() => {
    process.off('unhandledRejection', note);
    for (const other of others) process.on('unhandledRejection', other);
  });
  return { unhandled };
}
