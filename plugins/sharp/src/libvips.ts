import type { ImageFormat } from '@tintype/core';
import sharp, { type SharpOptions } from 'sharp';

/** A decoder that runs away is stopped by libvips after this many seconds. */
export const HARD_TIMEOUT_SECONDS = 30;

/** Loaders that this plugin needs; anything else that a build may bring stays out of reach. */
const LOADERS = [
  'VipsForeignLoadJpeg',
  'VipsForeignLoadPng',
  'VipsForeignLoadWebp',
  'VipsForeignLoadNsgif',
  'VipsForeignLoadHeif',
  'VipsForeignLoadTiff',
  'VipsForeignLoadSvg',
];

/**
 * Settings of libvips, which hold for the whole process:
 *
 * - no operation cache: results are cached elsewhere, and each source is seen once;
 * - one thread for each image: with as many transforms at a time as cores, more threads only get
 *   into each other's way, and encoders give the same bytes everywhere;
 * - only the loaders above.
 */
export function configureLibvips(): void {
  sharp.cache(false);
  sharp.concurrency(1);
  sharp.block({ operation: ['VipsForeignLoad'] });
  sharp.unblock({ operation: LOADERS });
}

/** HEIC needs a build of libheif with an HEVC decoder, which the prebuilt one lacks for its licence. */
export function readableFormats(): ImageFormat[] {
  const formats: ImageFormat[] = ['jpeg', 'png', 'webp', 'avif', 'gif', 'tiff', 'svg'];
  const suffixes: readonly string[] = sharp.format.heif.input.fileSuffix ?? [];
  if (suffixes.includes('.heic')) formats.push('heic');
  return formats;
}

/**
 * How sources are opened: any error or missing byte that the decoder notices is an error, and the
 * pixel limit is checked a second time by the loader itself.
 *
 * @param frames how many are decoded, from the first.
 * @param maxPixels 0 for drawings, whose nominal size means nothing.
 */
export function sourceOptions(frames: number, maxPixels: number): SharpOptions {
  return { failOn: 'error', pages: frames, limitInputPixels: maxPixels, sequentialRead: true };
}
