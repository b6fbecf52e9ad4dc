import { crc32, deflateSync } from 'node:zlib';
import {
  NO_OPERATIONS,
  type Operations,
  type OutputRequest,
  TransformError,
  type TransformLimits,
} from '@tintype/core';
import sharp from 'sharp';
import { beforeAll, describe, expect, it } from 'vitest';
import { MAX_SVG_BYTES } from './header.ts';
import { SharpTransformer } from './transformer.ts';

const LIMITS: TransformLimits = { maxSourcePixels: 50_000_000, maxFrames: 100, maxResultDimension: 16_384 };
const transformer = new SharpTransformer({
  quality: 80,
  formatQuality: [],
  jpegProgressive: false,
  avifSpeed: 8,
  webpEffort: 4,
});

beforeAll(() => transformer.open());

async function outcome(
  input: Uint8Array,
  resize: Partial<Operations['resize']> = { width: 8, height: 8 },
  limits: Partial<TransformLimits> = {},
  format: OutputRequest['format'] = null,
): Promise<string> {
  try {
    const { width, height } = await transformer.transform({
      input,
      operations: { ...NO_OPERATIONS, resize: { ...NO_OPERATIONS.resize, ...resize } },
      output: { format, quality: 0 },
      limits: { ...LIMITS, ...limits },
      signal: new AbortController().signal,
    });
    return `${width} × ${height}`;
  } catch (cause) {
    return TransformError.is(cause) ? cause.code : String(cause);
  }
}

function chunk(name: string, data: Uint8Array): Buffer {
  const body = Buffer.concat([Buffer.from(name, 'latin1'), data]);
  const sizes = Buffer.alloc(8);
  sizes.writeUInt32BE(data.length, 0);
  sizes.writeUInt32BE(crc32(body), 4);
  return Buffer.concat([sizes.subarray(0, 4), body, sizes.subarray(4)]);
}

/** A few hundred bytes that claim any size. */
function claimingPng(width: number, height: number): Buffer {
  const header = Buffer.alloc(13);
  header.writeUInt32BE(width, 0);
  header.writeUInt32BE(height, 4);
  header.set([8, 2, 0, 0, 0], 8);
  return Buffer.concat([
    Buffer.from([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a]),
    chunk('IHDR', header),
    chunk('IDAT', deflateSync(Buffer.alloc(1000))),
    chunk('IEND', Buffer.alloc(0)),
  ]);
}

/** 24 bytes a frame, one pixel each. */
function gifOf(frames: number, side = 1): Buffer {
  const low = side & 255;
  const high = side >> 8;
  const one = [0x21, 0xf9, 4, 0, 5, 0, 0, 0, 0x2c, 0, 0, 0, 0, low, high, low, high, 0, 2, 2, 0x44, 1, 0];
  return Buffer.concat([
    Buffer.from('GIF89a'),
    Buffer.from([low, high, low, high, 0x80, 0, 0, 0, 0, 0, 255, 255, 255]),
    ...new Array<Buffer>(frames).fill(Buffer.from(one)),
    Buffer.from([0x3b]),
  ]);
}

async function webpOf(frames: number): Promise<Buffer> {
  const still = await sharp({ create: { width: 1, height: 1, channels: 3, background: '#f00' } })
    .webp()
    .toBuffer();
  const riff = (name: string, data: Uint8Array): Buffer => {
    const head = Buffer.alloc(8);
    head.write(name, 'latin1');
    head.writeUInt32LE(data.length, 4);
    return Buffer.concat([head, data]);
  };
  const frame = riff('ANMF', Buffer.concat([Buffer.alloc(16), still.subarray(12)]));
  const flags = Buffer.alloc(10);
  flags[0] = 2;
  return riff(
    'RIFF',
    Buffer.concat([
      Buffer.from('WEBP'),
      riff('VP8X', flags),
      riff('ANIM', Buffer.alloc(6)),
      ...new Array<Buffer>(frames).fill(frame),
    ]),
  );
}

/** What `run` adds to the memory of this process, in MB, and how many milliseconds its processors work for it. */
async function cost(run: () => Promise<unknown>): Promise<{ megabytes: number; milliseconds: number }> {
  const before = process.memoryUsage().rss;
  const start = process.cpuUsage();
  await run();
  const { user, system } = process.cpuUsage(start);
  return { megabytes: (process.memoryUsage().rss - before) / 1e6, milliseconds: (user + system) / 1e3 };
}

