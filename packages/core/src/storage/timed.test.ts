import { expect, test } from 'vitest';
import type { ProxyEvent } from '../contracts/observer.ts';
import { StorageError } from '../contracts/storage-error.ts';
import { storageKey } from '../contracts/storage-key.ts';
import { ScriptedAdapter } from './scripted-adapter.fixture.ts';
import { timed } from './timed.ts';

const KEY = storageKey('v1/ab/cd/ef');

function setUp() {
  const events: ProxyEvent[] = [];
  const adapter = new ScriptedAdapter();
  const abort = new AbortController();
  const storage = timed(adapter, 'lab', (event) => void events.push(event));
  return { adapter, storage, events, abort, context: { signal: abort.signal } };
}

test('tells how long each operation took', async () => {
  const { storage, events, context } = setUp();
  await storage.open(context);
  await storage.delete(KEY, undefined, context);
  expect(events).toMatchObject([
    { type: 'storage-operation', storage: 'lab', operation: 'open', ms: expect.any(Number) },
    { type: 'storage-operation', storage: 'lab', operation: 'delete', ms: expect.any(Number) },
  ]);
  expect(events[0]).not.toHaveProperty('code');
});

test('tells why one failed, and lets the failure through', async () => {
  const { adapter, storage, events, abort, context } = setUp();
  adapter.fail('get', new StorageError({ code: 'unavailable', message: 'Down.' }));
  await expect(storage.get(KEY, undefined, context)).rejects.toMatchObject({ code: 'unavailable' });
  adapter.fail('get', new TypeError('A defect.'));
  await expect(storage.get(KEY, undefined, context)).rejects.toThrow('A defect.');
  adapter.fail('get', new Error('Nobody waits.'));
  abort.abort();
  await expect(storage.get(KEY, undefined, context)).rejects.toThrow('Nobody waits.');
  expect(events.map((event) => 'code' in event && event.code)).toEqual(['unavailable', 'internal', 'aborted']);
});

test('what is answered at once stays so, and is told of all but memory', () => {
  for (const durability of ['none', 'process'] as const) {
    const events: ProxyEvent[] = [];
    const adapter = new ScriptedAdapter({ durability });
    adapter.get = (() => undefined) as never;
    const storage = timed(adapter, 'lab', (event) => void events.push(event));
    expect(storage.get(KEY, undefined, { signal: new AbortController().signal })).toBeUndefined();
    expect(events.map((event) => event.type)).toEqual(durability === 'none' ? [] : ['storage-operation']);
  }
});
