import { readFile } from 'node:fs/promises';
import {
  type Gravity,
  type ImageFormat,
  NO_OPERATIONS,
  type Operations,
  TransformError,
  type TransformErrorCode,
  type TransformLimits,
  type TransformResult,
} from '@tintype/core';
import sharp, { type Sharp } from 'sharp';
import { beforeAll, describe, expect, it } from 'vitest';
import type { SharpOptions } from './options.ts';
import { SharpTransformer } from './transformer.ts';

const OPTIONS: SharpOptions = {
  quality: 80,
  formatQuality: ['webp=79', 'avif=63'],
  jpegProgressive: false,
  avifSpeed: 8,
  webpEffort: 4,
};
const LIMITS: TransformLimits = { maxSourcePixels: 50_000_000, maxFrames: 100, maxResultDimension: 16_384 };

const transformer = new SharpTransformer(OPTIONS);

interface Asked extends Partial<Omit<Operations, 'resize'>> {
  readonly resize?: Partial<Operations['resize']>;
  readonly format?: ImageFormat | null;
  readonly quality?: number;
  readonly limits?: Partial<TransformLimits>;
  readonly signal?: AbortSignal;
}

function transform(input: Uint8Array, asked: Asked = {}, by = transformer): Promise<TransformResult> {
  const { resize, format = null, quality = 0, limits, signal = new AbortController().signal, ...operations } = asked;
  return by.transform({
    input,
    operations: { ...NO_OPERATIONS, ...operations, resize: { ...NO_OPERATIONS.resize, ...resize } },
    output: { format, quality },
    limits: { ...LIMITS, ...limits },
    signal,
  });
}

async function refusal(promise: Promise<unknown>): Promise<TransformErrorCode | string> {
  try {
    await promise;
    return 'no error';
  } catch (cause) {
    return TransformError.is(cause) ? cause.code : String(cause);
  }
}

const photographs = new URL('../../../examples/demo/images/', import.meta.url);
const photograph = (name: string): Promise<Buffer> => readFile(new URL(name, photographs));

let astronaut: Buffer;
let cat: Buffer;
let hubble: Buffer;
let truncated: Buffer;
/** 200 × 100 in four quarters. */
let quadrants: Buffer;

type Colour = readonly [number, number, number];
const RED: Colour = [255, 0, 0];
const GREEN: Colour = [0, 255, 0];
const BLUE: Colour = [0, 0, 255];
const WHITE: Colour = [255, 255, 255];
const BLACK: Colour = [0, 0, 0];

const rgb = ([r, g, b]: Colour): { r: number; g: number; b: number } => ({ r, g, b });
const plain = (width: number, height: number, colour: Colour): Sharp =>
  sharp({ create: { width, height, channels: 3, background: rgb(colour) } });

async function laidOut(width: number, height: number, back: Colour, parts: [Colour, number, number, number, number][]) {
  const inputs = parts.map(async ([colour, left, top, partWidth, partHeight]) => ({
    input: await plain(partWidth, partHeight, colour).png().toBuffer(),
    left,
    top,
  }));
  return plain(width, height, back)
    .composite(await Promise.all(inputs))
    .removeAlpha()
    .png()
    .toBuffer();
}

beforeAll(async () => {
  await transformer.open();
  [astronaut, cat, hubble, truncated] = await Promise.all([
    photograph('astronaut.png'),
    photograph('chelsea.png'),
    photograph('hubble_deep_field.jpg'),
    readFile(new URL('../../../test/images/truncated.jpg', import.meta.url)),
  ]);
  quadrants = await laidOut(200, 100, WHITE, [
    [RED, 0, 0, 100, 50],
    [GREEN, 100, 0, 100, 50],
    [BLUE, 0, 50, 100, 50],
  ]);
});

