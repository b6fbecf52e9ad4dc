import { expect, onTestFinished, test } from 'vitest';
import { BufferedBody, collect, StreamedBody } from '../bodies.ts';
import type { ByteStream } from '../contracts/body.ts';
import type { Origin } from '../contracts/origin.ts';
import type { ProxyResponse } from '../contracts/proxy.ts';
import type { CacheStorage } from '../contracts/storage.ts';
import { createStorage } from '../storage/create-storage.ts';
import { ScriptedAdapter } from '../storage/scripted-adapter.fixture.ts';
import { scriptedProxy, scriptedSource } from './scripted-proxy.fixture.ts';

const BYTE = new Uint8Array(1);

/** A reader that has had its first byte. */
async function reader({ body }: ProxyResponse): Promise<AsyncIterator<Uint8Array>> {
  const iterator = (body as ByteStream)[Symbol.asyncIterator]();
  await iterator.next();
  return iterator;
}

async function storage(): Promise<{ readonly storage: CacheStorage; readonly adapter: ScriptedAdapter }> {
  const adapter = new ScriptedAdapter();
  return { adapter, storage: createStorage(adapter, { name: 'scripted' }) };
}

test('that nobody reads any more, and nobody will store, is not fetched to its end', async () => {
  const source = scriptedSource();
  const { ask } = await scriptedProxy({ fetch: source.fetch });
  const [first, second] = [await ask('/raw/o://h/x'), await ask('/raw/o://h/x')];
  void source.send(BYTE);
  const readers = [await reader(first), await reader(second)] as const;
  await readers[0].return?.();
  await source.send(BYTE);
  expect((await readers[1].next()).value).toEqual(BYTE);
  await readers[1].return?.();
  await source.givenUp;
});

test('whoever comes after it was given up gets all of it from anew', async () => {
  const sources = [scriptedSource(), scriptedSource()] as const;
  let fetched = 0;
  const { ask } = await scriptedProxy({ fetch: (...args) => (sources[fetched++] ?? sources[1]).fetch(...args) });
  void sources[0].send(BYTE);
  await (await reader(await ask('/raw/o://h/x'))).return?.();
  await sources[0].givenUp;
  void sources[1].send(new Uint8Array(7));
  sources[1].end();
  expect(await collect((await ask('/raw/o://h/x')).body as ByteStream)).toHaveLength(7);
});

test('that only its header was wanted of is not fetched', async () => {
  const source = scriptedSource();
  const { ask } = await scriptedProxy({ fetch: source.fetch });
  expect((await ask('/raw/o://h/x', { method: 'HEAD' })).status).toBe(200);
  await source.givenUp;
});

test('that the storage will take is fetched to its end for those who come next', async () => {
  const source = scriptedSource();
  const parts = await storage();
  const { ask, proxy, events } = await scriptedProxy({ fetch: source.fetch, storage: parts.storage });
  void source.send(BYTE);
  await (await reader(await ask('/raw/o://h/x'))).return?.();
  // It would have been given up by then.
  for (let turn = 0; turn < 3; turn++) await new Promise(setImmediate);
  await source.send(BYTE);
  source.end();
  await proxy.close();
  expect(events).toContainEqual(expect.objectContaining({ type: 'stored', bytes: 2 }));
});

/** Reads all of a stream, and gives each chunk back as soon as it was copied. Notes whose memory they had. */
async function readGivingBack(stream: ByteStream, buffers: Set<ArrayBufferLike>): Promise<Buffer> {
  const copies: Buffer[] = [];
  for await (const chunk of stream) {
    buffers.add(chunk.buffer);
    copies.push(Buffer.from(chunk));
    stream.recycle?.(chunk);
  }
  return Buffer.concat(copies);
}

