import { describe, expect, test } from 'vitest';
import { BufferedBody, StreamedBody } from '../bodies.ts';
import type { EntryMetadata } from '../contracts/entry-metadata.ts';
import { storageKey } from '../contracts/storage-key.ts';
import { previousOf } from '../freshness/previous.ts';
import { ResultCache } from '../pipeline/results.ts';
import { StoreQueue } from '../pipeline/store-queue.ts';
import { PurgeBook } from '../purges/purge-book.ts';
import { createStorage } from './create-storage.ts';
import { putAgain } from './put-again.ts';
import { ScriptedAdapter } from './scripted-adapter.fixture.ts';

const KEY = storageKey('v1/ab/cd/ef');
const OURS = new TextEncoder().encode('ours');
const THEIRS = new TextEncoder().encode('theirs');
const METADATA: EntryMetadata = {
  status: 200,
  contentType: 'image/png',
  etag: '"a"',
  storedAt: 0,
  freshUntil: 1,
  source: 'local:///a.png',
};

/** A storage without a guarded `setMetadata` that has an entry, and the cache of results on it. */
async function withEntry({ conditionalReplace }: { readonly conditionalReplace: boolean }) {
  const adapter = new ScriptedAdapter({ conditionalMetadata: false, conditionalReplace });
  const storage = createStorage(adapter, { name: 'scripted' });
  await storage.open();
  await storage.put(KEY, OURS, METADATA);
  const results = new ResultCache({
    storage,
    lookupDeadlineMs: 1_000,
    reportErrors: true,
    queue: new StoreQueue(1_000),
    paused: () => undefined,
    emit: () => undefined,
    purges: new PurgeBook(),
  });
  const found = await results.lookup(KEY);
  if (found === undefined) throw new Error('There is no entry.');
  const inMemory = previousOf(found, undefined);
  return { adapter, storage, results, inMemory, fromStorage: { ...inMemory, bytes: undefined } };
}

/** The entry as somebody else would read it. */
async function read(storage: Awaited<ReturnType<typeof withEntry>>['storage']) {
  const hit = await storage.get(KEY);
  if (hit?.kind !== 'entry') return undefined;
  return { text: Buffer.from(await hit.body.bytes()).toString(), freshUntil: hit.metadata.freshUntil };
}

describe.each([
  ['with conditional puts', { conditionalReplace: true }],
  ['without conditional puts', { conditionalReplace: false }],
])('a confirmed entry, %s', (_what, capabilities) => {
  test.each(['inMemory', 'fromStorage'] as const)('is fresh again, its body %s', async (body) => {
    const { results, storage, ...there } = await withEntry(capabilities);
    expect(await results.refresh(KEY, there[body], { ...METADATA, freshUntil: 99 })).toBe(true);
    expect(await read(storage)).toEqual({ text: 'ours', freshUntil: 99 });
  });

  test.each(['inMemory', 'fromStorage'] as const)('leaves what took its place, its body %s', async (body) => {
    const { results, storage, ...there } = await withEntry(capabilities);
    await storage.put(KEY, THEIRS, { ...METADATA, freshUntil: 50 });
    expect(await results.refresh(KEY, there[body], { ...METADATA, freshUntil: 99 })).toBe(false);
    expect(await read(storage)).toEqual({ text: 'theirs', freshUntil: 50 });
  });

  test.each(['inMemory', 'fromStorage'] as const)(
    'is not brought back once it was removed, its body %s',
    async (body) => {
      const { results, storage, ...there } = await withEntry(capabilities);
      await storage.delete(KEY);
      expect(await results.refresh(KEY, there[body], { ...METADATA, freshUntil: 99 })).toBe(false);
      expect(await read(storage)).toBeUndefined();
    },
  );
});

test('with conditional puts, what comes between the look and the put stays', async () => {
  const { adapter, results, storage, fromStorage } = await withEntry({ conditionalReplace: true });
  adapter.next('put', async (proceed) => {
    await storage.put(KEY, THEIRS, { ...METADATA, freshUntil: 50 });
    return proceed();
  });
  expect(await results.refresh(KEY, fromStorage, { ...METADATA, freshUntil: 99 })).toBe(false);
  expect(await read(storage)).toEqual({ text: 'theirs', freshUntil: 50 });
});

test('a body that is not put after all is freed', async () => {
  const { adapter, storage, fromStorage } = await withEntry({ conditionalReplace: true });
  const { promise: freed, resolve } = Promise.withResolvers<void>();
  adapter.next('get', async (proceed) => ({
    ...((await proceed()) as object),
    body: new StreamedBody(() => new BufferedBody(OURS).stream(), resolve),
  }));
  const again = await putAgain(storage, KEY, fromStorage, 1_000);
  again?.discard();
  await freed;
});
