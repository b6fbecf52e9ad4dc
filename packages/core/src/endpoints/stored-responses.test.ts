import { expect, test } from 'vitest';
import { BufferedBody, StreamedBody } from '../bodies.ts';
import { LocalCoordinator } from '../container/local-coordinator.ts';
import type { PurgeAnnouncement } from '../contracts/coordinator.ts';
import { StorageError } from '../contracts/storage-error.ts';
import { createFreshnessPolicy } from '../freshness/policy.ts';
import { PurgeBook } from '../purges/purge-book.ts';
import { createStorage } from '../storage/create-storage.ts';
import { ScriptedAdapter } from '../storage/scripted-adapter.fixture.ts';
import { primaryKey, urlPrefix } from './response-key.ts';
import { StoredResponses } from './stored-responses.ts';

type CacheEntry = Parameters<StoredResponses['store']>[1];
type VaryKey = CacheEntry['vary'];

const OWN = { kind: 'strong', scope: 'instance' } as const;
const SOURCE = 'https://origin.example/a';
const { http: POLICY } = createFreshnessPolicy();
const bytes = new TextEncoder().encode('x');
const body = { size: bytes.length, open: () => new BufferedBody(bytes).stream() };

/** A response that was asked for then. */
function response(requestedAt: number, vary: VaryKey = []): CacheEntry {
  const [bornAt, receivedAt, until] = [requestedAt, requestedAt, 1e9];
  const ends = { staleWhileRevalidateUntil: until, staleIfErrorUntil: until, staleIfDisconnectedUntil: until };
  const freshness = { v: 1, requestedAt, receivedAt, bornAt, freshUntil: until, ...ends, basis: 'max-age' } as const;
  return { v: 1, status: 200, fields: [['X-At', String(requestedAt)]], freshness, vary };
}

/** Responses of one process in its own memory. */
async function rig(purges = new PurgeBook(), reportErrors = false) {
  const adapter = new ScriptedAdapter({ readConsistency: OWN, listConsistency: OWN });
  const storage = createStorage(adapter, { name: 'own' });
  await storage.open();
  const coordinator = new LocalCoordinator();
  const clock = { now: 1_000 };
  const stored = new StoredResponses({
    storage,
    lookupDeadlineMs: 10_000,
    paused: () => undefined,
    reportErrors,
    clock: () => clock.now,
    emit: () => undefined,
    announce: (purge) => coordinator.announce(purge),
    purges,
  });
  coordinator.subscribe((purge: PurgeAnnouncement) => {
    purges.note(purge);
    stored.hear(purge);
  });
  const at = async (path: string, language = 'en') => {
    const found = await stored.find(primaryKey('/', path, ''), [['Accept-Language', language]], POLICY);
    return found?.kind === 'response' ? found.response.entry.freshness.requestedAt : found?.kind;
  };
  const store = (path: string, entry: CacheEntry) =>
    stored.store(primaryKey('/', path, ''), entry, body, bytes.length, SOURCE);
  return { adapter, clock, purges, stored, store, at };
}

test.each([false, true])(
  'an index that is damaged is made anew, also where errors are reported: %s',
  async (reported) => {
    const { adapter, at, store } = await rig(new PurgeBook(), reported);
    const vary: VaryKey = [['accept-language', 'en']];
    await store('/a', response(1, vary));
    const index = primaryKey('/', '/a', '');
    let isDamaged = true;
    const { get, put } = adapter;
    adapter.get = async (...asked) => {
      const found = await get.apply(adapter, asked);
      if (!isDamaged || asked[0] !== index || found?.kind !== 'entry') return found;
      const damaged = async function* (): AsyncGenerator<Uint8Array> {
        yield* [];
        throw new StorageError({ code: 'corrupt', message: 'The body is damaged.' });
      };
      return { ...found, body: new StreamedBody(damaged, async () => undefined) };
    };
    adapter.put = (...given) => {
      if (given[0] === index) isDamaged = false;
      return put.apply(adapter, given);
    };
    expect(await at('/a')).not.toBe(1);
    expect(await store('/a', response(2, vary))).toBe(true);
    expect(await at('/a')).toBe(2);
  },
);

