import { expect, test } from 'vitest';
import { BufferedBody } from '../bodies.ts';
import type { EntryMetadata } from '../contracts/entry-metadata.ts';
import type { Version } from '../contracts/storage-adapter.ts';
import { storageKey } from '../contracts/storage-key.ts';
import { assess } from '../freshness/assess.ts';
import { createFreshnessPolicy } from '../freshness/policy.ts';
import { readRecord } from '../freshness/record.ts';
import { PurgeBook } from '../purges/purge-book.ts';
import { createStorage } from '../storage/create-storage.ts';
import { ScriptedAdapter } from '../storage/scripted-adapter.fixture.ts';
import { confirmed } from './confirmed.ts';
import { ResultCache } from './results.ts';
import { StoreQueue } from './store-queue.ts';

const DAY_MS = 86_400_000;
const KEY = storageKey('v1/ab/cd/ef');
const headers = { 'cache-control': 'no-cache', etag: '"s"' };
const policy = createFreshnessPolicy();

/** How often the storage was told that an entry that has to be asked about at each use was confirmed then. */
async function writes(confirmedAt: number, expirationMs: number | undefined): Promise<number> {
  const adapter = new ScriptedAdapter();
  const storage = createStorage(adapter, { name: 'scripted' });
  await storage.open();
  const queue = new StoreQueue(1_000);
  const watching = { lookupDeadlineMs: 10_000, reportErrors: true, paused: () => undefined, emit: () => undefined };
  const results = new ResultCache({ storage, queue, purges: new PurgeBook(), expirationMs, ...watching });
  const { state } = assess({ status: 200, headers }, { requestedAt: 0, receivedAt: 0 }, policy, { isImage: true });
  const metadata: EntryMetadata = { status: 200, contentType: 'image/png', etag: '"e"', source: 's', ...state };
  const bytes = new Uint8Array(1);
  const version: Version = await storage.put(KEY, bytes, metadata);
  const previous = { metadata, record: readRecord(metadata), version, size: 1, bytes };
  const response = { status: 304, headers, body: new BufferedBody(new Uint8Array(0)) };
  const fetched = { response, requestedAt: confirmedAt, receivedAt: confirmedAt };
  await confirmed({ key: KEY, policy }, previous, fetched, { results })?.ended;
  return adapter.calls.filter((call) => call.startsWith('setMetadata')).length;
}

test('what is confirmed at each use is written again once a tenth of its days is over, and not before', async () => {
  expect(await writes(DAY_MS, 10 * DAY_MS)).toBe(0);
  expect(await writes(DAY_MS + 1, 10 * DAY_MS)).toBe(1);
});

test('where nothing expires, what is confirmed at each use is never written again', async () => {
  expect(await writes(1_000 * DAY_MS, undefined)).toBe(0);
});
