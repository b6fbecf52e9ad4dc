import { afterEach, describe, expect, test, vi } from 'vitest';
import type { EntryMetadata } from '../contracts/entry-metadata.ts';
import { StorageError } from '../contracts/storage-error.ts';
import { createStorage } from './create-storage.ts';
import { ScriptedAdapter } from './scripted-adapter.fixture.ts';
import { tiered } from './tiered.ts';
import { withBreaker } from './with-breaker.ts';

const metadata: EntryMetadata = {
  status: 200,
  contentType: 'image/png',
  etag: '"e"',
  storedAt: 1,
  freshUntil: 2,
  source: 's',
};
const text = (value: string) => new TextEncoder().encode(value);
const turn = () => new Promise((resolve) => setImmediate(resolve));

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

/** What a near tier holds of such an entry. */
async function copyOf(body: string) {
  const { near, storage } = await rig();
  await storage.put('k', text(body), metadata);
  await expect.poll(() => near.entries.has('k')).toBe(true);
  const copy = near.entries.get('k');
  if (copy === undefined) throw new Error('no copy');
  return copy;
}

test('a check that is good tells what either tier warns of', async () => {
  const [near, far] = [new ScriptedAdapter(), new ScriptedAdapter()];
  const storage = createStorage(tiered(near, far), { name: 'near,far' });
  await storage.open();
  const summary = 'scripted, then scripted';
  expect(await storage.check()).toEqual({ ok: true, summary });
  far.check = async () => ({ ok: true, summary: 'scripted', warning: 'The disk is small.' });
  expect(await storage.check()).toEqual({ ok: true, summary, warning: 'The disk is small.' });
  near.check = async () => ({ ok: true, summary: 'scripted', warning: 'It is old.' });
  expect(await storage.check()).toEqual({ ok: true, summary, warning: 'It is old. The disk is small.' });
  await storage.close();
});

test('what was written is read from near, with the version and the record of far', async () => {
  const { far, storage, near } = await rig();
  const version = await storage.put('k', text('one'), metadata);
  await expect.poll(() => near.entries.has('k')).toBe(true);
  const calls = far.calls.length;
  expect(await storage.get('k')).toMatchObject({ version, metadata, size: 3 });
  expect(await storage.stat('k')).toMatchObject({ version, metadata, size: 3 });
  expect(far.calls).toHaveLength(calls);
});

test('a copy that is as old as it may be is asked for again; what others have removed from far is then seen', async () => {
  let now = 1_000;
  const near = new ScriptedAdapter();
  const far = new ScriptedAdapter();
  const storage = createStorage(tiered(near, far, { maxCopyMs: 500, clock: () => now }), { name: 'near,far' });
  await storage.open();
  const copied = (at: string) =>
    expect.poll(() => near.entries.get('k')?.metadata.encoded).toEqual(expect.stringContaining(`|${at}|`));
  await storage.put('k', text('one'), metadata);
  await copied('1000');
  now = 1_499;
  const calls = far.calls.length;
  expect(await storage.stat('k')).toMatchObject({ size: 3 });
  expect(await storage.get('k')).toMatchObject({ size: 3 });
  expect(far.calls).toHaveLength(calls);
  now = 1_500;
  expect(await storage.stat('k')).toMatchObject({ size: 3 });
  expect(await storage.get('k')).toMatchObject({ size: 3 });
  expect(far.calls.length).toBeGreaterThan(calls);
  // It has a new copy by that.
  await copied('1500');
  far.entries.clear();
  now = 1_999;
  expect(await storage.get('k')).toMatchObject({ size: 3 });
  now = 2_000;
  expect(await storage.get('k')).toBeUndefined();
  // Of a clock that went back nobody knows how old it is.
  now = 1_400;
  expect(await storage.get('k')).toBeUndefined();
});

