import { expect, test } from 'vitest';
import type { EntryMetadata } from '../contracts/entry-metadata.ts';
import type { GetHit } from '../contracts/storage.ts';
import { storageKey } from '../contracts/storage-key.ts';
import { previousOf } from '../freshness/previous.ts';
import { PurgeBook } from '../purges/purge-book.ts';
import { createStorage } from '../storage/create-storage.ts';
import { ScriptedAdapter } from '../storage/scripted-adapter.fixture.ts';
import { StoredOriginals } from './stored-originals.ts';

const KEY = storageKey('originals/v1/ab/cd');
const METADATA: EntryMetadata = {
  status: 200,
  contentType: 'image/png',
  etag: '',
  storedAt: 1,
  freshUntil: 1,
  source: 'https://origin.example/a.png',
};
const PURGE = { scope: 'source', value: METADATA.source, at: 2 } as const;

async function setUp() {
  const adapter = new ScriptedAdapter();
  const storage = createStorage(adapter, { name: 'scripted' });
  await storage.open();
  await storage.put(KEY, new Uint8Array(1), METADATA);
  const purges = new PurgeBook();
  const stored = new StoredOriginals({ storage, lookupDeadlineMs: 10_000, emit: () => undefined, purges });
  return { adapter, purges, stored };
}

test('a copy that is found to be purged is removed, so that it stays away when nobody remembers the purge', async () => {
  const { adapter, purges, stored } = await setUp();
  purges.note(PURGE);
  expect(await stored.find(KEY)).toBeUndefined();
  await stored.flush();
  expect(adapter.entries.size).toBe(0);
});

test('a copy that was purged while its origin was asked is not confirmed', async () => {
  const { purges, stored } = await setUp();
  const hit = (await stored.find(KEY)) as GetHit;
  purges.note(PURGE);
  await stored.refresh(KEY, previousOf(hit, undefined), { ...METADATA, storedAt: 3, freshUntil: 9 });
  expect(await stored.find(KEY)).toBeUndefined();
});
