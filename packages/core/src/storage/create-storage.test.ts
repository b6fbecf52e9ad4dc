import { afterEach, describe, expect, test, vi } from 'vitest';
import { collect, StreamedBody } from '../bodies.ts';
import type { EntryMetadata } from '../contracts/entry-metadata.ts';
import { StorageError } from '../contracts/storage-error.ts';
import { storageKey } from '../contracts/storage-key.ts';
import { createStorage } from './create-storage.ts';
import { ScriptedAdapter } from './scripted-adapter.fixture.ts';

const metadata: EntryMetadata = {
  status: 200,
  contentType: 'image/png',
  etag: '"e"',
  storedAt: 1,
  freshUntil: 2,
  source: 'local:///a.png',
};
const bytes = new TextEncoder().encode('picture');
const busy = (init: { applied?: 'no' | 'unknown'; retryAfterMs?: number } = {}) =>
  new StorageError({ code: 'unavailable', message: 'Busy.', ...init });

async function opened(adapter: ScriptedAdapter, deadlineMs = 600_000) {
  const storage = createStorage(adapter, {
    name: 'scripted',
    deadlineMs,
    retry: { attempts: 3, baseMs: 1, maxMs: 2 },
    random: () => 0,
  });
  await storage.open();
  return storage;
}

async function* broken(error: Error) {
  yield bytes;
  throw error;
}

describe('keys', () => {
  test.each([
    ['', 'is empty'],
    ['a//b', 'has an empty segment'],
    ['/a', 'has an empty segment'],
    ['a.', 'has a segment that ends in "."'],
    ['a/../b', 'has a segment that ends in "."'],
    ['Ä', 'contains "Ä"'],
    ['A', 'contains "A"'],
    ['x'.repeat(513), 'has 513 bytes'],
  ])('%j is refused before the adapter hears of it', async (key, reason) => {
    const adapter = new ScriptedAdapter();
    const storage = await opened(adapter);
    await expect(Promise.resolve(storage.get(key))).rejects.toMatchObject({
      code: 'invalid-argument',
      message: expect.stringContaining(reason),
      operation: 'get',
      adapter: 'scripted',
    });
    expect(adapter.calls).toEqual(['open']);
  });
});

describe('state', () => {
  test('nothing works before open or after close, and both may be called twice', async () => {
    const adapter = new ScriptedAdapter();
    const storage = createStorage(adapter, { name: 'scripted' });
    await expect(Promise.resolve(storage.get('k'))).rejects.toMatchObject({ code: 'closed' });
    await Promise.all([storage.open(), storage.open()]);
    await storage.open();
    await Promise.all([storage.close(), storage.close()]);
    await expect(Promise.resolve(storage.stat('k'))).rejects.toMatchObject({ code: 'closed' });
    await expect(storage.put('k', bytes, metadata)).rejects.toMatchObject({ code: 'closed' });
    await expect(storage.open()).rejects.toMatchObject({ code: 'closed' });
    expect(adapter.calls).toEqual(['open', 'close']);
  });

  test('a close that fails says so, and is not tried again', async () => {
    const adapter = new ScriptedAdapter().fail('close', busy());
    const storage = await opened(adapter);
    await expect(storage.close()).rejects.toMatchObject({ code: 'unavailable' });
    expect(adapter.calls).toEqual(['open', 'close']);
  });

  test('an open that failed may be tried again', async () => {
    const adapter = new ScriptedAdapter().fail(
      'open',
      new StorageError({ code: 'misconfigured', message: 'No bucket.' }),
    );
    const storage = createStorage(adapter, { name: 'scripted' });
    await expect(storage.open()).rejects.toMatchObject({ code: 'misconfigured', operation: 'open' });
    await storage.open();
    expect(await storage.get('k')).toBeUndefined();
  });

  /** A storage whose first `open` is given up after 20 ms and goes on until the gate opens. */
  async function slowToOpen() {
    const gate = Promise.withResolvers<void>();
    const adapter = new ScriptedAdapter().next('open', () => gate.promise);
    const storage = createStorage(adapter, { name: 'scripted', openDeadlineMs: 20 });
    await expect(storage.open()).rejects.toMatchObject({ code: 'timeout' });
    return { adapter, storage, gate };
  }

  test('an open that goes on after its deadline is joined by the next, never doubled', async () => {
    const { adapter, storage, gate } = await slowToOpen();
    const again = storage.open();
    gate.resolve();
    await again;
    expect(await storage.get('k')).toBeUndefined();
    expect(adapter.calls).toEqual(['open', 'get']);
  });

  test('if it fails after all, the next one begins anew', async () => {
    const { adapter, storage, gate } = await slowToOpen();
    const again = storage.open();
    gate.reject(busy());
    await again;
    expect(adapter.calls).toEqual(['open', 'open']);
  });

  test('what was opened too late is closed', async () => {
    const { adapter, storage, gate } = await slowToOpen();
    const closing = storage.close();
    gate.resolve();
    await closing;
    expect(adapter.calls).toEqual(['open', 'close']);
  });

  test('what was opened after even close has given it up is closed too', async () => {
    const { adapter, storage, gate } = await slowToOpen();
    await expect(storage.close()).rejects.toMatchObject({ code: 'timeout' });
    expect(adapter.calls).toEqual(['open']);
    gate.resolve();
    await expect.poll(() => adapter.calls).toEqual(['open', 'close']);
  });
});