test('a copy from before a time that is not trusted is not used: far is asked, and copied anew', async () => {
  const [near, far] = [new ScriptedAdapter(), new ScriptedAdapter()];
  const time = { now: 1_000, distrusted: Number.NEGATIVE_INFINITY };
  const options = { distrustedUntil: () => time.distrusted, clock: () => time.now };
  const storage = createStorage(tiered(near, far, options), { name: 'near,far' });
  await storage.open();
  await storage.put('k', text('one'), metadata);
  await expect.poll(() => near.entries.has('k')).toBe(true);
  const calls = far.calls.length;
  time.now = 2_000;
  time.distrusted = 999;
  expect(await storage.get('k')).toMatchObject({ size: 3 });
  expect(far.calls).toHaveLength(calls);
  time.distrusted = 1_000;
  expect(await storage.get('k')).toMatchObject({ size: 3 });
  expect(far.calls).toHaveLength(calls + 1);
  await expect.poll(() => near.entries.get('k')?.metadata.encoded).toEqual(expect.stringContaining('|2000|'));
  expect(await storage.get('k')).toMatchObject({ size: 3 });
  expect(far.calls).toHaveLength(calls + 1);
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
  await expect.poll(() => near.entries.has('k')).toBe(true);
  near.fail('stat', new StorageError({ code: 'unavailable', message: 'Down.' }));
  expect(await storage.stat('k')).toMatchObject({ size: 3 });
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
  // No copy is given up because this process was held up.
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
  try {
    const { near, storage, read } = await rig();
    await storage.put('k', text('one'), metadata);
    near.entries.clear();
    let copied = false;
    near.next('put', async (proceed) => {
      await turn();
      copied = true;
      return proceed();
    });
    await read();
    await storage.close();
    expect(copied).toBe(true);
    expect(near.calls.at(-1)).toBe('close');
  } finally {
    vi.useRealTimers();
  }
});

const DOWN = new StorageError({ code: 'access-denied', message: 'This user may not write there.' });
const never = () => new Promise<never>(() => undefined);

describe('a tier that cannot be opened', () => {
  afterEach(() => {
    vi.useRealTimers();
  });

  const fakeTimers = () => vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });

  async function half(broken: 'near' | 'far') {
    const adapters = { near: new ScriptedAdapter(), far: new ScriptedAdapter() };
    adapters[broken].fail('open', DOWN);
    const said: unknown[] = [];
    const changes: string[] = [];
    const tier = (id: 'near' | 'far') =>
      withBreaker(adapters[id], {
        readDeadlineMs: 250,
        onChange: (access, state, code) => changes.push(`${id}: ${access} ${state} ${code ?? ''}`),
      });
    const adapter = tiered(tier('near'), tier('far'), { onOpenError: (error) => said.push(error) });
    const storage = createStorage(adapter, { name: 'near,far' });
    await storage.open();
    return { ...adapters, storage, said, changes };
  }

  test('far: near is not reopened, what lies there is a hit, all else unavailable; the operator is told', async () => {
    const copy = await copyOf('one');
    // Far is not tried again meanwhile.
    fakeTimers();
    const { near, far, storage, said, changes } = await half('far');
    near.entries.set('k', copy);
    expect(await storage.get('k')).toMatchObject({ kind: 'entry', size: 3 });
    const unavailable = { code: 'unavailable', retryable: false, message: DOWN.message };
    await expect(Promise.resolve(storage.get('other'))).rejects.toMatchObject(unavailable);
    await expect(storage.put('k', text('two'), metadata)).rejects.toMatchObject(unavailable);
    await expect(Array.fromAsync(storage.list(''))).rejects.toMatchObject(unavailable);
    expect(near.entries.get('k')).toBe(copy);
    far.fail('open', DOWN);
    expect(await storage.check()).toMatchObject({ ok: false, problem: DOWN.message });
    expect([said, changes]).toEqual([[DOWN], ['far: reads paused access-denied']]);
    await storage.close();
    expect([
      near.calls.filter((call) => call === 'open' || call === 'close'),
      far.calls.filter((call) => call === 'open' || call === 'close'),
    ]).toEqual([
      ['open', 'close'],
      ['open', 'open'],
    ]);
  });

  test.each(['near', 'far'] as const)(
    '%s: it is tried again until it works, and each is closed once',
    async (broken) => {
      fakeTimers();
      const { near, far, storage, changes } = await half(broken);
      await vi.advanceTimersByTimeAsync(5_000);
      expect(changes).toEqual([`${broken}: reads paused access-denied`, `${broken}: reads working `]);
      await storage.put('k', text('one'), metadata);
      await storage.close();
      expect(near.entries.has('k')).toBe(true);
      for (const { calls } of [near, far]) expect(calls.filter((call) => call === 'close')).toHaveLength(1);
    },
  );

  test('near: everything goes through far, and a copy from before that is served no more after a write', async () => {
    const copy = await copyOf('old');
    fakeTimers();
    const { near, storage } = await half('near');
    near.entries.set('k', copy);
    await storage.put('k', text('new'), metadata);
    await vi.advanceTimersByTimeAsync(5_000);
    const hit = await storage.get('k');
    expect(hit?.kind === 'entry' && Buffer.from(await hit.body.bytes()).toString()).toBe('new');
    await storage.close();
  });

  test('neither: open says why of far', async () => {
    const near = new ScriptedAdapter().fail('open', new Error('near'));
    const far = new ScriptedAdapter().fail('open', DOWN);
    const storage = createStorage(tiered(near, far), { name: 'near,far' });
    await expect(storage.open()).rejects.toMatchObject({ code: 'access-denied' });
    await storage.open();
    await storage.close();
    for (const { calls } of [near, far]) expect(calls).toEqual(['open', 'open', 'close']);
  });
});

