import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { StreamedBody } from '../bodies.ts';
import type { EntryMetadata } from '../contracts/entry-metadata.ts';
import type { ProxyEvent } from '../contracts/observer.ts';
import type { Version } from '../contracts/storage-adapter.ts';
import { StorageError } from '../contracts/storage-error.ts';
import { storageKey } from '../contracts/storage-key.ts';
import { PurgeBook } from '../purges/purge-book.ts';
import { createStorage } from '../storage/create-storage.ts';
import { encodeMetadata } from '../storage/metadata-codec.ts';
import { ScriptedAdapter } from '../storage/scripted-adapter.fixture.ts';
import { ResultCache } from './results.ts';
import { StoreQueue } from './store-queue.ts';

const KEY = storageKey('v1/ab/cd/ef');
const HUNG = new Promise<never>(() => undefined);
const METADATA: EntryMetadata = {
  status: 200,
  contentType: 'image/png',
  etag: '"a"',
  storedAt: 0,
  freshUntil: 1,
  source: 'local:///a.png',
};

beforeEach(() => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
});
afterEach(() => {
  vi.useRealTimers();
});

async function setUp(maxPendingBytes = 1_000, paused?: string) {
  const adapter = new ScriptedAdapter();
  const storage = createStorage(adapter, { name: 'scripted', retry: { attempts: 1, baseMs: 1, maxMs: 1 } });
  await storage.open();
  const events: ProxyEvent[] = [];
  const purges = new PurgeBook();
  const results = new ResultCache({
    storage,
    lookupDeadlineMs: 250,
    reportErrors: false,
    queue: new StoreQueue(maxPendingBytes),
    paused: () => paused,
    emit: (event) => void events.push(event),
    purges,
  });
  const store = (size: number) => results.store(KEY, new Uint8Array(size), size, METADATA);
  /** An entry whose body is what `next` gives. */
  const streamed = (
    size: number,
    next: () => Promise<IteratorResult<Uint8Array>>,
    release: () => void = () => undefined,
  ) =>
    adapter.next('get', async () => ({
      kind: 'entry',
      metadata: encodeMetadata(METADATA, 4_000),
      size,
      version: 'v1' as Version,
      range: undefined,
      body: new StreamedBody(() => ({ [Symbol.asyncIterator]: () => ({ next }) }), release),
    }));
  return { adapter, results, events, store, streamed, purges };
}

test('puts that hang are bounded in bytes, freed by their deadline, and then others have the room', async () => {
  const { adapter, results, events, store } = await setUp();
  adapter.next('put', () => HUNG).next('put', () => HUNG);
  const hung = [store(500), store(500)];
  expect(results.objection(KEY, 1)).toBe('queue-full');
  expect(await store(1)).toBe(false);
  expect(events).toEqual([{ type: 'store-dropped', reason: 'queue-full' }]);
  await vi.advanceTimersByTimeAsync(10_000);
  expect(await Promise.all(hung)).toEqual([false, false]);
  expect(events.slice(1)).toMatchObject([
    { type: 'cache-error', operation: 'put', code: 'timeout' },
    { type: 'cache-error', operation: 'put', code: 'timeout' },
  ]);
  expect(await store(1_000)).toBe(true);
  await results.flush();
});

test('what is purged while it is on its way into the storage does not stay there, nor is it found', async () => {
  const { adapter, results, store, purges } = await setUp();
  adapter.next('put', (proceed) => {
    purges.note({ scope: 'source', value: METADATA.source, at: 1 });
    return proceed();
  });
  expect(await store(3)).toBe(false);
  expect(adapter.entries.size).toBe(0);
  expect(await store(3)).toBe(false);
  expect(await results.lookup(KEY)).toBeUndefined();
});

test('who waits for all that is under way waits for the removal of what was purged on its way, too', async () => {
  const { adapter, results, store, purges } = await setUp();
  adapter
    .next('put', (proceed) => {
      purges.note({ scope: 'source', value: METADATA.source, at: 1 });
      return proceed();
    })
    .next('delete', async (proceed) => {
      await new Promise((resolve) => setImmediate(resolve));
      return proceed();
    });
  void store(3);
  await results.flush();
  expect(adapter.entries.size).toBe(0);
});

test('what is purged while its body comes from the storage is not found', async () => {
  const { adapter, results, streamed, purges } = await setUp();
  let isFirst = true;
  streamed(1, async () => {
    purges.note({ scope: 'source', value: METADATA.source, at: 1 });
    if (!isFirst) return { done: true, value: undefined };
    isFirst = false;
    return { done: false, value: new Uint8Array(1) };
  });
  expect(await results.lookup(KEY)).toBeUndefined();
  await results.flush();
  expect(adapter.entries.size).toBe(0);
});