/** Colour names at points given as parts of the result, `?` for what is none of them, `-` for transparent. */
async function colours(result: TransformResult, points: readonly (readonly [number, number])[]): Promise<string> {
  const { data, info } = await sharp(result.body).ensureAlpha().raw().toBuffer({ resolveWithObject: true });
  return points
    .map(([x, y]) => {
      const left = Math.min(info.width - 1, Math.floor(x * info.width));
      const top = Math.min(info.height - 1, Math.floor(y * info.height));
      const at = (top * info.width + left) * 4;
      const [r = 0, g = 0, b = 0, alpha = 0] = data.subarray(at, at + 4);
      if (alpha < 10) return '-';
      const near = ([cr, cg, cb]: Colour): boolean => Math.abs(r - cr) + Math.abs(g - cg) + Math.abs(b - cb) < 60;
      const names: [string, Colour][] = [
        ['red', RED],
        ['green', GREEN],
        ['blue', BLUE],
        ['white', WHITE],
        ['black', BLACK],
      ];
      return names.find(([, colour]) => near(colour))?.[0] ?? '?';
    })
    .join(' ');
}

const CORNERS = [
  [0.05, 0.05],
  [0.95, 0.05],
  [0.05, 0.95],
  [0.95, 0.95],
] as const;

const compass = (at: Extract<Gravity, { type: 'compass' }>['at'], x = 0, y = 0): Gravity => ({
  type: 'compass',
  at,
  x,
  y,
});

const size = ({ width, height }: { width: number; height: number }): [number, number] => [width, height];

describe('formats', () => {
  it.each([
    ['jpeg', 'image/jpeg', 'jpeg'],
    ['png', 'image/png', 'png'],
    ['webp', 'image/webp', 'webp'],
    ['avif', 'image/avif', 'heif'],
    ['gif', 'image/gif', 'gif'],
  ] as const)(
    'makes %s from a photograph, with the size and type that it reports',
    async (format, contentType, name) => {
      const result = await transform(hubble, { format, resize: { width: 160 } });
      const found = await sharp(result.body).metadata();
      expect([result.contentType, size(result), found.format, size(found)]).toEqual([
        contentType,
        [160, 140],
        name,
        [160, 140],
      ]);
    },
  );

  it.each(['jpeg', 'png', 'webp', 'avif', 'gif'] as const)('keeps %s if no format is asked for', async (format) => {
    const source = await sharp(cat).resize(40).toFormat(format).toBuffer();
    expect((await transform(source)).contentType).toBe(`image/${format}`);
  });

  it('makes PNG of transparent and JPEG of opaque sources that browsers do not show', async () => {
    const opaque = await sharp(cat).resize(40).tiff().toBuffer();
    const transparent = await sharp(cat).resize(40).ensureAlpha(0.5).tiff({ compression: 'lzw' }).toBuffer();
    expect((await transform(opaque)).contentType).toBe('image/jpeg');
    expect((await transform(transparent)).contentType).toBe('image/png');
    expect((await transform(transparent, { background: RED })).contentType).toBe('image/jpeg');
    expect((await transform(opaque, { padding: { top: 1, right: 0, bottom: 0, left: 0 } })).contentType).toBe(
      'image/png',
    );
  });

  it('refuses to make what it cannot', async () => {
    expect(await refusal(transform(cat, { format: 'jxl' }))).toBe('unsupported');
    expect(await refusal(transform(cat, { format: 'svg' }))).toBe('unsupported');
  });

  it('refuses operations of transformers that are not there', async () => {
    expect(await refusal(transform(cat, { extra: { watermark: true } }))).toBe('unsupported');
  });

  it('uses the quality asked for, then that of the format, then the general one', async () => {
    const bytes = async (asked: Asked, options: Partial<SharpOptions> = {}): Promise<number> =>
      (await transform(cat, asked, new SharpTransformer({ ...OPTIONS, ...options }))).body.length;
    expect(await bytes({ format: 'jpeg' })).toBe(await bytes({ format: 'jpeg', quality: 80 }));
    expect(await bytes({ format: 'webp' })).toBe(await bytes({ format: 'webp', quality: 79 }));
    expect(await bytes({ format: 'webp' }, { formatQuality: [] })).toBe(await bytes({ format: 'webp', quality: 80 }));
    expect(await bytes({ format: 'jpeg' }, { formatQuality: ['jpg=30'] })).toBe(
      await bytes({ format: 'jpeg', quality: 30 }),
    );
    expect(await bytes({ format: 'jpeg', quality: 90 })).toBeGreaterThan(await bytes({ format: 'jpeg', quality: 40 }));
  });

  it('makes progressive JPEG files if set', async () => {
    const by = new SharpTransformer({ ...OPTIONS, jpegProgressive: true });
    expect((await sharp((await transform(cat, { format: 'jpeg' }, by)).body).metadata()).isProgressive).toBe(true);
    expect((await sharp((await transform(cat, { format: 'jpeg' })).body).metadata()).isProgressive).toBe(false);
  });

  it('gives the same bytes for the same request, and leaves the source alone', async () => {
    const before = Buffer.from(astronaut);
    const asked: Asked = {
      format: 'webp',
      resize: { type: 'fill', width: 100, height: 200 },
      gravity: { type: 'smart' },
    };
    const [first, second] = await Promise.all([transform(astronaut, asked), transform(astronaut, asked)]);
    expect(Buffer.compare(first.body, second.body)).toBe(0);
    expect(Buffer.compare(before, astronaut)).toBe(0);
  });

  it('changes its revision with every setting and with nothing else', () => {
    const revision = (options: Partial<SharpOptions> = {}): string =>
      new SharpTransformer({ ...OPTIONS, ...options }).revision;
    const all = [
      revision(),
      revision({ quality: 81 }),
      revision({ formatQuality: ['webp=78'] }),
      revision({ jpegProgressive: true }),
      revision({ avifSpeed: 7 }),
      revision({ webpEffort: 5 }),
    ];
    expect(new Set(all).size).toBe(all.length);
    expect(revision()).toBe(transformer.revision);
  });
});

