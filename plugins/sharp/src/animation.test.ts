import { type ImageFormat, NO_OPERATIONS, type Operations, type TransformResult } from '@tintype/core';
import sharp, { type Sharp } from 'sharp';
import { beforeAll, expect, it } from 'vitest';
import { SharpTransformer } from './transformer.ts';

const transformer = new SharpTransformer({
  quality: 80,
  formatQuality: [],
  jpegProgressive: false,
  avifSpeed: 8,
  webpEffort: 4,
});

const WIDTH = 40;
const HEIGHT = 20;
/** The left half of each frame; the right one is black. */
const FRAMES = ['#ff0000', '#00ff00', '#0000ff'];
const DELAY = [100, 200, 300];

const sources = new Map<ImageFormat, Buffer>();

beforeAll(async () => {
  await transformer.open();
  const frames = FRAMES.map(async (colour) =>
    sharp({ create: { width: WIDTH, height: HEIGHT, channels: 3, background: '#000' } })
      .composite([
        {
          input: await sharp({ create: { width: WIDTH / 2, height: HEIGHT, channels: 3, background: colour } })
            .png()
            .toBuffer(),
          left: 0,
          top: 0,
        },
      ])
      .removeAlpha()
      .raw()
      .toBuffer(),
  );
  const roll = Buffer.concat(await Promise.all(frames));
  const raw = { width: WIDTH, height: HEIGHT * FRAMES.length, channels: 3, pageHeight: HEIGHT } as const;
  const animation = (): Sharp => sharp(roll, { raw, pages: -1 });
  sources.set('gif', await animation().gif({ delay: DELAY, loop: 2 }).toBuffer());
  sources.set('webp', await animation().webp({ delay: DELAY, loop: 2, lossless: true }).toBuffer());
});

function transform(from: ImageFormat, operations: Partial<Operations>, format: ImageFormat | null = null) {
  return transformer.transform({
    input: sources.get(from) ?? new Uint8Array(),
    operations: { ...NO_OPERATIONS, ...operations },
    output: { format, quality: 0 },
    limits: { maxSourcePixels: 1_000_000, maxFrames: 10, maxResultDimension: 1000 },
    signal: new AbortController().signal,
  });
}

/** What the file says, and the largest channel at a point of each frame: R, G, B or `.` for black. */
async function facts(result: TransformResult, x: number, y: number) {
  const image = sharp(result.body, { pages: -1 });
  const { pages = 1, pageHeight, delay, loop, width } = await image.metadata();
  const { data, info } = await image.removeAlpha().raw().toBuffer({ resolveWithObject: true });
  const height = info.height / pages;
  const colours = Array.from({ length: pages }, (_, page) => {
    const row = page * height + Math.min(height - 1, Math.floor(y * height));
    const at = (row * info.width + Math.min(info.width - 1, Math.floor(x * info.width))) * 3;
    const channels = [...data.subarray(at, at + 3)];
    const most = Math.max(...channels);
    return most < 100 ? '.' : 'RGB'[channels.indexOf(most)];
  }).join('');
  expect([result.width, result.height]).toEqual([width, pageHeight ?? info.height]);
  return { size: [width, height], delay, loop, colours };
}

const resize = { ...NO_OPERATIONS.resize, width: 20 };
const KEPT = { size: [20, 10], delay: DELAY, loop: 2 };

it.each([
  ['gif', null],
  ['gif', 'webp'],
  ['webp', null],
  ['webp', 'gif'],
] as const)('keeps frames, delays and loop from %s to %s', async (from, to) => {
  expect(await facts(await transform(from, { resize }, to), 0.2, 0.5)).toEqual({ ...KEPT, colours: 'RGB' });
});

it.each(['jpeg', 'png', 'avif'] as const)('gives the first frame as %s', async (format) => {
  for (const from of ['gif', 'webp'] as const) {
    const result = await transform(from, { resize }, format);
    expect(await facts(result, 0.2, 0.5)).toMatchObject({ size: [20, 10], colours: 'R' });
  }
});

it.each<[string, Partial<Operations>, number, number, [number, number]]>([
  ['mirrors', { flip: { horizontal: true, vertical: false } }, 0.8, 0.5, [40, 20]],
  ['turns upside down', { flip: { horizontal: false, vertical: true } }, 0.2, 0.5, [40, 20]],
  ['turns by half', { rotate: 180 }, 0.8, 0.5, [40, 20]],
  ['turns by a quarter', { rotate: 90 }, 0.5, 0.2, [20, 40]],
  [
    'crops',
    { crop: { width: 20, height: 10, gravity: null }, gravity: { type: 'compass', at: 'west', x: 0, y: 0 } },
    0.9,
    0.5,
    [20, 10],
  ],
  ['blurs', { blur: 1 }, 0.1, 0.5, [40, 20]],
  ['sharpens', { sharpen: 1 }, 0.1, 0.5, [40, 20]],
  ['pads', { padding: { top: 5, right: 0, bottom: 0, left: 0 }, background: [0, 0, 0] }, 0.2, 0.6, [40, 25]],
  [
    'blurs and pads',
    { blur: 1, padding: { top: 5, right: 0, bottom: 0, left: 0 }, background: [0, 0, 0] },
    0.1,
    0.6,
    [40, 25],
  ],
  [
    'cuts to a box',
    { resize: { ...resize, type: 'fill', height: 20 }, gravity: { type: 'compass', at: 'west', x: 0, y: 0 } },
    0.5,
    0.5,
    [20, 20],
  ],
])('%s each frame in its place', async (_, operations, x, y, size) => {
  expect(await facts(await transform('gif', operations), x, y)).toEqual({
    size,
    delay: DELAY,
    loop: 2,
    colours: 'RGB',
  });
});

it('looks for attention once, so that the picture does not jump', async () => {
  const result = await transform('gif', {
    resize: { ...resize, type: 'fill', height: 20 },
    gravity: { type: 'smart' },
  });
  expect(await facts(result, 0.1, 0.5)).toEqual({ size: [20, 20], delay: DELAY, loop: 2, colours: 'RGB' });
});

it('does not trim animations', async () => {
  const trim = { threshold: 10, color: null, equalHorizontal: false, equalVertical: false };
  expect((await facts(await transform('gif', { trim }), 0.2, 0.5)).size).toEqual([40, 20]);
  expect((await facts(await transform('gif', { trim }, 'png'), 0.2, 0.5)).size).toEqual([20, 20]);
});
