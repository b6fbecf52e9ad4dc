import { expect, test } from 'vitest';
import { BufferedBody, StreamedBody } from '../bodies.ts';
import type { OriginRequest } from '../contracts/origin.ts';
import { TransformError } from '../contracts/transformer.ts';
import { countOpenSpools } from './open-spools.fixture.ts';
import { scriptedProxy } from './scripted-proxy.fixture.ts';

test.each([
  ['hangs', () => new Promise<never>(() => undefined)],
  ['fails', () => Promise.reject(new Error('socket'))],
])('an answer does not depend on discarding a body that %s', async (_name, discard) => {
  const { ask } = await scriptedProxy({
    fetch: async () => ({
      status: 404,
      headers: {},
      body: Object.assign(new BufferedBody(Buffer.from('none')), { discard }),
    }),
  });
  expect((await ask('/image/o://h/x')).status).toBe(404);
});

test.runIf(process.platform === 'linux')(
  'sources that wait for a worker go to disk once they fill their memory',
  async () => {
    const openSpools = countOpenSpools();
    const gate = Promise.withResolvers<void>();
    let fetched = 0;
    const { ask } = await scriptedProxy({
      fetch: async () => {
        fetched++;
        return { status: 200, headers: {}, body: new BufferedBody(Buffer.alloc(7 * 2 ** 20)) };
      },
      transform: async () => {
        await gate.promise;
        return { body: Buffer.from('made'), contentType: 'image/png', width: 1, height: 1 };
      },
      settings: { workers: 1, memoryBudget: 1 },
    });
    const answers = Array.from({ length: 13 }, (_, index) => ask(`/image/o://h/${index}`));
    // 64 MiB hold nine; one more is with the worker.
    while (fetched < 13 || openSpools() < 3) await new Promise((resolve) => setTimeout(resolve, 10));
    gate.resolve();
    expect(new Set((await Promise.all(answers)).map(({ status }) => status))).toEqual(new Set([200]));
    while (openSpools() > 0) await new Promise((resolve) => setTimeout(resolve, 10));
  },
);

const made = { body: Buffer.from('made'), contentType: 'image/png', width: 1, height: 1 };

test.each([
  ['given away', true, async () => made, 0],
  ['kept by the origin', false, async () => made, 1_000_000],
  ['given away, but passed on as the result', true, async (input: Uint8Array) => ({ ...made, body: input }), 1_000_000],
  ['given away, but of no use', true, async () => Promise.reject(new Error('broken')), 1_000_000],
])('of a source that is %s, so many bytes are left', async (_name, expendable, transform, left) => {
  const source = Buffer.allocUnsafeSlow(1_000_000);
  const { ask } = await scriptedProxy({
    fetch: async () => ({ status: 200, headers: {}, body: new BufferedBody(source, { expendable }) }),
    transform: ({ input }) => transform(input),
  });
  await ask('/image/o://h/x');
  expect(source.length).toBe(left);
});

/** A source in a file, as its origin sees it: what becomes of it. */
function fileSource() {
  const seen: string[] = [];
  const closed = Promise.withResolvers<void>();
  const file = { path: '/proc/1/fd/7', size: 3 };
  const fetch = async (_source: string, { takesFile }: OriginRequest) => {
    seen.push(takesFile ? 'asked for a file' : 'asked for bytes');
    async function* read() {
      seen.push('read');
      yield Buffer.from('abc');
      closed.resolve();
    }
    const close = () => {
      seen.push('closed');
      closed.resolve();
    };
    return { status: 200, headers: {}, body: Object.assign(new StreamedBody(read, close), { file }) };
  };
  return { fetch, file, seen, closed: closed.promise };
}

test('a file is read by the transformer that can do so, and open until it has done with it', async () => {
  const { fetch, file, seen, closed } = fileSource();
  const { ask, events } = await scriptedProxy({
    fetch,
    transformFile: async (given) => {
      expect(given).toEqual(file);
      // A turn later, when whoever closes too early would have done so.
      await new Promise((resolve) => setImmediate(resolve));
      seen.push('made');
      return made;
    },
  });
  expect((await ask('/image/o://h/x')).status).toBe(200);
  await closed;
  expect(seen).toEqual(['asked for a file', 'made', 'closed']);
  expect(events).toContainEqual(expect.objectContaining({ type: 'downloaded', bytes: 3 }));
  expect(events).toContainEqual(expect.objectContaining({ type: 'transformed', bytesIn: 3, bytesOut: 4 }));
});