describe('retries', () => {
  test('a read is tried again, so many times and no more', async () => {
    const adapter = new ScriptedAdapter().fail('get', busy()).fail('get', busy());
    const storage = await opened(adapter);
    expect(await storage.get('k')).toBeUndefined();
    expect(storage.counters).toMatchObject({ retries: 2, misses: 1, errors: { unavailable: 2 } });
    adapter.fail('get', busy()).fail('get', busy()).fail('get', busy());
    await expect(storage.get('k')).rejects.toMatchObject({ code: 'unavailable', key: 'k' });
  });

  test('what is not retryable is not tried again', async () => {
    const adapter = new ScriptedAdapter().fail('get', new StorageError({ code: 'access-denied', message: 'No.' }));
    await expect((await opened(adapter)).get('k')).rejects.toMatchObject({ code: 'access-denied' });
    expect(adapter.calls).toEqual(['open', 'get']);
  });

  test('a put of bytes or of a source is tried again, a put of a stream is not', async () => {
    const adapter = new ScriptedAdapter();
    const storage = await opened(adapter);
    const afterReading = async (proceed: () => Promise<unknown>) => {
      await proceed();
      throw busy();
    };
    adapter.next('put', afterReading);
    await storage.put('bytes', bytes, metadata);
    adapter.next('put', afterReading);
    await storage.put('source', { size: bytes.length, open: once }, metadata);
    adapter.next('put', afterReading);
    await expect(storage.put('stream', once(), metadata)).rejects.toMatchObject({ code: 'unavailable' });
    expect(adapter.calls.filter((call) => call === 'put')).toHaveLength(5);
  });

  test('a conditional put whose fate is unknown is never repeated', async () => {
    const adapter = new ScriptedAdapter().fail('put', busy({ applied: 'unknown' }));
    const storage = await opened(adapter);
    await expect(storage.put('k', bytes, metadata, { condition: { ifAbsent: true } })).rejects.toMatchObject({
      code: 'unavailable',
      applied: 'unknown',
    });
    adapter.fail('put', busy({ applied: 'no' }));
    await storage.put('k', bytes, metadata, { condition: { ifAbsent: true } });
    expect(adapter.calls).toEqual(['open', 'put', 'put', 'put']);
  });

  test('a listing goes on after the last row, so that each comes once', async () => {
    const adapter = new ScriptedAdapter();
    const storage = await opened(adapter);
    for (const key of ['a', 'b', 'c']) await storage.put(key, bytes, metadata);
    adapter.next('row', (proceed) => proceed()).fail('row', busy());
    const keys: string[] = [];
    for await (const row of storage.list('')) keys.push(row.key);
    expect(keys).toEqual(['a', 'b', 'c']);
    expect(storage.counters.retries).toBe(1);
  });

  test('whoever is told to come back after the deadline gives up at once, and leaves no timer behind', async () => {
    const later = () => busy({ retryAfterMs: 3_600_000 });
    const storage = await opened(new ScriptedAdapter().fail('put', later()).fail('list', later()));
    const timers = () => process.getActiveResourcesInfo().filter((name) => name === 'Timeout').length;
    const before = timers();
    await expect(storage.put('k', bytes, metadata)).rejects.toMatchObject({ code: 'unavailable' });
    await expect(Array.fromAsync(storage.list(''))).rejects.toMatchObject({ code: 'unavailable' });
    expect([storage.counters.retries, timers()]).toEqual([0, before]);
  });

  test('an abort ends the pause before the next attempt, with its reason', async () => {
    const later = () => busy({ retryAfterMs: 300_000 });
    const adapter = new ScriptedAdapter();
    const storage = await opened(adapter);
    const timers = () => process.getActiveResourcesInfo().filter((name) => name === 'Timeout').length;
    const before = timers();
    const controller = new AbortController();
    const { signal } = controller;
    const reason = new Error('The client has gone.');
    // So many that it does not count what other timers begin or end in this process meanwhile.
    const pauses = Array.from({ length: 50 }, () => {
      adapter.fail('get', later()).fail('list', later());
      return [Promise.resolve(storage.get('k', { signal })), Array.fromAsync(storage.list('', { signal }))];
    }).flat();
    await new Promise(setImmediate);
    expect(timers()).toBeGreaterThan(before + pauses.length / 2);
    controller.abort(reason);
    for (const outcome of await Promise.allSettled(pauses)) expect(outcome).toMatchObject({ reason });
    await new Promise(setImmediate);
    expect(timers()).toBeLessThan(before + pauses.length / 2);
  });
});