test('a far tier that hangs while it opens does not keep near from being used', async () => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'performance'] });
  try {
    const gate = Promise.withResolvers<void>();
    const near = new ScriptedAdapter();
    const far = new ScriptedAdapter().next('open', () => gate.promise);
    const storage = createStorage(tiered(near, far), { name: 'near,far' });
    const opening = storage.open();
    await vi.advanceTimersByTimeAsync(4_000);
    await opening;
    await expect(Promise.resolve(storage.get('k'))).rejects.toMatchObject({ code: 'unavailable' });
    gate.resolve();
    await turn();
    expect(await storage.get('k')).toBeUndefined();
    await storage.close();
    expect(far.calls).toEqual(['open', 'get', 'close']);
  } finally {
    vi.useRealTimers();
  }
});

describe('a near tier that cannot be written to', () => {
  test('does not keep the far one from taking every write, and its old copies are not served', async () => {
    const { near, far, storage, read } = await rig();
    await storage.put('k', text('old'), metadata);
    await expect.poll(() => near.entries.has('k')).toBe(true);
    const readOnly = () => Promise.reject(DOWN);
    near.next('delete', readOnly).next('put', readOnly).next('put', readOnly);
    await storage.put('k', text('new'), metadata);
    expect(Buffer.from(near.entries.get('k')?.bytes ?? []).toString()).toBe('old');
    expect(await read()).toBe('new');
    expect((await storage.stat('k'))?.size).toBe(3);
    near.next('delete', readOnly);
    await storage.delete('k');
    expect([await read(), await storage.stat('k'), far.entries.size]).toEqual([undefined, undefined, 0]);
  });

  test('serves the copy again once it was overwritten', async () => {
    const { near, far, storage, read } = await rig();
    near.fail('delete', DOWN).fail('put', DOWN);
    await storage.put('k', text('one'), metadata);
    await read();
    await expect.poll(() => near.entries.has('k')).toBe(true);
    const calls = far.calls.length;
    expect(await read()).toBe('one');
    expect(far.calls).toHaveLength(calls);
  });

  test('and hangs, costs a write a second at most, and after some of them nothing', async () => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'performance'] });
    try {
      const { near, far, storage } = await rig();
      for (let index = 0; index < 20; index++) near.next('delete', never).next('put', never);
      for (let index = 0; index < 5; index++) {
        const putting = storage.put(`k${index}`, text('x'), metadata);
        await vi.advanceTimersByTimeAsync(1_000);
        await putting;
      }
      for (let index = 5; index < 10; index++) await storage.put(`k${index}`, text('x'), metadata);
      expect(far.entries.size).toBe(10);
      const closing = storage.close();
      await vi.advanceTimersByTimeAsync(5_000);
      await closing;
    } finally {
      vi.useRealTimers();
    }
  });

  test('a copy that hangs counts as a timeout where near is watched, and may not turn up over a newer one', async () => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'performance'] });
    try {
      const near = new ScriptedAdapter();
      const far = new ScriptedAdapter();
      const changes: string[] = [];
      const watched = withBreaker(near, {
        readDeadlineMs: 250,
        onChange: (...change) => changes.push(change.join(' ')),
      });
      const storage = createStorage(tiered(watched, far), { name: 'near,far' });
      await storage.open();
      const gate = Promise.withResolvers<void>();
      near.next('put', (proceed) => gate.promise.then(proceed));
      await storage.put('k', text('old'), metadata);
      await vi.advanceTimersByTimeAsync(5_000);
      await storage.put('k', text('new'), metadata);
      gate.resolve();
      await turn();
      expect(Buffer.from(near.entries.get('k')?.bytes ?? []).toString()).toBe('old');
      const read = async () => {
        const hit = await storage.get('k');
        return hit?.kind === 'entry' && Buffer.from(await hit.body.bytes()).toString();
      };
      expect(await read()).toBe('new');
      await turn();
      expect(Buffer.from(near.entries.get('k')?.bytes ?? []).toString()).toBe('new');
      for (let index = 0; index < 5; index++) near.next('put', never);
      for (let index = 0; index < 5; index++) await storage.put(`k${index}`, text('x'), metadata);
      await vi.advanceTimersByTimeAsync(5_000);
      expect(changes).toEqual(['writes paused timeout']);
    } finally {
      vi.useRealTimers();
    }
  });
});

