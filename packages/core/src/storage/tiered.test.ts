import { expect, test } from 'vitest';
import type { EntryMetadata } from '../contracts/entry-metadata.ts';
import { StorageError } from '../contracts/storage-error.ts';
import { createStorage } from './create-storage.ts';
import { ScriptedAdapter } from './scripted-adapter.fixture.ts';
import { tiered } from './tiered.ts';

const metadata: EntryMetadata = {
  status: 200,
  contentType: 'image/png',
  etag: '"e"',
  storedAt: 1,
  freshUntil: 2,
  source: 's',
};
const text = (value: string) => new TextEncoder().encode(value);

async function rig() {
  const near = new ScriptedAdapter();
  const far = new ScriptedAdapter();
  const storage = createStorage(tiered(near, far), { name: 'near,far' });
  await storage.open();
  const read = async () => {
    const hit = await storage.get('k');
    return hit?.kind === 'entry' ? Buffer.from(await hit.body.bytes()).toString() : undefined;
  };
  return { near, far, storage, read };
}

test('what was written is read from near, with the version and the record of far', async () => {
  const { far, storage } = await rig();
  const version = await storage.put('k', text('one'), metadata);
  const calls = far.calls.length;
  expect(await storage.get('k')).toMatchObject({ version, metadata, size: 3 });
  expect(await storage.stat('k')).toMatchObject({ version, metadata, size: 3 });
  expect(far.calls).toHaveLength(calls);
});

test('what was read from far is read from near the next time', async () => {
  const { near, far, storage, read } = await rig();
  await storage.put('k', text('one'), metadata);
  near.entries.clear();
  const filled = new Promise<void>((resolve) =>
    near.next('put', async (proceed) => {
      const version = await proceed();
      resolve();
      return version;
    }),
  );
  expect(await read()).toBe('one');
  await filled;
  const calls = far.calls.length;
  expect(await read()).toBe('one');
  expect(far.calls).toHaveLength(calls);
});

test('a near tier that cannot be read costs a longer way, and no hit', async () => {
  const { near, storage, read } = await rig();
  await storage.put('k', text('one'), metadata);
  near.fail('get', new StorageError({ code: 'unavailable', message: 'Down.' }));
  expect(await read()).toBe('one');
});

test('a reader of the old entry does not bring it back after a newer one was written', async () => {
  const { near, far, storage, read } = await rig();
  await storage.put('k', text('old'), metadata);
  near.entries.clear();
  const gate = Promise.withResolvers<void>();
  const reading = Promise.withResolvers<void>();
  far.next('get', async (proceed) => {
    const old = await proceed();
    reading.resolve();
    await gate.promise;
    return old;
  });
  const late = read();
  await reading.promise;
  await storage.put('k', text('new'), metadata);
  gate.resolve();
  expect(await late).toBe('old');
  expect(await read()).toBe('new');
  expect(Buffer.from(near.entries.get('k')?.bytes ?? []).toString()).toBe('new');
});

test('of two writes whose answers come back in the wrong order, near keeps neither', async () => {
  const { near, far, storage, read } = await rig();
  const gate = Promise.withResolvers<void>();
  const applied = Promise.withResolvers<void>();
  far.next('put', async (proceed) => {
    const version = await proceed();
    applied.resolve();
    await gate.promise;
    return version;
  });
  const first = storage.put('k', text('first'), metadata);
  await applied.promise;
  await storage.put('k', text('second'), metadata);
  gate.resolve();
  await first;
  expect(near.entries.has('k')).toBe(false);
  expect(await read()).toBe('second');
});

test('a write that failed leaves no copy that could be wrong', async () => {
  const { near, far, storage, read } = await rig();
  await storage.put('k', text('one'), metadata);
  far.fail('put', new Error('lost answer'));
  await expect(storage.put('k', text('two'), metadata)).rejects.toMatchObject({ code: 'internal' });
  expect(near.entries.size).toBe(0);
  expect(await read()).toBe('one');
});

test('deleting and changing the record reach both', async () => {
  const { storage, read } = await rig();
  await storage.put('k', text('one'), metadata);
  await storage.setMetadata('k', { ...metadata, freshUntil: 99 });
  expect((await storage.stat('k'))?.metadata.freshUntil).toBe(99);
  await storage.delete('k');
  expect(await read()).toBeUndefined();
});

test('it declares what a copy costs: consistency within this instance only', async () => {
  const { storage } = await rig();
  expect(storage.capabilities.readConsistency).toEqual({ kind: 'strong', scope: 'instance' });
  expect(storage.capabilities.listConsistency).toEqual({ kind: 'strong', scope: 'store' });
});

test('close waits for copies under way', async () => {
  const { near, storage, read } = await rig();
  await storage.put('k', text('one'), metadata);
  near.entries.clear();
  let copied = false;
  near.next('put', async (proceed) => {
    await new Promise((resolve) => setImmediate(resolve));
    copied = true;
    return proceed();
  });
  await read();
  await storage.close();
  expect(copied).toBe(true);
  expect(near.calls.at(-1)).toBe('close');
});