describe('deadlines and aborts', () => {
  const never = () => new Promise<never>(() => undefined);
  const fakeTimers = () => vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'performance'] });
  afterEach(() => {
    vi.useRealTimers();
  });

  test('an adapter that never answers is given up after the deadline', async () => {
    const storage = await opened(new ScriptedAdapter().next('get', never).next('put', never), 20);
    await expect(storage.get('k')).rejects.toMatchObject({ code: 'timeout', applied: 'no' });
    await expect(storage.put('k', bytes, metadata)).rejects.toMatchObject({ code: 'timeout', applied: 'unknown' });
  });

  test('a put of many bytes gets the time to send them, slowly', async () => {
    fakeTimers();
    const gate = Promise.withResolvers<void>();
    const adapter = new ScriptedAdapter().next('put', (proceed) => gate.promise.then(proceed)).next('put', never);
    const storage = await opened(adapter, 20);
    const large = storage.put('k', new Uint8Array(256 * 1024), metadata);
    await vi.advanceTimersByTimeAsync(999);
    gate.resolve();
    await large;
    const small = expect(storage.put('k', new Uint8Array(8 * 1024), metadata)).rejects.toMatchObject({
      code: 'timeout',
      message: 'No answer within 31 ms.',
    });
    await vi.advanceTimersByTimeAsync(31);
    await small;
  });

  test('a body that keeps coming is not cut by the deadline', async () => {
    fakeTimers();
    const adapter = new ScriptedAdapter();
    const storage = await opened(adapter, 60);
    async function* slow() {
      for (let index = 0; index < 5; index++) {
        await new Promise((resolve) => setTimeout(resolve, 59));
        yield bytes;
      }
    }
    const putting = storage.put('k', slow(), metadata);
    await vi.advanceTimersByTimeAsync(5 * 59);
    await putting;
    expect(adapter.entries.get('k')?.bytes).toHaveLength(5 * bytes.length);
  });

  test('an answer that comes too late is released, or it would keep its connection for ever', async () => {
    const gate = Promise.withResolvers<void>();
    const released = Promise.withResolvers<void>();
    const adapter = new ScriptedAdapter();
    const storage = await opened(adapter, 20);
    await storage.put('k', bytes, metadata);
    adapter.next('get', async (proceed) => {
      const outcome = (await proceed()) as object;
      await gate.promise;
      const body = new StreamedBody(
        () => once(),
        () => released.resolve(),
      );
      return { ...outcome, body };
    });
    await expect(storage.get('k')).rejects.toMatchObject({ code: 'timeout' });
    gate.resolve();
    await released.promise;
  });

  test('a timeout counts once, also where the adapter heeds its signal', async () => {
    const adapter = new ScriptedAdapter();
    adapter.put = (_key, _body, _metadata, _condition, { signal }) =>
      new Promise((_, reject) => signal.addEventListener('abort', () => reject(signal.reason)));
    const storage = await opened(adapter, 20);
    await expect(storage.put('k', bytes, metadata)).rejects.toMatchObject({ code: 'timeout' });
    await new Promise(setImmediate);
    expect(storage.counters.errors).toEqual({ timeout: 1 });
  });

  test("a body's own fault counts once", async () => {
    const storage = await opened(new ScriptedAdapter());
    await expect(storage.put('k', once(), metadata, { size: 1 })).rejects.toMatchObject({ code: 'invalid-argument' });
    expect(storage.counters.errors).toEqual({ 'invalid-argument': 1 });
  });

  test('a listing that is given up after the deadline is released when it answers', async () => {
    const gate = Promise.withResolvers<void>();
    const released = Promise.withResolvers<void>();
    const adapter = new ScriptedAdapter();
    adapter.list = async function* () {
      try {
        await gate.promise;
        yield { key: storageKey('k'), size: 0, version: undefined, modifiedAt: 0 };
      } finally {
        released.resolve();
      }
    };
    const storage = await opened(adapter, 20);
    await expect(Array.fromAsync(storage.list(''))).rejects.toMatchObject({ code: 'timeout' });
    gate.resolve();
    await released.promise;
    expect(storage.counters).toMatchObject({ retries: 0, errors: { timeout: 1 } });
  });

  test('a listing that its reader leaves is released before the reader goes on', async () => {
    const adapter = new ScriptedAdapter();
    let released = false;
    adapter.list = async function* () {
      try {
        for (;;) yield { key: storageKey('k'), size: 0, version: undefined, modifiedAt: 0 };
      } finally {
        await new Promise(setImmediate);
        released = true;
      }
    };
    for await (const _ of (await opened(adapter)).list('')) break;
    expect(released).toBe(true);
  });

  test('an abort rejects with the reason itself, also when the adapter ignores it', async () => {
    const storage = await opened(new ScriptedAdapter().next('get', never));
    const controller = new AbortController();
    const reason = new Error('The client has gone.');
    const pending = storage.get('k', { signal: controller.signal });
    controller.abort(reason);
    await expect(pending).rejects.toBe(reason);
    await expect(Promise.resolve(storage.get('k', { signal: controller.signal }))).rejects.toBe(reason);
  });
});