test('takes the memory of a mebibyte and a few chunks, where its reader and the storage give back what they are done with', async () => {
  const CHUNK = 65_536;
  const all = Buffer.concat(Array.from({ length: 64 }, (_, index) => new Uint8Array(CHUNK).fill(index + 1)));
  let back = 0;
  const chunks = (function* () {
    for (let at = 0; at < all.length; at += CHUNK) yield Buffer.from(all.subarray(at, at + CHUNK));
  })();
  const source: ByteStream = {
    [Symbol.asyncIterator]: () => ({ next: async () => chunks.next() }),
    recycle(chunk) {
      back++;
      chunk.fill(0);
    },
  };
  const stored = new Set<ArrayBufferLike>();
  const adapter = new ScriptedAdapter({ maxObjectBytes: 100_000_000 });
  const { put } = adapter;
  adapter.put = async (key, body, ...rest) => {
    const bytes = await readGivingBack(body.stream(), stored);
    return put(key, { ...body, bytes, stream: () => new BufferedBody(bytes).stream() }, ...rest);
  };
  const { ask, proxy } = await scriptedProxy({
    fetch: async () => ({
      status: 200,
      headers: { 'content-type': 'image/png' },
      body: new StreamedBody(
        () => source,
        () => undefined,
      ),
    }),
    storage: createStorage(adapter, { name: 'scripted' }),
  });
  const sent = new Set<ArrayBufferLike>();
  const answer = (await ask('/raw/o://h/x')).body as ByteStream;
  expect((await readGivingBack(answer, sent)).equals(all)).toBe(true);
  await proxy.close();
  expect([...adapter.entries.values()].map(({ bytes }) => Buffer.compare(bytes, all))).toEqual([0]);
  // Those in memory are everybody's; the memory of all the others was taken back.
  const kept = 64 - back;
  expect(kept).toBeLessThanOrEqual(16);
  const stillThere = [sent, stored].map((buffers) => [...buffers].filter(({ byteLength }) => byteLength > 0).length);
  expect(stillThere).toEqual([kept, kept]);
});

test('that the storage would not take is not: it is no image', async () => {
  const source = scriptedSource('text/html');
  const parts = await storage();
  const { ask } = await scriptedProxy({ fetch: source.fetch, storage: parts.storage });
  void source.send(BYTE);
  await (await reader(await ask('/raw/o://h/x'))).return?.();
  await source.givenUp;
  expect(parts.adapter.calls).not.toContain('put');
});

test.each([
  ['stops when told', false],
  ['does not hear', true],
])(
  'that comes a byte now and then is cut off, and its host free for others, even where the source %s',
  async (_name, isDeaf) => {
    const source = scriptedSource('image/png', isDeaf);
    const quick: Origin['fetch'] = async () => ({
      status: 200,
      headers: {},
      body: new StreamedBody(
        async function* () {
          yield BYTE;
        },
        () => undefined,
      ),
    });
    const parts = await storage();
    const { ask } = await scriptedProxy({
      fetch: (address, request) => (address.endsWith('slow') ? source : { fetch: quick }).fetch(address, request),
      storage: parts.storage,
      settings: { timeout: 0.2, maxDownloadsPerHost: 1 },
    });
    const trickle = setInterval(() => void source.send(BYTE), 50);
    onTestFinished(() => clearInterval(trickle));
    const slow = await ask('/raw/o://h/slow');
    await expect(collect(slow.body as ByteStream)).rejects.toMatchObject({ code: 'timeout' });
    await source.givenUp;
    expect((await ask('/image/o://h/quick')).status).toBe(200);
  },
);

test('takes none of the places where images are made', async () => {
  const source = scriptedSource();
  const { ask } = await scriptedProxy({
    fetch: (address, request) => (address.includes('slow') ? scriptedSource() : source).fetch(address, request),
    settings: { workers: 1, requestsQueueSize: 1 },
  });
  const slow = [await ask('/raw/o://slow/1'), await ask('/raw/o://slow/2')];
  expect((await ask('/raw/o://slow/3')).status).toBe(503);
  void source.send(BYTE);
  source.end();
  expect((await ask('/image/o://h/x')).status).toBe(200);
  for (const { body } of slow) await (body as ByteStream)[Symbol.asyncIterator]().return?.();
});

test('that goes on and on keeps nobody from closing', async () => {
  const parts = await storage();
  let givenUp = false;
  const { ask, proxy } = await scriptedProxy({
    fetch: async () => ({
      status: 200,
      headers: { 'content-type': 'image/png' },
      body: new StreamedBody(
        async function* () {
          for (;;) {
            yield new Uint8Array(32 * 1024);
            await new Promise((resolve) => setTimeout(resolve, 20));
          }
        },
        () => {
          givenUp = true;
        },
      ),
    }),
    storage: parts.storage,
    settings: { timeout: 0.2 },
  });
  const reading = reader(await ask('/raw/o://h/x'));
  await (await reading).return?.();
  await proxy.close();
  expect(givenUp).toBe(true);
});