describe('resize', () => {
  it.each<[Operations['resize']['type'], boolean, [number, number]]>([
    ['fit', false, [100, 50]],
    ['fill', false, [100, 100]],
    ['fill-down', false, [100, 100]],
    ['force', false, [100, 100]],
    ['auto', false, [100, 100]],
    ['fit', true, [100, 50]],
    ['fill', true, [100, 100]],
  ])('%s into a square, enlarge %s, is %j', async (type, enlarge, expected) => {
    const { body, ...result } = await transform(quadrants, { resize: { type, width: 100, height: 100, enlarge } });
    expect(size(result)).toEqual(expected);
    expect(size(await sharp(body).metadata())).toEqual(expected);
  });

  it('enlarges if asked', async () => {
    const box = { type: 'fill', width: 400, height: 400 } as const;
    expect(size(await transform(quadrants, { resize: box }))).toEqual([200, 100]);
    expect(size(await transform(quadrants, { resize: { ...box, enlarge: true } }))).toEqual([400, 400]);
  });

  it.each([
    [compass('north-west'), 'red red blue blue'],
    [compass('east'), 'green green white white'],
    [compass('center'), 'red green blue white'],
    [compass('west', 50), 'red green blue white'],
    [compass('west', 0.25), 'red green blue white'],
    [{ type: 'focus', x: 1, y: 0.5 }, 'green green white white'],
    [{ type: 'focus', x: 0, y: 0 }, 'red red blue blue'],
  ] as const)('fills by gravity %j', async (gravity, expected) => {
    const result = await transform(quadrants, { resize: { type: 'fill', width: 100, height: 100 }, gravity });
    expect(await colours(result, CORNERS)).toBe(expected);
  });

  it('finds the part that catches the eye', async () => {
    const source = await laidOut(600, 100, [200, 200, 200], [[RED, 480, 20, 60, 60]]);
    const gravity: Gravity = { type: 'smart' };
    for (const rotate of [0, 180] as const) {
      const result = await transform(source, { gravity, rotate, resize: { type: 'fill', width: 100, height: 100 } });
      expect(size(result)).toEqual([100, 100]);
      expect(await colours(result, [[0.5, 0.5]])).toBe('red');
    }
    const turned = await transform(source, { gravity, rotate: 90, resize: { type: 'fill', width: 100, height: 100 } });
    expect(size(turned)).toEqual([100, 100]);
    expect(await colours(turned, [[0.5, 0.5]])).toBe('red');
    const cropped = await transform(source, { crop: { width: 100, height: 0, gravity } });
    expect(size(cropped)).toEqual([100, 100]);
    expect(await colours(cropped, [[0.5, 0.5]])).toBe('red');
  });

  it('extends a small result to the box, transparent or on the background', async () => {
    const resize = { width: 400, height: 400, extend: compass('north-east') };
    const clear = await transform(quadrants, { resize });
    expect(size(clear)).toEqual([400, 400]);
    expect(
      await colours(clear, [
        [0.45, 0.1],
        [0.55, 0.05],
        [0.95, 0.05],
        [0.5, 0.9],
      ]),
    ).toBe('- red green -');
    const onRed = await transform(quadrants, { resize, background: BLACK });
    expect(await colours(onRed, CORNERS)).toBe('black green black black');
  });
});