test('what is found to be purged is removed', async () => {
  const { adapter, results, store, purges } = await setUp();
  await store(3);
  purges.note({ scope: 'source', value: METADATA.source, at: 0 });
  expect(await results.lookup(KEY)).toBeUndefined();
  await results.flush();
  expect(adapter.entries.size).toBe(0);
});

test('one result that alone is more than may wait is stored when nothing else waits', async () => {
  const { store } = await setUp(10);
  expect(await store(1_000)).toBe(true);
});

test('a lookup that hangs is a miss after its deadline', async () => {
  const { adapter, results } = await setUp();
  adapter.next('get', () => HUNG);
  const lookup = results.lookup(KEY);
  await vi.advanceTimersByTimeAsync(250);
  expect(await lookup).toBeUndefined();
});

test('while one storage is left alone, that it refuses is not told again; that another one fails is', async () => {
  const { adapter, results, events } = await setUp(1_000, 'near');
  const refusal = { code: 'unavailable', message: 'Not read for a moment.', retryable: false } as const;
  adapter.next('get', () => Promise.reject(new StorageError(refusal)));
  expect(await results.lookup(KEY)).toBeUndefined();
  expect(events).toEqual([]);
  const failure = { code: 'access-denied', message: 'The far one lets nobody in.' } as const;
  adapter.next('get', () => Promise.reject(new StorageError(failure)));
  expect(await results.lookup(KEY)).toBeUndefined();
  expect(events).toMatchObject([{ type: 'cache-error', operation: 'get', ...failure }]);
});

test('a small entry whose body hangs is a miss too, not an answer that breaks off', async () => {
  const { results, events, streamed } = await setUp();
  streamed(3, () => HUNG);
  const lookup = Promise.resolve(results.lookup(KEY));
  await vi.advanceTimersByTimeAsync(250);
  expect(await lookup).toBeUndefined();
  expect(events).toMatchObject([{ type: 'cache-error', operation: 'get', code: 'timeout' }]);
});

test('a small entry that turns out damaged at its end is dropped, and is a miss', async () => {
  const { adapter, results, events, streamed } = await setUp();
  streamed(3, () => Promise.reject(new StorageError({ code: 'corrupt', message: 'Damaged.' })));
  expect(await results.lookup(KEY)).toBeUndefined();
  expect(events).toEqual([{ type: 'entry-dropped', reason: 'corrupt' }]);
  expect(adapter.calls).toContain('delete');
});

test('a large entry is answered as it comes', async () => {
  const { results, streamed } = await setUp();
  streamed(1_000_000, () => HUNG);
  expect(await results.lookup(KEY)).toMatchObject({ size: 1_000_000 });
});

/** A large entry's stream as it is answered, and whether its connection was freed. */
async function answered(next: () => Promise<IteratorResult<Uint8Array>>) {
  const rig = await setUp();
  const released = vi.fn();
  rig.streamed(1_000_000, next, released);
  const hit = await rig.results.lookup(KEY);
  if (hit === undefined) throw new Error('no hit');
  return { ...rig, released, chunks: rig.results.streamOf(KEY, hit)[Symbol.asyncIterator]() };
}

test('a large entry that is given up before its first byte frees its connection', async () => {
  const { chunks, released } = await answered(() => HUNG);
  await chunks.return?.();
  expect(released).toHaveBeenCalledTimes(1);
});

test('a large entry that turns out damaged on the way breaks off, and is dropped', async () => {
  const damaged = new StorageError({ code: 'corrupt', message: 'Damaged.' });
  const { adapter, chunks, events } = await answered(() => Promise.reject(damaged));
  await expect(chunks.next()).rejects.toMatchObject({ code: 'corrupt' });
  expect(events).toEqual([{ type: 'entry-dropped', reason: 'corrupt' }]);
  expect(adapter.calls).toContain('delete');
});

test('removing what is damaged holds nobody up for longer than a lookup', async () => {
  const { adapter, results } = await setUp();
  adapter.fail('get', new StorageError({ code: 'corrupt', message: 'Damaged.' })).next('delete', () => HUNG);
  const lookup = Promise.resolve(results.lookup(KEY));
  await vi.advanceTimersByTimeAsync(250);
  expect(await lookup).toBeUndefined();
});
