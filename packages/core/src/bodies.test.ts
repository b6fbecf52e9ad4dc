import { expect, test } from 'vitest';
import { BufferedBody, collect, freeExpendable, freeIfWhole, passingBack, StreamedBody } from './bodies.ts';

const bytes = (...values: number[]) => Uint8Array.from(values);

function streamed(
  open = async function* () {
    yield bytes(1, 2);
    yield bytes(3);
  },
) {
  const log: string[] = [];
  const body = new StreamedBody(
    () => {
      log.push('opened');
      return open();
    },
    () => void log.push('released'),
  );
  return { body, log };
}

test('a body is consumed once', async () => {
  for (const make of [() => new BufferedBody(bytes(1)), () => streamed().body]) {
    const body = make();
    await body.bytes();
    expect(() => body.stream()).toThrow('already consumed');
    await body.discard();
  }
});

test('a stream that was read to its end needs no release', async () => {
  const { body, log } = streamed();
  expect(await body.bytes()).toEqual(bytes(1, 2, 3));
  await body.discard();
  expect(log).toEqual(['opened']);
});

test('discarding an unread body releases it without opening it', async () => {
  const { body, log } = streamed();
  await body.discard();
  await body.discard();
  expect(log).toEqual(['released']);
});

test('giving up a stream releases it: after some chunks, before the first, and after a failure', async () => {
  const early = streamed();
  for await (const _chunk of early.body.stream()) break;
  expect(early.log).toEqual(['opened', 'released']);

  const unstarted = streamed();
  await unstarted.body.stream()[Symbol.asyncIterator]().return?.();
  expect(unstarted.log).toEqual(['released']);

  // biome-ignore lint/correctness/useYield: it fails before its first chunk.
  const broken = streamed(async function* () {
    throw new Error('cut');
  });
  await expect(collect(broken.body.stream())).rejects.toThrow('cut');
  expect(broken.log).toEqual(['opened', 'released']);
});

test('what was freed already is left alone', () => {
  const freed = Buffer.allocUnsafeSlow(10);
  for (const free of [freeIfWhole, freeIfWhole, freeExpendable]) free(freed);
  expect(freed).toHaveLength(0);
});

test('what its receiver gives back goes to the stream that it came from', async () => {
  const back: Uint8Array[] = [];
  async function* two() {
    yield bytes(1);
    yield bytes(2);
  }
  const source = { [Symbol.asyncIterator]: two, recycle: (chunk: Uint8Array) => void back.push(chunk) };
  const body = new StreamedBody(
    () => passingBack(two(), () => source),
    () => undefined,
  );
  const stream = body.stream();
  for await (const chunk of stream) if (chunk[0] === 2) stream.recycle?.(chunk);
  expect(back).toEqual([bytes(2)]);
  // One that takes nothing back.
  const { body: plain } = streamed();
  const chunks = plain.stream();
  for await (const chunk of chunks) chunks.recycle?.(chunk);
});

test('one chunk is handed on as it is, none is an empty array', async () => {
  const chunk = bytes(1);
  async function* of(...chunks: Uint8Array[]) {
    yield* chunks;
  }
  expect(await collect(of(chunk))).toBe(chunk);
  expect(await collect(of())).toEqual(bytes());
});

test('bytes are freed unless they share their memory with others', () => {
  const alone = Buffer.allocUnsafeSlow(100);
  freeIfWhole(alone);
  expect(alone.length).toBe(0);
  const all = new Uint8Array(100);
  const part = all.subarray(10, 20);
  freeIfWhole(part);
  expect([all.length, part.length]).toEqual([100, 10]);
});

test('what is expendable is freed with all of its memory', () => {
  const all = Buffer.allocUnsafeSlow(100);
  const part = all.subarray(10, 20);
  freeExpendable(part);
  expect([all.length, part.length]).toEqual([0, 0]);
  freeExpendable(part);
});

test('memory that cannot be freed stays as it is', () => {
  const shared = new Uint8Array(new SharedArrayBuffer(8));
  freeExpendable(shared);
  expect(shared.length).toBe(8);
});
