import { expect, onTestFinished, test, vi } from 'vitest';
import { BufferedBody, StreamedBody } from '../bodies.ts';
import type { OperationContext, PutBody, Version } from '../contracts/storage-adapter.ts';
import { StorageError } from '../contracts/storage-error.ts';
import { storageKey } from '../contracts/storage-key.ts';
import { ScriptedAdapter } from './scripted-adapter.fixture.ts';
import { withBreaker } from './with-breaker.ts';

const KEY = storageKey('a/b');
const HUNG = new Promise<never>(() => undefined);

function body(text: string): PutBody {
  const bytes = new TextEncoder().encode(text);
  return { bytes, size: bytes.length, replayable: true, stream: () => new BufferedBody(bytes).stream() };
}

function setUp() {
  let now = 0;
  const changes: string[] = [];
  const adapter = new ScriptedAdapter();
  const storage = withBreaker(adapter, {
    readDeadlineMs: 250,
    now: () => now,
    onChange: (...change) => changes.push(change.filter((part) => part !== undefined).join(' ')),
  });
  const context: OperationContext = { signal: new AbortController().signal };
  const get = async () => storage.get(KEY, undefined, context);
  const put = (signal = context.signal) => storage.put(KEY, body('x'), META, undefined, { signal });
  return {
    adapter,
    changes,
    get,
    put,
    storage,
    calls: (operation: string) => adapter.calls.filter((call) => call === operation).length,
    later(ms: number) {
      now += ms;
    },
  };
}

const META = { encoded: '{}', contentType: 'image/png' };
const DOWN = new StorageError({ code: 'unavailable', message: 'Down.' });
const FULL = new StorageError({ code: 'no-space', message: 'Full.' });
const PAUSED = { code: 'unavailable', retryable: false };

test('reads that hang, even for ever, pause it once they are overdue; then nothing is asked any more', async () => {
  const { adapter, changes, get, put, calls, later } = setUp();
  for (let index = 0; index < 5; index++) {
    adapter.next('get', () => HUNG);
    void get();
  }
  later(249);
  await get();
  expect(changes).toEqual([]);
  later(1);
  await get();
  await expect.poll(() => changes).toEqual(['reads paused timeout']);
  await expect(get()).rejects.toMatchObject(PAUSED);
  await expect(put()).rejects.toMatchObject(PAUSED);
  expect([calls('get'), calls('put')]).toEqual([7, 0]);
});

test('reads that end in the moment in which they seem late do not count: the process itself may have stood still', async () => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'performance'] });
  onTestFinished(() => {
    vi.useRealTimers();
  });
  const { adapter, changes, get, later } = setUp();
  const gate = Promise.withResolvers<undefined>();
  for (let index = 0; index < 20; index++) {
    adapter.next('get', () => gate.promise);
    void get();
  }
  later(1_000);
  await get();
  await vi.advanceTimersByTimeAsync(49);
  gate.resolve(undefined);
  await vi.advanceTimersByTimeAsync(1_000);
  expect(changes).toEqual([]);
});

test('a probe costs its caller no wait, and its success lets everything through again', async () => {
  const { adapter, changes, get, put, later } = setUp();
  for (let index = 0; index < 5; index++) adapter.fail('get', DOWN);
  for (let index = 0; index < 5; index++) await expect(get()).rejects.toThrow('Down.');
  later(1_000);
  const gate = Promise.withResolvers<undefined>();
  adapter.next('get', () => gate.promise);
  await expect(get()).rejects.toMatchObject(PAUSED);
  gate.resolve(undefined);
  await new Promise(setImmediate);
  expect(changes).toEqual(['reads paused unavailable', 'reads working']);
  await put();
  expect(await get()).toMatchObject({ kind: 'entry' });
});

test('a full storage is read and not written for half a minute', async () => {
  const { adapter, changes, get, put, calls, later } = setUp();
  await put();
  adapter.fail('put', FULL);
  await expect(put()).rejects.toThrow('Full.');
  later(29_999);
  await expect(put()).rejects.toMatchObject(PAUSED);
  expect(await get()).toMatchObject({ kind: 'entry' });
  later(1);
  await put();
  expect([changes, calls('put')]).toEqual([['writes paused no-space', 'writes working'], 3]);
});

test('puts that hang and ignore their abort count when the deadline aborts them', async () => {
  const { adapter, changes, put } = setUp();
  for (let index = 0; index < 5; index++) {
    adapter.next('put', () => HUNG);
    const deadline = new AbortController();
    void put(deadline.signal);
    deadline.abort(new StorageError({ code: 'timeout', message: 'No answer.' }));
  }
  expect(changes).toEqual(['writes paused timeout']);
});

test('what says nothing about the storage does not count: clients that leave, sources that break, damaged entries', async () => {
  const { adapter, changes, storage, get } = setUp();
  for (let index = 0; index < 30; index++) {
    const client = new AbortController();
    client.abort(new Error('gone'));
    adapter.fail('get', client.signal.reason);
    await expect(async () => storage.get(KEY, undefined, client)).rejects.toThrow('gone');
    adapter.fail('get', new StorageError({ code: 'corrupt', message: 'Damaged.' }));
    await expect(get()).rejects.toThrow('Damaged.');
    const broken: PutBody = { ...body(''), bytes: undefined, size: undefined };
    adapter.fail('put', new Error('source broke off'));
    const signal = new AbortController().signal;
    await expect(storage.put(KEY, broken, META, undefined, { signal })).rejects.toThrow('broke off');
  }
  expect(changes).toEqual([]);
});

test('errors that are not storage errors count all the same', async () => {
  const { adapter, changes, get } = setUp();
  for (let index = 0; index < 5; index++) {
    adapter.fail('get', new TypeError('undefined is not a function'));
    await expect(get()).rejects.toThrow(TypeError);
  }
  expect(changes).toEqual(['reads paused internal']);
});

test('a body that hangs on the way counts', async () => {
  const { adapter, changes, get, later } = setUp();
  for (let index = 0; index < 5; index++) {
    adapter.next('get', async () => ({
      kind: 'entry',
      metadata: META,
      size: 3,
      version: 'v' as Version,
      range: undefined,
      body: new StreamedBody(
        () => ({ [Symbol.asyncIterator]: () => ({ next: () => HUNG }) }),
        async () => undefined,
      ),
    }));
    const found = await get();
    if (found?.kind === 'entry') void found.body.stream()[Symbol.asyncIterator]().next();
  }
  later(250);
  await get();
  await expect.poll(() => changes).toEqual(['reads paused timeout']);
  await expect(get()).rejects.toMatchObject(PAUSED);
});

test('answers that need no promise pass untouched, and do not make up for failures behind them', async () => {
  const adapter = new ScriptedAdapter();
  const changes: string[] = [];
  let inMemory = true;
  const entry = { kind: 'entry', body: new BufferedBody(new Uint8Array(1)) };
  const storage = withBreaker(
    Object.assign(Object.create(adapter), { get: () => (inMemory ? entry : Promise.reject(DOWN)) }),
    { readDeadlineMs: 250, onChange: (access, state) => changes.push(`${access} ${state}`) },
  );
  const context: OperationContext = { signal: new AbortController().signal };
  for (let index = 0; index < 5; index++) {
    inMemory = true;
    expect(storage.get(KEY, undefined, context)).toBe(entry);
    inMemory = false;
    await expect(storage.get(KEY, undefined, context)).rejects.toThrow('Down.');
  }
  expect(changes).toEqual(['reads paused']);
});
