import { expect, test } from 'vitest';
import { collect } from '../bodies.ts';
import { Spool } from './spool.ts';

const chunk = (size: number, value: number) => new Uint8Array(size).fill(value);

test('every reader gets every byte, whenever it comes and however slow it is, from memory and from disk', async () => {
  const spool = new Spool(100);
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
  const spool = new Spool(0);
  await spool.write(chunk(200_000, 7));
  spool.end();
  const reader = spool.read();
  await spool.dispose();
  expect(() => spool.read()).toThrow(/disposed/);
  expect(await collect({ [Symbol.asyncIterator]: () => reader })).toHaveLength(200_000);
});