describe('bombs', () => {
  it('refuses a small PNG that claims 30,000 × 30,000 pixels, at once and without memory for them', async () => {
    const bomb = claimingPng(30_000, 30_000);
    await outcome(claimingPng(10_000, 10_000));
    let found = '';
    const { megabytes, milliseconds } = await cost(async () => {
      found = await outcome(bomb);
    });
    expect(found).toBe('too-many-pixels');
    expect(milliseconds).toBeLessThan(5000);
    expect(megabytes).toBeLessThan(50);
  });

  it('refuses a PNG with a size beyond all bounds', async () => {
    expect(await outcome(claimingPng(2_000_000_000, 2_000_000_000))).toBe('broken-image');
  });

  it('refuses a GIF of a million frames before libvips lists them', async () => {
    const bomb = gifOf(1_000_000);
    let found = '';
    const { megabytes, milliseconds } = await cost(async () => {
      found = await outcome(bomb);
    });
    expect(found).toBe('too-many-frames');
    expect(milliseconds).toBeLessThan(5000);
    expect(megabytes).toBeLessThan(50);
  });

  it('refuses a WebP of 100,000 frames, which would keep libwebp busy for most of a minute', async () => {
    const bomb = await webpOf(100_000);
    const { milliseconds } = await cost(async () => {
      expect(await outcome(bomb)).toBe('too-many-frames');
    });
    expect(milliseconds).toBeLessThan(5000);
  });

  it('takes the first frame of either if the result stands still', async () => {
    const { milliseconds } = await cost(async () => {
      expect(await outcome(gifOf(1_000_000), {}, {}, 'jpeg')).toBe('1 × 1');
      expect(await outcome(await webpOf(100_000), {}, {}, 'png')).toBe('1 × 1');
    });
    expect(milliseconds).toBeLessThan(5000);
  });

  it('counts the pixels of all frames that it decodes', async () => {
    expect(await outcome(gifOf(50, 100), {}, { maxSourcePixels: 400_000 })).toBe('too-many-pixels');
    expect(await outcome(gifOf(50, 100), {}, { maxSourcePixels: 400_000 }, 'jpeg')).not.toBe('too-many-pixels');
  });

  it('lets a source at the limits pass', async () => {
    const source = await sharp({ create: { width: 100, height: 100, channels: 3, background: '#f00' } })
      .png()
      .toBuffer();
    expect(await outcome(source, {}, { maxSourcePixels: 10_000, maxResultDimension: 100 })).toBe('100 × 100');
    expect(await outcome(source, {}, { maxSourcePixels: 9999 })).toBe('too-many-pixels');
    expect(await outcome(source, {}, { maxResultDimension: 99 })).toBe('result-too-large');
    expect(await outcome(gifOf(5), {}, { maxFrames: 5 })).toBe('1 × 1');
    expect(await outcome(gifOf(6), {}, { maxFrames: 5 })).toBe('too-many-frames');
  });

  it('refuses a result that is too large before it is made', async () => {
    const small = await sharp({ create: { width: 10, height: 10, channels: 3, background: '#f00' } })
      .png()
      .toBuffer();
    const force = (width: number, height: number): Partial<Operations['resize']> => ({
      type: 'force',
      width,
      height,
      enlarge: true,
    });
    const { milliseconds } = await cost(async () => {
      expect(await outcome(small, force(20_000, 10))).toBe('result-too-large');
      expect(await outcome(small, force(16_384, 16_384))).toBe('result-too-large');
      expect(await outcome(small, force(16_384, 10), {}, 'webp')).toBe('result-too-large');
    });
    expect(milliseconds).toBeLessThan(5000);
  });
});

describe('drawings', () => {
  const svg = (body: string, size = 'width="50" height="50"', prolog = ''): Buffer =>
    Buffer.from(
      `${prolog}<svg xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink" ${size}>${body}</svg>`,
    );
  const square = '<rect width="100%" height="100%" fill="red"/>';

  it('are rendered at the size asked for, whatever they call their own', async () => {
    expect(await outcome(svg(square), { width: 500, height: 500 })).toBe('500 × 500');
    expect(await outcome(svg(square, 'width="100000" height="100000"'), { width: 100 })).toBe('100 × 100');
    expect(await outcome(svg(square, 'width="100000" height="100000"'), {})).toBe('result-too-large');
  });

  it('are known after declarations, comments and a doctype', async () => {
    const prolog = '\ufeff<?xml version="1.0"?>\n<!-- <svg> -->\n<!DOCTYPE svg PUBLIC "a" "b" [ <!ENTITY x "y"> ]>\n';
    expect(await outcome(svg(square, undefined, prolog))).toBe('8 × 8');
  });

  it('load nothing from files or the network', async () => {
    const file = new URL('../../../examples/demo/images/chelsea.png', import.meta.url);
    for (const address of [file.href, file.pathname, 'http://127.0.0.1:9/x.png']) {
      const source = svg(`<image width="50" height="50" xlink:href="${address}" href="${address}"/>`);
      const { body } = await transformer.transform({
        input: source,
        operations: NO_OPERATIONS,
        output: { format: 'png', quality: 0 },
        limits: LIMITS,
        signal: new AbortController().signal,
      });
      expect((await sharp(body).stats()).channels[3]?.max, address).toBe(0);
    }
  });

  it('are refused when their entities multiply, or when they are too long', async () => {
    const levels = [...'abcdefgh'];
    const entities = levels.map(
      (name, at) => `<!ENTITY ${name} "${at === 0 ? 'x'.repeat(40) : `&${levels[at - 1]};`.repeat(10)}">`,
    );
    expect(await outcome(svg('<text>&h;</text>', undefined, `<!DOCTYPE svg [${entities.join('')}]>`))).toBe(
      'broken-image',
    );
    expect(await outcome(svg(`<!--${'x'.repeat(MAX_SVG_BYTES)}-->`))).toBe('too-many-pixels');
  });
});