test('a put waits for no copy, and its bytes may be changed afterwards', async () => {
  const { near, storage } = await rig();
  const gate = Promise.withResolvers<void>();
  near.next('put', (proceed) => gate.promise.then(proceed));
  const bytes = text('one');
  await storage.put('k', bytes, metadata);
  bytes.fill(0);
  gate.resolve();
  await expect.poll(() => Buffer.from(near.entries.get('k')?.bytes ?? []).toString()).toBe('one');
});

test('the far tier decides how long metadata may be; what is too long for near is not copied', async () => {
  const near = new ScriptedAdapter({ maxMetadataBytes: 100 });
  const far = new ScriptedAdapter({ maxMetadataBytes: 1_400 });
  const storage = createStorage(tiered(near, far), { name: 'near,far' });
  await storage.open();
  expect(storage.capabilities.maxMetadataBytes).toBe(1_400);
  await storage.put('k', text('one'), { ...metadata, source: 'x'.repeat(1_000) });
  await storage.close();
  expect([near.calls.includes('put'), far.entries.size]).toEqual([false, 1]);
});

test.each([
  ['an entry from when near was used by itself', '{"v":1,"s":200}'],
  ['with a percent sign and a bar in it', '{"a":"50%|"}'],
  ['a copy of another format', 'v1|{"v":1,"s":200}'],
  ['a damaged copy', '~tier1||%|{}'],
  ['a copy cut short', '~tier1|'],
])('%s is a miss there, and is overwritten', async (_what, encoded) => {
  const { near, far, storage, read } = await rig();
  await storage.put('k', text('far'), metadata);
  await expect.poll(() => near.entries.has('k')).toBe(true);
  const copy = near.entries.get('k');
  const version = far.entries.get('k')?.version;
  if (copy) near.entries.set('k', { ...copy, bytes: text('near'), metadata: { encoded, contentType: 'image/png' } });
  expect(await storage.stat('k')).toMatchObject({ version });
  expect(await read()).toBe('far');
  await expect.poll(() => Buffer.from(near.entries.get('k')?.bytes ?? []).toString()).toBe('far');
});
