import { Readable } from 'node:stream';
import { expect, test } from 'vitest';
import type { Version } from '../contracts/storage-adapter.ts';
import { foundEntry } from './found-entry.ts';

const failed = (error: unknown) => new Error('mapped', { cause: error });

function found(bytes: Uint8Array, contentRange?: string, length = bytes.length) {
  const stream = Readable.from([bytes], { objectMode: false });
  return {
    stream,
    length,
    contentRange,
    info: (size: number) => ({
      metadata: { encoded: 'm', contentType: 'image/png' },
      size,
      version: 'v' as Version,
    }),
  };
}

test('a small body has come with the entry; a large one comes when it is read', async () => {
  for (const size of [64 * 1024, 64 * 1024 + 1]) {
    const answer = found(new Uint8Array(size).fill(7));
    const entry = await foundEntry(answer, undefined, failed);
    if (entry.kind !== 'entry') throw new Error('it is not there');
    expect([answer.stream.readableEnded, entry.size, entry.range]).toEqual([size <= 64 * 1024, size, undefined]);
    expect(Buffer.from(await entry.body.bytes()).equals(Buffer.alloc(size, 7))).toBe(true);
  }
});

test('a part tells where it lies in the whole', async () => {
  const range = { first: 5, last: 9 };
  const entry = await foundEntry(found(new Uint8Array(5), 'bytes 5-9/200'), range, failed);
  expect(entry).toMatchObject({ kind: 'entry', size: 200, range: { first: 5, last: 9 } });
});

test('a part of nothing is none, and its connection is freed', async () => {
  const answer = found(new Uint8Array(0));
  const outcome = await foundEntry(answer, { first: 5 }, failed);
  expect(outcome).toMatchObject({ kind: 'range-not-satisfiable', size: 0 });
  expect(answer.stream.destroyed).toBe(true);
});

test('a body that ends too early is a failure, small or large, and frees its connection', async () => {
  const small = found(new Uint8Array(5), undefined, 6);
  await expect(foundEntry(small, undefined, failed)).rejects.toThrow('mapped');
  expect(small.stream.destroyed).toBe(true);
  const entry = await foundEntry(found(new Uint8Array(5), undefined, 1_000_000), undefined, failed);
  await expect(entry.kind === 'entry' && entry.body.bytes()).rejects.toThrow('mapped');
});

test('what cannot be described frees its connection', async () => {
  const answer = found(new Uint8Array(100_000));
  const info = () => {
    throw new Error('The answer has no ETag.');
  };
  await expect(foundEntry({ ...answer, info }, undefined, failed)).rejects.toThrow('no ETag');
  expect(answer.stream.destroyed).toBe(true);
});

test('a body that nobody wants frees its connection', async () => {
  const answer = found(new Uint8Array(100_000));
  const entry = await foundEntry(answer, undefined, failed);
  if (entry.kind === 'entry') await entry.body.discard();
  expect(answer.stream.destroyed).toBe(true);
});
