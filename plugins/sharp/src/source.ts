import type { ImageFormat } from '@tintype/core';
import sharp from 'sharp';
import { asTransformError } from './errors.ts';
import { requireReadable } from './header.ts';
import { sourceOptions } from './libvips.ts';

/** What the header of a source says. No pixel has been decoded. */
export interface Source {
  readonly input: Uint8Array;
  readonly format: ImageFormat;
  /** Of one frame, as stored: before EXIF orientation. */
  readonly width: number;
  readonly height: number;
  readonly frames: number;
  readonly hasAlpha: boolean;
  /** EXIF orientation, 1 to 8. */
  readonly orientation: number | undefined;
  /** More than 8 bits a channel. */
  readonly isDeep: boolean;
  /** Red, green, blue with 8 bits each and nothing else. */
  readonly isPlain: boolean;
  readonly hasProfile: boolean;
  readonly delay: readonly number[];
  readonly loop: number;
}

/** Names that libvips uses for formats and the contract doesn't. */
const LIBVIPS_NAMES: Partial<Record<ImageFormat, string>> = { avif: 'heif', heic: 'heif' };

/**
 * Reads the header.
 *
 * @throws TransformError `not-an-image`, `broken-image`
 */
export async function readHeader(input: Uint8Array, readable: readonly ImageFormat[]): Promise<Source> {
  const format = requireReadable(input, readable);
  try {
    const found = await sharp(input, sourceOptions(1, 0)).metadata();
    if (found.format !== (LIBVIPS_NAMES[format] ?? format)) {
      throw new Error(`The bytes look like ${format}, but libvips reads them as ${found.format}.`);
    }
    const frames = format === 'gif' || format === 'webp' ? (found.pages ?? 1) : 1;
    return {
      input,
      format,
      width: found.width,
      height: found.height,
      frames,
      hasAlpha: found.hasAlpha,
      orientation: found.orientation,
      isDeep: found.depth !== 'uchar',
      isPlain: found.space === 'srgb' && found.depth === 'uchar' && !found.hasAlpha,
      hasProfile: found.hasProfile,
      delay: found.delay ?? [],
      loop: found.loop ?? 0,
    };
  } catch (cause) {
    throw asTransformError(cause, 'source');
  }
}
