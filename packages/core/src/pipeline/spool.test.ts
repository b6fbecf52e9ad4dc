import { describe, expect, test } from 'vitest';
import { collect } from '../bodies.ts';
import { countOpenSpools } from './open-spools.fixture.ts';
import { Spool } from './spool.ts';
import { SpoolMemory, spoolShareOf } from './spool-memory.ts';

const chunk = (size: number, value: number) => new Uint8Array(size).fill(value);

test('every reader gets every byte, whenever it comes and however slow it is, from memory and from disk', async () => {
  const spool = new Spool({ memoryBytes: 400 });
  const early = collect(spool.read());
  const slow = spool.read();
  await spool.write(chunk(60, 1));
  expect((await slow.next()).value).toEqual(chunk(60, 1));
  await spool.write(chunk(60, 2));
  await spool.write(chunk(100_000, 3));
  spool.end();
  const late = collect(spool.read());
  const all = Buffer.concat([chunk(60, 1), chunk(60, 2), chunk(100_000, 3)]);
  expect(Buffer.from(await early).equals(all)).toBe(true);
  expect(Buffer.from(await late).equals(all)).toBe(true);
  expect(Buffer.from(await spool.bytes()).equals(all)).toBe(true);
  const rest = await Array.fromAsync(slow);
  expect(Buffer.concat(rest).equals(all.subarray(60))).toBe(true);
  await spool.dispose();
});

/** How many of them have kept their memory. */
const stillThere = (buffers: Set<ArrayBufferLike>) => [...buffers].filter(({ byteLength }) => byteLength > 0).length;

test('a reader that gives back what it is done with reads into the same memory; one that does not, loses nothing', async () => {
  const spool = new Spool({ memoryBytes: 100_000 });
  const kept = await Promise.all([spool.write(chunk(1_000, 1))]);
  for (let value = 2; value < 30; value++) kept.push(await spool.write(chunk(90_000, value)));
  spool.end();
  // The writer has the memory of the others again.
  expect(kept).toEqual([true, true, ...Array(27).fill(false)]);
  const [giving, keeping, other] = [spool.read(), spool.read(), spool.read()];
  const all = await Array.fromAsync(keeping);
  const buffers = new Set<ArrayBufferLike>();
  let offset = 0;
  for await (const piece of giving) {
    buffers.add(piece.buffer);
    expect(Buffer.compare(piece, Buffer.concat(all).subarray(offset, offset + piece.length))).toBe(0);
    offset += piece.length;
    giving.recycle(piece);
  }
  // Two of them are everybody's; the memory of all the others was taken back.
  expect([offset, buffers.size, stillThere(buffers)]).toEqual([spool.size, all.length, 2]);
  expect(Buffer.from(await collect(other)).equals(Buffer.concat(all))).toBe(true);
  expect(new Set(all.map(({ buffer }) => buffer)).size).toBe(all.length);
  await spool.dispose();
});

test('a failure reaches each reader after the bytes that came', async () => {
  const spool = new Spool();
  const error = new Error('cut');
  await spool.write(chunk(1, 1));
  const waiting = spool.read();
  await waiting.next();
  const pending = waiting.next();
  spool.fail(error);
  await expect(pending).rejects.toBe(error);
  const late = spool.read();
  expect((await late.next()).value).toEqual(chunk(1, 1));
  await expect(late.next()).rejects.toBe(error);
});

test('the file stays for readers that began before it was disposed of, and for nobody else', async () => {
  const spool = new Spool({ memoryBytes: 0 });
  await spool.write(chunk(200_000, 7));
  spool.end();
  const reader = spool.read();
  await spool.dispose();
  expect(() => spool.read()).toThrow(/disposed/);
  expect(await collect({ [Symbol.asyncIterator]: () => reader })).toHaveLength(200_000);
});

test.runIf(process.platform === 'linux').each([1, 2])(
  'disposed of during disk write %i it refuses the write, and leaves no file open',
  async (count) => {
    const openSpools = countOpenSpools();
    const spool = new Spool({ memoryBytes: 0 });
    for (let index = 1; index < count; index++) await spool.write(chunk(10, 1));
    const writing = spool.write(chunk(10, 1));
    const disposed = spool.dispose();
    await expect(writing).rejects.toThrow();
    await disposed;
    await expect(spool.write(chunk(10, 1))).rejects.toThrow(/disposed/);
    expect(openSpools()).toBe(0);
  },
);

test('one that was disposed of goes on for the readers it has', async () => {
  const spool = new Spool({ memoryBytes: 0 });
  const reading = collect(spool.read());
  await spool.dispose();
  await spool.write(chunk(10, 1));
  spool.end();
  expect(await reading).toHaveLength(10);
});

test('spools share their memory: what does not fit goes to disk, and is given back with the last reader', async () => {
  const memory = new SpoolMemory(100_000);
  const first = new Spool({ memory });
  await first.write(chunk(90_000, 1));
  const used = memory.used;
  expect(used).toBeGreaterThanOrEqual(90_000);
  const second = new Spool({ memory });
  await second.write(chunk(90_000, 2));
  second.end();
  expect(memory.used).toBe(used);
  expect(await second.bytes()).toEqual(Buffer.from(chunk(90_000, 2)));
  const reader = first.read();
  await first.dispose();
  expect(memory.used).toBe(used);
  await reader.return();
  await second.dispose();
  await first.dispose();
  expect(memory.used).toBe(0);
});