describe('crop', () => {
  it('takes pixels or parts of the source, before it resizes', async () => {
    const crop = { width: 0.5, height: 50, gravity: compass('north-east') };
    const result = await transform(quadrants, { crop, resize: { width: 20, height: 20 } });
    expect(size(result)).toEqual([20, 10]);
    expect(await colours(result, CORNERS)).toBe('green green green green');
  });

  it('goes by the general gravity unless it has its own', async () => {
    const result = await transform(quadrants, {
      crop: { width: 50, height: 50, gravity: null },
      gravity: compass('south-west'),
    });
    expect(await colours(result, CORNERS)).toBe('blue blue blue blue');
  });

  it('means the picture as it is seen after turning', async () => {
    // Turned to the right: blue and red above, white and green below.
    const crop = { width: 50, height: 100, gravity: compass('north-west') };
    const result = await transform(quadrants, { crop, rotate: 90, resize: { width: 25 } });
    expect(size(result)).toEqual([25, 50]);
    expect(await colours(result, CORNERS)).toBe('blue blue blue blue');
  });
});

describe('trim', () => {
  const trim = { threshold: 10, color: null, equalHorizontal: false, equalVertical: false };

  it('removes a border of one colour', async () => {
    const source = await laidOut(100, 80, WHITE, [[RED, 10, 20, 50, 30]]);
    const result = await transform(source, { trim });
    expect(size(result)).toEqual([50, 30]);
    expect(await colours(result, CORNERS)).toBe('red red red red');
    expect(size(await transform(source, { trim, resize: { width: 25 } }))).toEqual([25, 15]);
  });

  it('takes equally from both sides if asked', async () => {
    const source = await laidOut(100, 80, WHITE, [[RED, 10, 20, 50, 30]]);
    expect(size(await transform(source, { trim: { ...trim, equalHorizontal: true } }))).toEqual([80, 30]);
    expect(size(await transform(source, { trim: { ...trim, equalVertical: true } }))).toEqual([50, 40]);
    expect(size(await transform(source, { trim: { ...trim, equalVertical: true }, rotate: 90 }))).toEqual([30, 80]);
  });

  it('removes only the colour that is named', async () => {
    const source = await laidOut(100, 80, WHITE, [[RED, 10, 20, 50, 30]]);
    expect(size(await transform(source, { trim: { ...trim, color: BLACK } }))).toEqual([100, 80]);
    expect(size(await transform(source, { trim: { ...trim, color: [255, 255, 255] } }))).toEqual([50, 30]);
  });

  it('removes transparency', async () => {
    const inner = await plain(50, 30, RED).png().toBuffer();
    const source = await sharp({ create: { width: 100, height: 80, channels: 4, background: '#0000' } })
      .composite([{ input: inner, left: 10, top: 20 }])
      .png()
      .toBuffer();
    expect(size(await transform(source, { trim }))).toEqual([50, 30]);
  });

  it('leaves a picture that is all border, or too small for a border', async () => {
    expect(size(await transform(await plain(20, 10, RED).png().toBuffer(), { trim }))).toEqual([20, 10]);
    expect(size(await transform(await plain(3, 1, RED).png().toBuffer(), { trim }))).toEqual([3, 1]);
  });
});

