import { expect, test } from 'vitest';
import { BufferedBody, StreamedBody } from '../bodies.ts';
import type { ByteStream } from '../contracts/body.ts';
import type { Origin } from '../contracts/origin.ts';
import type { GetOutcome } from '../contracts/storage-adapter.ts';
import { createStorage } from '../storage/create-storage.ts';
import { ScriptedAdapter } from '../storage/scripted-adapter.fixture.ts';
import { withBreaker } from '../storage/with-breaker.ts';
import { scriptedProxy } from './scripted-proxy.fixture.ts';
import { READ_WHOLE_BYTES } from './whole-body.ts';

const fetch: Origin['fetch'] = async () => ({
  status: 200,
  headers: { 'content-type': 'image/png', 'cache-control': 'max-age=600' },
  body: new BufferedBody(Buffer.from('source')),
});

/** A storage that reads each entry into memory of its own, as one on a disk does, if `expendable`. */
async function givingAway(expendable: boolean, settings: Readonly<Record<string, unknown>> = {}) {
  const adapter = new ScriptedAdapter();
  const storage = createStorage(adapter, { name: 'scripted' });
  const { ask, events } = await scriptedProxy({ fetch, storage, settings });
  const again = async () => {
    adapter.next('get', async (proceed) => {
      const outcome = (await proceed()) as GetOutcome;
      if (outcome?.kind !== 'entry') return outcome;
      const own = Buffer.from(await outcome.body.bytes());
      return { ...outcome, body: new BufferedBody(own, { expendable }) };
    });
    return ask('/image/o://h/x');
  };
  const made = await ask('/image/o://h/x');
  while (!events.some(({ type }) => type === 'stored')) await new Promise((resolve) => setImmediate(resolve));
  return { made, again };
}

test('what was just made is not given away: the storage may not have it yet', async () => {
  const { made } = await givingAway(true);
  expect(made.expendable ?? false).toBe(false);
});

test('a hit may be freed by whoever sends it if the storage has given it away', async () => {
  const { again } = await givingAway(true);
  const hit = await again();
  expect([hit.cache.kind, hit.expendable, String(hit.body)]).toEqual(['hit', true, 'made']);
});

test('a hit may not be freed if the storage keeps it', async () => {
  const { again } = await givingAway(false);
  const hit = await again();
  expect([hit.cache.kind, hit.expendable, String(hit.body)]).toEqual(['hit', false, 'made']);
});

test('a hit may not be freed where a refresh ahead of time may need it', async () => {
  const { again } = await givingAway(true, { earlyRefresh: 1 });
  const hit = await again();
  expect([hit.cache.kind, hit.expendable]).toEqual(['hit', false]);
});

test('the chunks of a large hit go back to the storage that they came from, also through its breaker', async () => {
  const adapter = new ScriptedAdapter({ maxObjectBytes: 100_000_000 });
  const broken = withBreaker(adapter, { readDeadlineMs: 600_000, onChange: () => undefined });
  const large = { body: Buffer.alloc(2 * READ_WHOLE_BYTES, 7), contentType: 'image/png', width: 1, height: 1 };
  const { ask, events } = await scriptedProxy({
    fetch,
    transform: async () => large,
    storage: createStorage(broken, { name: 'scripted' }),
  });
  await ask('/image/o://h/x');
  while (!events.some(({ type }) => type === 'stored')) await new Promise((resolve) => setImmediate(resolve));
  const chunks = [large.body.subarray(0, READ_WHOLE_BYTES), large.body.subarray(READ_WHOLE_BYTES)];
  const back: Uint8Array[] = [];
  adapter.next('get', async (proceed) => {
    const outcome = (await proceed()) as GetOutcome;
    if (outcome?.kind !== 'entry') return outcome;
    const source: ByteStream = {
      async *[Symbol.asyncIterator]() {
        yield* chunks;
      },
      recycle: (chunk) => void back.push(chunk),
    };
    const body = new StreamedBody(
      () => source,
      () => undefined,
    );
    return { ...outcome, body };
  });
  const { cache, body } = await ask('/image/o://h/x');
  const stream = body as ByteStream;
  for await (const chunk of stream) stream.recycle?.(chunk);
  expect([cache.kind, back.length, back[0] === chunks[0], back[1] === chunks[1]]).toEqual(['hit', 2, true, true]);
});
