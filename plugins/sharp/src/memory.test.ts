import { readFile } from 'node:fs/promises';
import { NO_OPERATIONS, type Operations, TransformError, type TransformLimits } from '@tintype/core';
import sharp from 'sharp';
import { beforeAll, expect, test } from 'vitest';
import type { SharpOptions } from './options.ts';
import { SharpTransformer } from './transformer.ts';

const OPTIONS: SharpOptions = {
  quality: 80,
  formatQuality: [],
  jpegProgressive: false,
  avifSpeed: 8,
  webpEffort: 4,
};
const LIMITS: TransformLimits = { maxSourcePixels: 50_000_000, maxFrames: 100, maxResultDimension: 16_384 };
const transformer = new SharpTransformer(OPTIONS);
const MIB = 1024 * 1024;

let photo: Buffer;
let large: Buffer;

beforeAll(async () => {
  photo = await readFile(new URL('../../../examples/demo/images/hubble_deep_field.jpg', import.meta.url));
  large = await sharp(photo).resize(4_000, 3_000, { fit: 'fill' }).jpeg().toBuffer();
});

/** What a transform asks for, in the order of asking, with what it holds while it asks. */
async function asked(input: Uint8Array, change: Partial<Operations>) {
  const amounts: number[] = [];
  let held = 0;
  let most = 0;
  const done = await transformer.transform({
    input,
    operations: { ...NO_OPERATIONS, ...change },
    output: { format: null, quality: 0 },
    limits: LIMITS,
    signal: new AbortController().signal,
    reserve: async (bytes) => {
      amounts.push(bytes);
      held++;
      most = Math.max(most, held);
      return () => void held--;
    },
  });
  return { amounts, held, most, done };
}

const toWidth = (width: number): Partial<Operations> => ({ resize: { ...NO_OPERATIONS.resize, width } });

test('the pixels of source, scaling and result are asked for once, and given back', async () => {
  const png = await sharp(photo).resize(1_000, 800, { fit: 'fill' }).png().toBuffer();
  const { amounts, held } = await asked(png, toWidth(500));
  expect([amounts, held]).toEqual([[4 * (1_000 * 800 + 2 * 500 * 400)], 0]);
});

test('a JPEG that shrinks while it is decoded takes a part of the memory', async () => {
  const [small = 0] = (await asked(large, toWidth(400))).amounts;
  const [full = 0] = (await asked(large, toWidth(3_000))).amounts;
  expect(small).toBe(4 * (500 * 375 + 2 * 400 * 300));
  expect(full).toBeGreaterThan(4 * 4_000 * 3_000);
});

test('every frame counts, and margins do', async () => {
  const frame = (value: number) => Buffer.alloc(100 * 100 * 3, value);
  const gif = await sharp(Buffer.concat([frame(0), frame(90), frame(200)]), {
    raw: { width: 100, height: 300, channels: 3, pageHeight: 100 },
  })
    .gif()
    .toBuffer();
  expect((await asked(gif, {})).amounts).toEqual([3 * 4 * 3 * 100 * 100]);
  const padding = { top: 10, right: 10, bottom: 10, left: 10 };
  expect((await asked(gif, { padding })).amounts).toEqual([3 * 4 * (2 * 100 * 100 + 120 * 120)]);
});

test('what looks at pixels first asks twice, and never for the second while it holds the first', async () => {
  const { amounts, held, most } = await asked(large, {
    ...toWidth(100),
    crop: { width: 500, height: 500, gravity: { type: 'smart' } },
  });
  expect([amounts.length, amounts[0], held, most]).toEqual([2, 4 * 4_000 * 3_000, 0, 1]);
});

test('nothing is decoded where there is no room, and nothing is held after a failure', async () => {
  const overloaded = new TransformError('overloaded', 'No room.');
  const request = {
    input: photo,
    operations: { ...NO_OPERATIONS, ...toWidth(100) },
    output: { format: null, quality: 0 },
    limits: LIMITS,
    signal: new AbortController().signal,
  };
  await expect(transformer.transform({ ...request, reserve: () => Promise.reject(overloaded) })).rejects.toBe(
    overloaded,
  );
  let held = 0;
  const reserve = async () => {
    held++;
    return () => void held--;
  };
  const half = photo.subarray(0, photo.length / 2);
  await expect(transformer.transform({ ...request, input: half, reserve })).rejects.toThrow(TransformError);
  expect(held).toBe(0);
});

test('the estimate holds against what a process really takes', async () => {
  const { amounts } = await asked(large, toWidth(3_000));
  const [estimate = 0] = amounts;
  const { execFile } = await import('node:child_process');
  const { promisify } = await import('node:util');
  const script = `
    import sharp from 'sharp';
    sharp.cache(false); sharp.concurrency(1);
    const chunks = []; for await (const chunk of process.stdin) chunks.push(chunk);
    const input = Buffer.concat(chunks);
    await sharp(input).metadata();
    const before = process.resourceUsage().maxRSS;
    await sharp(input).resize(3000).jpeg().toBuffer();
    console.log((process.resourceUsage().maxRSS - before) * 1024);`;
  const child = promisify(execFile)(process.execPath, ['--input-type=module', '-e', script], {
    cwd: new URL('..', import.meta.url),
  });
  child.child.stdin?.end(large);
  expect(Number((await child).stdout)).toBeLessThan(estimate + 16 * MIB);
});