test('more changes than are remembered leave what they are not about as it was', async () => {
  const { at, clock, purges, store, stored } = await rig();
  await store('/kept', response(1));
  // Removed by this process itself.
  await stored.invalidate(urlPrefix('/', '/changed'), []);
  clock.now = 2_000;
  for (let other = 0; other < 20_000; other++) {
    purges.note({ scope: 'key', value: `e1/${other}/`, at: 2_000 });
  }
  expect(await at('/kept')).toBe(1);
});

test('of a change that could not be removed all that is older is kept out once it is forgotten', async () => {
  const { adapter, at, purges, store, stored } = await rig();
  await store('/kept', response(1));
  adapter.next('list', () => {
    throw new Error('no list');
  });
  adapter.next('list', () => {
    throw new Error('no list');
  });
  await stored.invalidate(urlPrefix('/', '/changed'), []);
  for (let other = 0; other < 20_000; other++) purges.note({ scope: 'key', value: `e1/${other}/`, at: 2_000 });
  expect(await at('/kept')).toBeUndefined();
});

test('what others have changed is removed here, and forgotten without a trace', async () => {
  const { adapter, at, purges, store, stored } = await rig();
  await store('/kept', response(1));
  await store('/changed', response(1));
  const change = { scope: 'key', value: urlPrefix('/', '/changed'), at: 1_000 } as const;
  purges.note(change);
  stored.hear(change);
  await stored.flush();
  expect(adapter.entries.size).toBe(1);
  for (let other = 0; other < 20_000; other++) purges.note({ scope: 'key', value: `e1/${other}/`, at: 2_000 });
  expect(await at('/kept')).toBe(1);
});

test('a response that is found to be purged is removed, so that it stays away when nobody remembers the purge', async () => {
  const { adapter, at, purges, store, stored } = await rig();
  await store('/a', response(1));
  purges.note({ scope: 'source', value: SOURCE, at: 2 });
  expect(await at('/a')).toBeUndefined();
  await stored.flush();
  expect(adapter.entries.size).toBe(0);
});

test('a response that was purged while the origin was asked is not confirmed', async () => {
  const { at, purges, store, stored } = await rig();
  await store('/a', response(1));
  const found = await stored.find(primaryKey('/', '/a', ''), [], POLICY);
  if (found?.kind !== 'response') throw new Error('It is stored.');
  purges.note({ scope: 'source', value: SOURCE, at: 2 });
  await stored.freshen(found.response, response(3));
  expect(await at('/a')).toBeUndefined();
});

test('variants are not forgotten because their index could not be read for once', async () => {
  const { adapter, at, store } = await rig();
  await store('/a', response(1, [['accept-language', 'en']]));
  adapter.fail('get', new StorageError({ code: 'access-denied', message: 'Not now.' }));
  expect(await store('/a', response(2, [['accept-language', 'de']]))).toBe(false);
  expect(await at('/a')).toBe(1);
  await store('/a', response(3, [['accept-language', 'de']]));
  expect([await at('/a', 'en'), await at('/a', 'de')]).toEqual([1, 3]);
});

test('an own announcement that is heard again lists nothing a second time', async () => {
  const { adapter, stored } = await rig();
  await stored.invalidate(urlPrefix('/', '/changed'), []);
  await stored.flush();
  expect(adapter.calls.filter((call) => call.startsWith('list'))).toHaveLength(1);
});

test('the earlier of two responses takes the place of the later one neither with nor without Vary', async () => {
  const { at, store } = await rig();
  const english: VaryKey = [['accept-language', 'en']];
  await store('/plain', response(5));
  expect(await store('/plain', response(3, english))).toBe(false);
  expect(await at('/plain')).toBe(5);
  await store('/varying', response(5, english));
  expect(await store('/varying', response(3))).toBe(false);
  expect(await at('/varying')).toBe(5);
  // Of two variants neither is in the way of the other.
  expect(await store('/varying', response(4, [['accept-language', 'de']]))).toBe(true);
  expect([await at('/varying'), await at('/varying', 'de')]).toEqual([5, 4]);
});
