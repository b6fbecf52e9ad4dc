import { defineOptions, type ImageFormat, type OptionsOf, SettingsError } from '@tintype/core';

const table = {
  QUALITY: {
    kind: 'integer',
    description: 'Quality of lossy results from 1 to 100, where neither the request nor FORMAT_QUALITY says.',
    default: '80',
    min: 1,
    max: 100,
    imgproxy: true,
  },
  FORMAT_QUALITY: {
    kind: 'list',
    description: 'Quality by format, before QUALITY: a list of format=quality.',
    default: 'webp=79,avif=63',
    imgproxy: true,
  },
  JPEG_PROGRESSIVE: {
    kind: 'boolean',
    description: 'Makes progressive JPEG files: a few percent smaller, slower to make.',
    default: 'false',
    imgproxy: true,
  },
  AVIF_SPEED: {
    kind: 'integer',
    description: 'Speed of AVIF encoding from 0 (slow, small files) to 9 (fast).',
    default: '8',
    min: 0,
    max: 9,
    imgproxy: true,
  },
  WEBP_EFFORT: {
    kind: 'integer',
    description: 'Effort of WebP encoding from 0 (fast) to 6 (slow, small files).',
    default: '4',
    min: 0,
    max: 6,
    imgproxy: true,
  },
} as const;

/** Settings of the transformer, without a prefix: `TINTYPE_QUALITY`. */
export const sharpOptions: typeof table = defineOptions(table);

export type SharpOptions = OptionsOf<typeof sharpOptions>;

export type FormatQualities = ReadonlyMap<ImageFormat, number>;

/** Every format of the contract and imgproxy's other name for JPEG; those not made here are let pass. */
const FORMAT_NAMES: Readonly<Record<string, ImageFormat>> = {
  jpeg: 'jpeg',
  jpg: 'jpeg',
  png: 'png',
  webp: 'webp',
  avif: 'avif',
  gif: 'gif',
  svg: 'svg',
  tiff: 'tiff',
  heic: 'heic',
  jxl: 'jxl',
  bmp: 'bmp',
  ico: 'ico',
};

/** @throws SettingsError that names each wrong item. */
export function parseFormatQualities(items: readonly string[]): FormatQualities {
  const qualities = new Map<ImageFormat, number>();
  const problems = [];
  for (const item of items) {
    const [name = '', value = '', ...rest] = item.split('=').map((part) => part.trim());
    const format = FORMAT_NAMES[name];
    const quality = Number(value);
    if (format === undefined || rest.length > 0 || !/^\d+$/.test(value) || quality < 1 || quality > 100) {
      problems.push({
        variable: 'TINTYPE_FORMAT_QUALITY',
        message: `TINTYPE_FORMAT_QUALITY: "${item}" is not a format and a quality from 1 to 100, such as webp=79.`,
      });
    } else {
      qualities.set(format, quality);
    }
  }
  if (problems.length > 0) throw new SettingsError(problems);
  return qualities;
}
