import { describe, expect, test } from 'vitest';
import { parts } from './parts.ts';

async function* streamOf(...sizes: readonly number[]): AsyncGenerator<Uint8Array> {
  let next = 0;
  for (const size of sizes) yield Uint8Array.from({ length: size }, () => next++ % 256);
}

describe('a body is cut into equal parts, and only the last is shorter', () => {
  test.each([
    { sizes: [], expected: [[0, true]] },
    { sizes: [3], expected: [[3, true]] },
    { sizes: [10], expected: [[10, true]] },
    {
      sizes: [11],
      expected: [
        [10, false],
        [1, true],
      ],
    },
    {
      sizes: [4, 4, 4],
      expected: [
        [10, false],
        [2, true],
      ],
    },
    {
      sizes: [0, 25, 0, 5],
      expected: [
        [10, false],
        [10, false],
        [10, true],
      ],
    },
  ])('$sizes', async ({ sizes, expected }) => {
    const all = await Array.fromAsync(parts(streamOf(...sizes), 10), ({ bytes, last }) => ({
      bytes: Uint8Array.from(bytes),
      last,
    }));
    expect(all.map(({ bytes, last }) => [bytes.length, last])).toEqual(expected);
    const total = sizes.reduce((sum, size) => sum + size, 0);
    expect([...Buffer.concat(all.map(({ bytes }) => bytes))]).toEqual(Array.from({ length: total }, (_, i) => i % 256));
  });
});

test('all parts but the first share the memory of the first', async () => {
  const buffers = await Array.fromAsync(parts(streamOf(35), 10), ({ bytes }) => bytes.buffer);
  expect(new Set(buffers).size).toBe(1);
});

test('what breaks the body breaks the parts', async () => {
  const failure = new Error('the body broke');
  async function* broken(): AsyncGenerator<Uint8Array> {
    yield new Uint8Array(15);
    throw failure;
  }
  const seen: number[] = [];
  const reading = (async () => {
    for await (const part of parts(broken(), 10)) seen.push(part.bytes.length);
  })();
  await expect(reading).rejects.toBe(failure);
  expect(seen).toEqual([10]);
});

test('whoever stops reading parts stops the body', async () => {
  let ended = false;
  async function* watched(): AsyncGenerator<Uint8Array> {
    try {
      for (;;) yield new Uint8Array(10);
    } finally {
      ended = true;
    }
  }
  for await (const part of parts(watched(), 10)) if (!part.last) break;
  expect(ended).toBe(true);
});