describe('turning', () => {
  it.each([
    [{ rotate: 90 }, 'blue red white green'],
    [{ rotate: 180 }, 'white blue green red'],
    [{ rotate: 270 }, 'green white red blue'],
    [{ flip: { horizontal: true, vertical: false } }, 'green red white blue'],
    [{ flip: { horizontal: false, vertical: true } }, 'blue white red green'],
    [{ rotate: 90, flip: { horizontal: true, vertical: false } }, 'red blue green white'],
  ] as const)('%j', async (asked, expected) => {
    expect(await colours(await transform(quadrants, asked), CORNERS)).toBe(expected);
  });

  it('resizes into the box as it is after turning', async () => {
    expect(size(await transform(quadrants, { rotate: 90, resize: { width: 50 } }))).toEqual([50, 100]);
  });

  it.each(['jpeg', 'png', 'webp', 'avif', 'tiff'] as const)('applies the EXIF orientation of %s', async (format) => {
    for (const orientation of [1, 3, 6, 8]) {
      const stored = await sharp(quadrants).withMetadata({ orientation }).toFormat(format).toBuffer();
      const upright = await sharp(stored).autoOrient().png().toBuffer();
      const { body } = await transform(stored, { format: 'png' });
      const expected = { body: upright, contentType: '', width: 0, height: 0 };
      expect(await colours({ ...expected, body }, CORNERS)).toBe(await colours(expected, CORNERS));
      expect((await sharp(body).metadata()).orientation).toBeUndefined();
    }
  });

  it('does not turn if not asked to', async () => {
    const stored = await sharp(quadrants).withMetadata({ orientation: 6 }).png().toBuffer();
    expect(await colours(await transform(stored, { autoRotate: false }), CORNERS)).toBe('red green blue white');
  });
});

describe('filters, padding and background', () => {
  const spread = async (result: TransformResult): Promise<number> => {
    const { channels } = await sharp(result.body).stats();
    return channels.reduce((sum, channel) => sum + channel.stdev, 0);
  };
  const png = { format: 'png', resize: { width: 100 } } as const;

  it('blurs and sharpens', async () => {
    const still = await spread(await transform(cat, png));
    expect(await spread(await transform(cat, { ...png, blur: 5 }))).toBeLessThan(still * 0.95);
    expect(await spread(await transform(cat, { ...png, sharpen: 2 }))).toBeGreaterThan(still * 1.02);
  });

  it('does not blur into the padding', async () => {
    const padding = { top: 20, right: 20, bottom: 20, left: 20 };
    const source = await plain(60, 60, RED).png().toBuffer();
    const result = await transform(source, { blur: 10, padding, background: BLUE });
    expect(size(result)).toEqual([100, 100]);
    expect(
      await colours(result, [
        [0.18, 0.5],
        [0.22, 0.5],
        [0.5, 0.77],
        [0.5, 0.82],
      ]),
    ).toBe('blue red red blue');
  });

  it('pads in CSS order, times dpr', async () => {
    const padding = { top: 10, right: 20, bottom: 30, left: 40 };
    const result = await transform(quadrants, { resize: { width: 50 }, dpr: 2, padding, background: BLACK });
    expect(size(result)).toEqual([220, 130]);
    const inside = [
      [81, 21],
      [179, 21],
      [81, 69],
      [179, 69],
    ] as const;
    const outside = [
      [79, 21],
      [181, 21],
      [81, 19],
      [179, 71],
    ] as const;
    const at = (points: readonly (readonly [number, number])[]): [number, number][] =>
      points.map(([x, y]) => [(x + 0.5) / 220, (y + 0.5) / 130]);
    expect(await colours(result, at(inside))).toBe('red green blue white');
    expect(await colours(result, at(outside))).toBe('black black black black');
  });

  it('pads transparently without a background, and in white where the format has no transparency', async () => {
    const padding = { top: 50, right: 50, bottom: 50, left: 50 };
    expect(await colours(await transform(quadrants, { padding }), CORNERS)).toBe('- - - -');
    expect(await colours(await transform(quadrants, { padding, format: 'jpeg' }), CORNERS)).toBe(
      'white white white white',
    );
  });

  it('keeps transparency, fills it with the background, or with white in JPEG', async () => {
    const source = await sharp({ create: { width: 20, height: 20, channels: 4, background: '#0000' } })
      .png()
      .toBuffer();
    const centre = [[0.5, 0.5]] as const;
    for (const format of ['png', 'webp', 'avif', 'gif'] as const) {
      expect(await colours(await transform(source, { format }), centre), format).toBe('-');
    }
    expect(await colours(await transform(source, { format: 'jpeg' }), centre)).toBe('white');
    expect(await colours(await transform(source, { background: GREEN }), centre)).toBe('green');
  });
});