describe('bodies', () => {
  test("the caller's own error comes out unchanged, and nothing is stored", async () => {
    const adapter = new ScriptedAdapter();
    const storage = await opened(adapter);
    const error = new Error('The origin broke off.');
    await expect(storage.put('k', broken(error), metadata)).rejects.toBe(error);
    expect(adapter.entries.size).toBe(0);
  });

  test('it comes out even if the adapter swallowed it', async () => {
    const adapter = new ScriptedAdapter().next('put', (proceed) => proceed().catch(() => 'v0'));
    const error = new Error('The origin broke off.');
    await expect((await opened(adapter)).put('k', broken(error), metadata)).rejects.toBe(error);
  });

  test.each([bytes.length - 1, bytes.length + 1])(
    'a stream declared with %i bytes and having 7 is refused',
    async (size) => {
      const adapter = new ScriptedAdapter();
      await expect((await opened(adapter)).put('k', once(), metadata, { size })).rejects.toMatchObject({
        code: 'invalid-argument',
        message: expect.stringContaining(`declared with ${size} bytes`),
      });
      expect(adapter.entries.size).toBe(0);
    },
  );

  test('what the storage does not take is refused before a byte is sent', async () => {
    const adapter = new ScriptedAdapter({ maxObjectBytes: 3 });
    await expect((await opened(adapter)).put('k', bytes, metadata)).rejects.toMatchObject({ code: 'too-large' });
    expect(adapter.calls).toEqual(['open']);
  });

  test('a stream of unknown length is cut off as soon as it exceeds that', async () => {
    const adapter = new ScriptedAdapter({ maxObjectBytes: 2 * bytes.length - 1 });
    async function* endless() {
      for (;;) yield bytes;
    }
    await expect((await opened(adapter)).put('k', endless(), metadata)).rejects.toMatchObject({ code: 'too-large' });
    expect(adapter.entries.size).toBe(0);
  });

  test('a hit gives back bytes and record', async () => {
    const storage = await opened(new ScriptedAdapter());
    const version = await storage.put('k', once(), metadata);
    const hit = await storage.get('k');
    expect(hit).toMatchObject({ kind: 'entry', metadata, size: bytes.length, version });
    if (hit?.kind !== 'entry') throw new Error('no hit');
    expect(await collect(hit.body.stream())).toEqual(bytes);
  });
});