test('many small chunks count for what they take', async () => {
  const memory = new SpoolMemory(100_000);
  const spool = new Spool({ memory });
  for (let index = 0; index < 1_000; index++) await spool.write(chunk(1, index));
  expect(memory.used).toBeGreaterThan(90_000);
  spool.end();
  expect(await spool.bytes()).toHaveLength(1_000);
  await spool.dispose();
});

test('a reader that is given up while it waits for more ends', async () => {
  const spool = new Spool();
  const reader = spool.read();
  const pending = reader.next();
  await reader.return();
  expect(await pending).toEqual({ done: true, value: undefined });
});

test('a reader leaves with its signal, while it waits for more or before it has begun', async () => {
  const spool = new Spool();
  const client = new AbortController();
  const pending = spool.read(client.signal).next();
  const reason = new Error('gone');
  client.abort(reason);
  await expect(pending).rejects.toBe(reason);
  await expect(spool.read(client.signal).next()).rejects.toBe(reason);
  expect(spool.readers).toBe(0);
});

test('tells when its last reader has gone', async () => {
  let times = 0;
  const spool = new Spool({ onUnread: () => times++ });
  const [first, second] = [spool.read(), spool.read()];
  await first.return();
  await first.return();
  expect([times, spool.readers]).toEqual([0, 1]);
  await second.return();
  expect([times, spool.readers]).toEqual([1, 0]);
});

test.each([
  [0, 64],
  [64, 64],
  [4_096, 1_024],
  [Number.POSITIVE_INFINITY, Number.POSITIVE_INFINITY],
])('beside transforms of %d MiB spools may take %d MiB', (budget, expected) => {
  const memory = new SpoolMemory(spoolShareOf(budget * 2 ** 20));
  expect(memory.take(expected * 2 ** 20)).toBe(true);
  expect(memory.take(1)).toBe(expected === Number.POSITIVE_INFINITY);
});

describe('a spool that only follows its readers', () => {
  const MIB = 1024 * 1024;

  test('lets its writer wait for the slowest of them, which all get every byte', async () => {
    const spool = new Spool({ memoryBytes: 400 });
    await spool.write(chunk(60, 1));
    await spool.write(chunk(100_000, 2));
    const [fast, slow] = [spool.read(), spool.read()];
    const all = collect(fast);
    spool.follow();
    await spool.write(chunk(600_000, 3));
    let isWritten = false;
    const writing = spool.write(chunk(600_000, 4)).then(() => {
      isWritten = true;
    });
    // However long it is given: nothing but its reader lets it in.
    for (let turn = 0; turn < 20; turn++) await new Promise((resolve) => setImmediate(resolve));
    expect(isWritten).toBe(false);
    expect(spool.heldMs).toBeGreaterThan(0);
    const rest = collect(slow);
    await writing;
    spool.end();
    const expected = Buffer.concat([chunk(60, 1), chunk(100_000, 2), chunk(600_000, 3), chunk(600_000, 4)]);
    expect(Buffer.from(await all).equals(expected)).toBe(true);
    expect(Buffer.from(await rest).equals(expected)).toBe(true);
    await spool.dispose();
  });

  test('loses no byte that was on its way to the file', async () => {
    const spool = new Spool({ memoryBytes: 400 });
    await spool.write(chunk(60, 1));
    await spool.write(chunk(100_000, 2));
    const all = collect(spool.read());
    const onItsWay = spool.write(chunk(100_000, 3));
    spool.follow();
    expect(() => spool.read()).toThrow('may be gone');
    await onItsWay;
    await spool.write(chunk(100_000, 4));
    spool.end();
    const expected = Buffer.concat([chunk(60, 1), chunk(100_000, 2), chunk(100_000, 3), chunk(100_000, 4)]);
    expect(Buffer.from(await all).equals(expected)).toBe(true);
    await spool.dispose();
  });

  test('takes whatever comes once nobody reads it, and keeps nothing', async () => {
    const spool = new Spool();
    const reader = spool.read();
    spool.follow();
    await spool.write(chunk(2 * MIB, 1));
    const held = spool.write(chunk(MIB, 2));
    await reader.return();
    await held;
    for (let time = 0; time < 100; time++) await spool.write(chunk(MIB, 3));
    expect(() => spool.read()).toThrow('may be gone');
    await spool.dispose();
  });

  test('tells its writer when it fails meanwhile', async () => {
    const spool = new Spool();
    const reader = spool.read();
    spool.follow();
    await spool.write(chunk(2 * MIB, 1));
    const held = spool.write(chunk(1, 2));
    spool.fail(new Error('cut'));
    await expect(held).rejects.toThrow('takes no more bytes');
    await reader.next();
    await expect(reader.next()).rejects.toThrow('cut');
    await spool.dispose();
  });
});
