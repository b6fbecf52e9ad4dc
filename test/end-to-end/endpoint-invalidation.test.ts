import type { ProxyEvent } from '@tintype/core';
import { describe, expect, test } from 'vitest';
import { BufferedBody } from '../../packages/core/src/bodies.ts';
import type { PurgeAnnouncement } from '../../packages/core/src/contracts/coordinator.ts';
import type { ListedEntry } from '../../packages/core/src/contracts/storage-adapter.ts';
import { StorageError } from '../../packages/core/src/contracts/storage-error.ts';
import { primaryKey, urlPrefix } from '../../packages/core/src/endpoints/response-key.ts';
import { StoredResponses, type StoredResponsesOptions } from '../../packages/core/src/endpoints/stored-responses.ts';
import { PurgeBook } from '../../packages/core/src/purges/purge-book.ts';
import { createStorage } from '../../packages/core/src/storage/create-storage.ts';
import { ScriptedAdapter } from '../../packages/core/src/storage/scripted-adapter.fixture.ts';
import { type CacheEntry, createPolicy, decideStore, type FieldPair } from '../../packages/http-cache/src/index.ts';

const policy = createPolicy();
const prefix = urlPrefix('/', '/a');
const plain = primaryKey('/', '/a', '');
const dark = primaryKey('/', '/a', 'theme=dark');
const bytes = new TextEncoder().encode('content');

/** A response that was asked for at the time 1000. */
function entry(): CacheEntry {
  const fields: readonly FieldPair[] = [['Cache-Control', 'max-age=600']];
  const exchange = { request: { method: 'GET', fields: [] }, response: { status: 200, fields } };
  const decision = decideStore({ ...exchange, requestedAt: 1_000, receivedAt: 1_000 }, policy);
  if (!decision.store) throw new Error(decision.reason);
  return decision.entry;
}

/** Responses in a storage where both keys have one. */
async function withTwo(adapter: ScriptedAdapter, more: Partial<StoredResponsesOptions> = {}): Promise<StoredResponses> {
  purges = new PurgeBook();
  const storage = createStorage(adapter, { name: 'scripted' });
  await storage.open();
  const around = {
    lookupDeadlineMs: 1_000,
    paused: () => undefined,
    reportErrors: false,
    clock: () => 2_000,
    emit: () => undefined,
    announce,
    purges,
    ...more,
  };
  const responses = new StoredResponses({ storage, ...around });
  for (const key of [plain, dark]) {
    const body = { size: bytes.length, open: () => new BufferedBody(bytes).stream() };
    expect(await responses.store(key, entry(), body, bytes.length, 'http://o/a')).toBe(true);
  }
  return responses;
}

/** What the process has heard of. */
let purges = new PurgeBook();
function hear(responses: StoredResponses, purge: PurgeAnnouncement): void {
  if (purges.note(purge)) responses.hear(purge);
}

const announced: PurgeAnnouncement[] = [];
const announce = async (purge: PurgeAnnouncement): Promise<void> => void announced.push(purge);

const denied = () => new StorageError({ code: 'access-denied', message: 'Only reading is allowed.' });

test('what an invalidation could not remove is not found any more', async () => {
  class Sticky extends ScriptedAdapter {
    override delete = (): Promise<void> => Promise.reject(denied());
  }
  const adapter = new Sticky();
  const responses = await withTwo(adapter);
  expect(await responses.find(plain, [], policy)).toMatchObject({ kind: 'response' });
  await responses.invalidate(prefix, [plain]);
  expect(adapter.entries.size).toBe(2);
  expect(await responses.find(plain, [], policy)).toBeUndefined();
});

test('an invalidation that fails at one response removes the others', async () => {
  const adapter = new ScriptedAdapter();
  const responses = await withTwo(adapter);
  adapter.fail('delete', denied());
  await responses.invalidate(prefix, []);
  expect(adapter.entries.size).toBe(1);
});

test('an invalidation removes what no listing knows of yet', async () => {
  class Late extends ScriptedAdapter {
    override async *list(): AsyncGenerator<ListedEntry> {}
  }
  const adapter = new Late();
  const responses = await withTwo(adapter);
  await responses.invalidate(prefix, [plain]);
  expect([...adapter.entries.keys()]).toEqual([dark]);
});

describe('what another process has invalidated', () => {
  test('is not found any more; where both have the same storage the rest is left to that one', async () => {
    const adapter = new ScriptedAdapter();
    const responses = await withTwo(adapter);
    hear(responses, { scope: 'key', value: prefix, at: 1_500 });
    expect(await responses.find(plain, [], policy)).toBeUndefined();
    await responses.flush();
    expect([...adapter.entries.keys()]).not.toContain(plain);
    expect(adapter.entries.size).toBe(1);
  });

  test('is removed where nobody else can: from a storage of this process alone', async () => {
    const adapter = new ScriptedAdapter({ readConsistency: { kind: 'strong', scope: 'instance' } });
    const responses = await withTwo(adapter);
    hear(responses, { scope: 'key', value: prefix, at: 1_500 });
    await responses.flush();
    expect(adapter.entries.size).toBe(0);
  });

  test('stays where it was asked for since: another process may have stored it in a tier that both have', async () => {
    const adapter = new ScriptedAdapter({ readConsistency: { kind: 'strong', scope: 'instance' } });
    const responses = await withTwo(adapter);
    hear(responses, { scope: 'key', value: prefix, at: 999 });
    await responses.flush();
    expect(adapter.entries.size).toBe(2);
  });

  test.each([
    ['all', ''],
    ['source', 'http://o/a'],
  ] as const)('is not found any more where it was %s', async (scope, value) => {
    const responses = await withTwo(new ScriptedAdapter());
    const era = responses.eraOf(plain);
    hear(responses, { scope, value, at: 1_500 });
    expect(await responses.find(plain, [], policy)).toBeUndefined();
    expect(responses.eraOf(plain)).not.toBe(era);
    const late = { size: bytes.length, open: () => new BufferedBody(bytes).stream() };
    expect(await responses.store(plain, entry(), late, bytes.length, 'http://o/a')).toBe(false);
  });

  test('may be what was asked for since', async () => {
    const responses = await withTwo(new ScriptedAdapter());
    hear(responses, { scope: 'key', value: prefix, at: 999 });
    expect(await responses.find(plain, [], policy)).toMatchObject({ kind: 'response' });
  });
});

test('an invalidation is announced before its client has the answer, and heard once', async () => {
  announced.length = 0;
  const responses = await withTwo(new ScriptedAdapter());
  await responses.invalidate(prefix, [plain]);
  expect(announced).toEqual([{ scope: 'key', value: prefix, at: 2_000 }]);
  const era = responses.eraOf(plain);
  for (const purge of announced) hear(responses, purge);
  expect(responses.eraOf(plain)).toBe(era);
});

test('an announcement that hangs is told of, and its client waits no longer', async () => {
  const events: ProxyEvent[] = [];
  const adapter = new ScriptedAdapter();
  const hangs = { announce: () => new Promise<void>(() => {}), emit: (event: ProxyEvent) => void events.push(event) };
  const responses = await withTwo(adapter, hangs);
  await responses.invalidate(prefix, [plain]);
  expect(adapter.entries.size).toBe(0);
  expect(events).toContainEqual(
    expect.objectContaining({ type: 'cache-error', operation: 'announce', code: 'timeout' }),
  );
});