test('a file that the transformer cannot read is given to it in memory', async () => {
  const { fetch, seen } = fileSource();
  const { ask } = await scriptedProxy({
    fetch,
    transformFile: async () => undefined,
    transform: async ({ input }) => ({ ...made, body: Buffer.from(input) }),
  });
  const { status, body } = await ask('/image/o://h/x');
  expect([status, Buffer.from(body as Uint8Array).toString()]).toEqual([200, 'abc']);
  expect(seen).toEqual(['asked for a file', 'read']);
});

test('a file of which no image can be made is closed', async () => {
  const { fetch, closed, seen } = fileSource();
  const { ask } = await scriptedProxy({
    fetch,
    transformFile: () => Promise.reject(new TransformError('broken-image', 'Broken.')),
  });
  expect((await ask('/image/o://h/x')).status).toBe(422);
  await closed;
  expect(seen).toEqual(['asked for a file', 'closed']);
});

test('a file whose image nobody waits for any more stays open until the transformer has done with it', async () => {
  const { fetch, closed, seen } = fileSource();
  const begun = Promise.withResolvers<void>();
  const gate = Promise.withResolvers<void>();
  const { ask } = await scriptedProxy({
    fetch,
    transformFile: async () => {
      begun.resolve();
      await gate.promise;
      seen.push('made');
      return made;
    },
    settings: { timeout: 1 },
  });
  const answer = ask('/image/o://h/x');
  await begun.promise;
  const { status, problem } = await answer;
  expect(status).toBe(504);
  expect(problem?.cause).toMatchObject({ message: 'The image could not be made in time; try again later.' });
  gate.resolve();
  await closed;
  expect(seen).toEqual(['asked for a file', 'made', 'closed']);
});

test('a source that does not come in time is what is told of, and the log names the limit', async () => {
  const { ask } = await scriptedProxy({
    fetch: async (_source, { signal }) => {
      await new Promise((resolve) => signal.addEventListener('abort', resolve));
      throw signal.reason;
    },
    settings: { timeout: 1 },
  });
  const { status, problem } = await ask('/image/o://h/x');
  expect([status, problem?.code]).toEqual([504, 'timeout']);
  expect(problem?.cause).toMatchObject({
    message: 'The source did not come in time; try again later.',
    cause: expect.stringContaining('TINTYPE_TIMEOUT'),
  });
});

test('a file whose image finds no room in time is closed', async () => {
  const { fetch, closed, seen } = fileSource();
  const begun = Promise.withResolvers<void>();
  const gate = Promise.withResolvers<void>();
  const { ask } = await scriptedProxy({
    fetch: async (source, request) =>
      source === 'o://h/first'
        ? { status: 200, headers: {}, body: new BufferedBody(Buffer.from('x')) }
        : fetch(source, request),
    transform: async () => {
      begun.resolve();
      await gate.promise;
      return made;
    },
    transformFile: async () => made,
    settings: { workers: 1, timeout: 1 },
  });
  const first = ask('/image/o://h/first');
  await begun.promise;
  expect((await ask('/image/o://h/x')).status).toBe(503);
  await closed;
  expect(seen).toEqual(['asked for a file', 'closed']);
  gate.resolve();
  await first;
});

test('bytes are asked for where they are passed on, or the transformer takes no files', async () => {
  const { fetch, seen } = fileSource();
  const { ask } = await scriptedProxy({ fetch, transformFile: async () => made });
  await ask('/raw/o://h/x');
  const other = await scriptedProxy({ fetch });
  await other.ask('/image/o://h/x');
  expect(seen.filter((what) => what.startsWith('asked'))).toEqual(['asked for bytes', 'asked for bytes']);
});
