import type { ImageFormat } from '@tintype/core';
import sharp from 'sharp';
import { asTransformError } from './errors.ts';
import { requireReadable } from './header.ts';
import { sourceOptions } from './libvips.ts';
import { countFrames, firstFrame, requireFramesWithin } from './motion.ts';

/** What the header of a source says. No pixel has been decoded. */
export interface Source {
  /** The source's bytes, or those of its first frame if the result stands still. */
  readonly input: Uint8Array;
  readonly format: ImageFormat;
  /** Of one frame, as stored: before EXIF orientation. */
  readonly width: number;
  readonly height: number;
  /** That will be decoded: 1 if the result stands still. */
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

/** Formats whose pages are frames; those of a TIFF are pages, of which the first is taken. */
const MOVING: ReadonlySet<ImageFormat> = new Set(['gif', 'webp']);

/** Names that libvips uses for formats and the contract doesn't. */
const LIBVIPS_NAMES: Partial<Record<ImageFormat, string>> = { avif: 'heif', heic: 'heif' };

/**
 * Reads the header.
 *
 * @param readable formats that may go to libvips.
 * @param keepsMotion whether the result moves if the source does.
 * @throws TransformError `not-an-image`, `broken-image`, `too-many-frames`
 */
export async function readHeader(
  input: Uint8Array,
  readable: readonly ImageFormat[],
  keepsMotion: (format: ImageFormat) => boolean,
  maxFrames: number,
): Promise<Source> {
  const format = requireReadable(input, readable);
  const motion = countFrames(input, format, maxFrames);
  const moves = keepsMotion(format);
  if (moves) requireFramesWithin(motion.frames, maxFrames);
  const bytes = moves ? input : firstFrame(input, format, motion);
  try {
    const found = await sharp(bytes, sourceOptions(1, 0)).metadata();
    if (found.format !== (LIBVIPS_NAMES[format] ?? format)) {
      throw new Error(`The bytes look like ${format}, but libvips reads them as ${found.format}.`);
    }
    return {
      input: bytes,
      format,
      width: found.width,
      height: found.height,
      frames: moves && MOVING.has(format) ? (found.pages ?? 1) : 1,
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