describe('capabilities', () => {
  test('what is not declared is refused before the adapter hears of it', async () => {
    const adapter = new ScriptedAdapter({
      conditionalCreate: false,
      conditionalReplace: false,
      conditionalMetadata: false,
      conditionalDelete: false,
    });
    const storage = await opened(adapter);
    const condition = { ifVersion: 'v1' as never };
    const unsupported = { code: 'unsupported', adapter: 'scripted' };
    await expect(Promise.resolve(storage.get('k', { range: { first: 0 } }))).rejects.toMatchObject(unsupported);
    await expect(storage.put('k', bytes, metadata, { condition: { ifAbsent: true } })).rejects.toMatchObject(
      unsupported,
    );
    await expect(storage.put('k', bytes, metadata, { condition })).rejects.toMatchObject(unsupported);
    await expect(storage.setMetadata('k', metadata, { condition })).rejects.toMatchObject(unsupported);
    await expect(storage.delete('k', { condition })).rejects.toMatchObject(unsupported);
    expect(adapter.calls).toEqual(['open']);
  });
});

describe('errors', () => {
  test('a foreign error becomes internal, with its cause', async () => {
    const cause = new TypeError('x is not a function');
    const storage = await opened(new ScriptedAdapter().fail('delete', cause));
    await expect(storage.delete('k')).rejects.toMatchObject({ code: 'internal', operation: 'delete', key: 'k', cause });
  });

  test('metadata that is not ours is corrupt', async () => {
    const adapter = new ScriptedAdapter();
    const storage = await opened(adapter);
    await storage.put('k', bytes, metadata);
    const kept = adapter.entries.get('k');
    if (kept) adapter.entries.set('k', { ...kept, metadata: { ...kept.metadata, encoded: '{"v":99}' } });
    await expect(storage.get('k')).rejects.toMatchObject({ code: 'corrupt', key: 'k' });
  });

  test('check tells what is wrong instead of throwing', async () => {
    const adapter = new ScriptedAdapter().fail(
      'open',
      new StorageError({ code: 'misconfigured', message: 'No such bucket.' }),
    );
    const storage = createStorage(adapter, { name: 'scripted' });
    expect(await storage.check()).toEqual({ ok: false, summary: 'scripted', problem: 'No such bucket.' });
  });

  test('a brand tells StorageErrors of another copy of the package', () => {
    expect(StorageError.is(busy())).toBe(true);
    expect(StorageError.is(new Error('Busy.'))).toBe(false);
    expect(StorageError.is(Object.create({ [Symbol.for('tintype.StorageError')]: true }))).toBe(true);
  });
});

async function* once() {
  yield bytes;
}

describe('when an entry is of no more use', () => {
  test('is told the adapter with every write, by what the entry says of itself', async () => {
    const adapter = new ScriptedAdapter();
    const told = () => adapter.entries.get('k')?.metadata.expiresAt;
    const expiresAt = ({ freshUntil }: EntryMetadata) => (freshUntil === 0 ? undefined : freshUntil + 7);
    const storage = createStorage(adapter, { name: 'scripted', expiresAt });
    await storage.open();
    await storage.put('k', bytes, metadata);
    expect(told()).toBe(9);
    await storage.setMetadata('k', { ...metadata, freshUntil: 10 });
    expect(told()).toBe(17);
    await storage.put('k', bytes, { ...metadata, freshUntil: 0 });
    expect(told()).toBeUndefined();
  });
});
