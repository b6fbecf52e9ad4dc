import { expect, test } from 'vitest';
import type { ByteStream } from '../contracts/body.ts';
import type { PutBody } from '../contracts/storage-adapter.ts';
import { putInParts } from './put-in-parts.ts';

const { signal } = new AbortController();
const failed = (error: unknown) => new Error('mapped', { cause: error });

/** Takes parts of ten bytes, and tells which came. */
const upload = {
  partBytes: 10,
  async whole(bytes: Uint8Array) {
    return `whole ${bytes.length}`;
  },
  async inParts(first: { readonly bytes: Uint8Array }, rest: AsyncIterator<{ readonly bytes: Uint8Array }, void>) {
    const sizes = [first.bytes.length];
    for (let next = await rest.next(); !next.done; next = await rest.next()) sizes.push(next.value.bytes.length);
    return `parts ${sizes}`;
  },
};

function streamed(stream: () => ByteStream): PutBody {
  return { bytes: undefined, size: undefined, replayable: false, stream };
}

function inMemory(size: number): PutBody {
  const bytes = new Uint8Array(size);
  return {
    bytes,
    size,
    replayable: true,
    async *stream() {
      yield bytes;
    },
  };
}

const piecewise = (size: number) =>
  streamed(async function* () {
    for (let at = 0; at < size; at += 4) yield new Uint8Array(Math.min(4, size - at));
  });

test.each([
  [0, 'whole 0'],
  [10, 'whole 10'],
  [11, 'parts 10,1'],
  [30, 'parts 10,10,10'],
])('%i bytes go as: %s', async (size, way) => {
  expect(await putInParts(piecewise(size), signal, upload, failed)).toBe(way);
  expect(await putInParts(inMemory(size), signal, upload, failed)).toBe(way);
});

test('what lies in memory goes whole up to the size that a service takes so', async () => {
  const larger = { ...upload, wholeBytes: 100 };
  expect(await putInParts(inMemory(99), signal, larger, failed)).toBe('whole 99');
  expect(await putInParts(piecewise(99), signal, larger, failed)).toMatch(/^parts/);
});

test.each([0, 12])('an error of the body itself, after %i bytes, comes out as it is', async (size) => {
  const broken = new Error('the body broke');
  const body = streamed(async function* () {
    yield new Uint8Array(size);
    throw broken;
  });
  await expect(putInParts(body, signal, upload, failed)).rejects.toBe(broken);
});

test('an error of the upload is what it means, and the body is left', async () => {
  let left = false;
  const body = streamed(async function* () {
    try {
      for (;;) yield new Uint8Array(10);
    } finally {
      left = true;
    }
  });
  const refused = { ...upload, inParts: () => Promise.reject(new Error('HTTP 500')) };
  await expect(putInParts(body, signal, refused, failed)).rejects.toThrow('mapped');
  expect(left).toBe(true);
});

test('who gives up before it begins sends nothing', async () => {
  const reason = new Error('gone');
  const asIs = (error: unknown) => error;
  await expect(putInParts(inMemory(5), AbortSignal.abort(reason), upload, asIs)).rejects.toBe(reason);
});