describe('metadata and colour', () => {
  const withExif = (): Promise<Buffer> =>
    sharp(quadrants)
      .jpeg()
      .withMetadata({ orientation: 6 })
      .withExifMerge({ IFD0: { Copyright: 'Someone' } })
      .toBuffer();

  it('strips everything', async () => {
    const found = await sharp((await transform(await withExif())).body).metadata();
    expect([found.exif, found.icc, found.xmp, found.orientation]).toEqual([undefined, undefined, undefined, undefined]);
  });

  it.each([{}, { blur: 3, padding: { top: 5, right: 5, bottom: 5, left: 5 } }])(
    'keeps EXIF data if asked, with an orientation that is true again: %j',
    async (asked) => {
      const found = await sharp(
        (await transform(await withExif(), { stripMetadata: false, ...asked })).body,
      ).metadata();
      expect(found.exif?.includes('Someone')).toBe(true);
      expect(found.orientation).toBe(1);
      expect(found.width).toBeLessThan(found.height);
    },
  );

  it('brings wide-gamut pictures to sRGB', async () => {
    const p3 = await plain(20, 20, RED).withIccProfile('p3').png().toBuffer();
    expect(await colours(await transform(p3), [[0.5, 0.5]])).toBe('red');
    const [r = 0, g = 0] = await sharp(p3, { ignoreIcc: true }).raw().toBuffer();
    expect([r < 240, g > 30]).toEqual([true, true]);
  });

  it('brings deep pictures with a profile to sRGB, where sharp alone leaves Display P3', async () => {
    const deep = await plain(20, 20, RED).toColourspace('rgb16').withIccProfile('srgb').png().toBuffer();
    const { body } = await transform(deep);
    expect([...(await sharp(body).raw().toBuffer()).subarray(0, 3)]).toEqual([255, 0, 0]);
  });
});

describe('sources that are at fault', () => {
  it('refuses what is no image', async () => {
    for (const text of ['', 'hello', '<html><svg/></html>', '%PDF-1.7 ...', 'BM....', '\0\0\x01\0', 'GIF8']) {
      expect(await refusal(transform(Buffer.from(text, 'latin1'))), text).toBe('not-an-image');
    }
  });

  it('refuses truncated files', async () => {
    expect(await refusal(transform(truncated))).toBe('broken-image');
  });

  it.each(['jpeg', 'png', 'webp', 'avif', 'gif', 'tiff'] as const)('refuses half a %s photograph', async (format) => {
    const whole = await sharp(astronaut).toFormat(format).toBuffer();
    const half = whole.subarray(0, Math.floor(whole.length / 2));
    expect(await refusal(transform(half, { resize: { width: 100 } }))).toBe('broken-image');
    expect(
      await refusal(
        transform(half, { trim: { threshold: 1, color: null, equalHorizontal: false, equalVertical: false } }),
      ),
    ).toBe('broken-image');
  });

  it('says so in sentences of its own and keeps the cause', async () => {
    const error = await transform(truncated).catch((cause: unknown) => cause);
    expect(error).toBeInstanceOf(TransformError);
    expect(error).toMatchObject({ message: expect.stringMatching(/^The source is damaged/), cause: expect.any(Error) });
  });

  it('rejects with the reason of an abort', async () => {
    const reason = new Error('gone');
    expect(await refusal(transform(cat, { signal: AbortSignal.abort(reason) }))).toBe('Error: gone');
    const controller = new AbortController();
    const under = transform(cat, { signal: controller.signal });
    controller.abort(reason);
    expect(await refusal(under)).toBe('Error: gone');
  });
});
