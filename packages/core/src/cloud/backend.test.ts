import { describe, expect, test } from 'vitest';
import { StorageError } from '../contracts/storage-error.ts';
import { Backend } from './backend.ts';

const { signal } = new AbortController();

/** A backend that can be reached while `usable` says so, and the connections that were made to it. */
function backendOf(state: { usable: boolean }) {
  const connections: { closed: number }[] = [];
  const backend = new Backend({
    async connect() {
      const connection = {
        closed: 0,
        close() {
          connection.closed++;
        },
      };
      connections.push(connection);
      return connection;
    },
    async reach() {
      if (!state.usable) throw new Error('no such bucket');
    },
    failure: (error) =>
      StorageError.is(error) ? error : new StorageError({ code: 'misconfigured', message: `${error}` }),
  });
  return { backend, connections };
}

test('there is no connection before it has been opened', () => {
  const { backend, connections } = backendOf({ usable: true });
  expect(() => backend.connection).toThrow(expect.objectContaining({ code: 'closed' }));
  expect(connections).toEqual([]);
});

test('what is opened is checked and closed by one connection', async () => {
  const { backend, connections } = backendOf({ usable: true });
  await backend.open(signal);
  expect(await backend.check('bucket photos', signal)).toEqual({ ok: true, summary: 'bucket photos' });
  await backend.close();
  expect(connections).toEqual([{ closed: 1, close: expect.any(Function) }]);
});

describe('a connection that is of no use is closed', () => {
  test('where the backend cannot be reached', async () => {
    const { backend, connections } = backendOf({ usable: false });
    await expect(backend.open(signal)).rejects.toMatchObject({ code: 'misconfigured' });
    expect(connections.map(({ closed }) => closed)).toEqual([1]);
  });

  test('where what comes after that fails', async () => {
    const { backend, connections } = backendOf({ usable: true });
    const prepare = () => Promise.reject(new Error('a probe failed'));
    await expect(backend.open(signal, prepare)).rejects.toMatchObject({ message: 'Error: a probe failed' });
    expect(connections.map(({ closed }) => closed)).toEqual([1]);
    expect(() => backend.connection).toThrow();
  });
});

test('what could not be opened is asked for what it failed of, and can be opened later', async () => {
  const state = { usable: false };
  const { backend, connections } = backendOf(state);
  await backend.open(signal).catch(() => undefined);
  expect(await backend.check('photos', signal)).toEqual({
    ok: false,
    summary: 'photos',
    problem: 'Error: no such bucket',
  });
  state.usable = true;
  expect(await backend.check('photos', signal)).toEqual({ ok: true, summary: 'photos' });
  expect(connections.map(({ closed }) => closed)).toEqual([1, 1, 1]);
  await backend.open(signal);
  expect(backend.connection).toBe(connections[3]);
});

test('what could not be prepared is prepared again by check, which says why it cannot be', async () => {
  const { backend, connections } = backendOf({ usable: true });
  let ready = false;
  const prepare = async () => {
    if (!ready) throw new Error('a probe failed');
  };
  await backend.open(signal, prepare).catch(() => undefined);
  const problem = 'Error: a probe failed';
  expect(await backend.check('photos', signal)).toEqual({ ok: false, summary: 'photos', problem });
  ready = true;
  expect(await backend.check('photos', signal)).toEqual({ ok: true, summary: 'photos' });
  expect(connections.map(({ closed }) => closed)).toEqual([1, 1, 1]);
});

test('who is given up is not connected', async () => {
  const { backend, connections } = backendOf({ usable: true });
  const reason = new Error('gone');
  await expect(backend.open(AbortSignal.abort(reason))).rejects.toBe(reason);
  expect(connections).toEqual([]);
});
