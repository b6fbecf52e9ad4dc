import { type ImageFormat, type Operations, type OutputRequest, TransformError } from '@tintype/core';
import type { Sharp } from 'sharp';
import type { Size } from './geometry.ts';
import type { FormatQualities, SharpOptions } from './options.ts';

/** What results can be made in. */
export type OutputFormat = Extract<ImageFormat, 'jpeg' | 'png' | 'webp' | 'avif' | 'gif'>;

interface FormatFacts {
  readonly contentType: string;
  readonly alpha: boolean;
  readonly motion: boolean;
  /** Pixels of a side that the file format or its encoder can hold. */
  readonly maxSide: number;
}

export const OUTPUT_FORMATS: Readonly<Record<OutputFormat, FormatFacts>> = {
  jpeg: { contentType: 'image/jpeg', alpha: false, motion: false, maxSide: 65_535 },
  png: { contentType: 'image/png', alpha: true, motion: false, maxSide: 2_147_483_647 },
  webp: { contentType: 'image/webp', alpha: true, motion: true, maxSide: 16_383 },
  avif: { contentType: 'image/avif', alpha: true, motion: false, maxSide: 16_384 },
  gif: { contentType: 'image/gif', alpha: true, motion: true, maxSide: 65_535 },
};

function isOutputFormat(format: ImageFormat): format is OutputFormat {
  return Object.hasOwn(OUTPUT_FORMATS, format);
}

/**
 * The format of the result. Not asked for one, it is the source's own if browsers show it, else PNG
 * if anything may be transparent, else JPEG.
 *
 * @throws TransformError `unsupported` for a format that is not made here.
 */
export function chooseFormat(
  asked: ImageFormat | null,
  source: { readonly format: ImageFormat; readonly hasAlpha: boolean },
  operations: Operations,
): OutputFormat {
  if (asked !== null) {
    if (isOutputFormat(asked)) return asked;
    throw new TransformError('unsupported', `Images can't be made in the format ${asked} here.`);
  }
  if (isOutputFormat(source.format)) return source.format;
  const { padding, resize, background } = operations;
  const surrounded =
    resize.extend !== null || padding.top > 0 || padding.right > 0 || padding.bottom > 0 || padding.left > 0;
  return background === null && (source.hasAlpha || surrounded) ? 'png' : 'jpeg';
}

/** Whether a source of this format keeps its motion in what is asked for. */
export function keepsMotion(asked: ImageFormat | null, source: ImageFormat): boolean {
  const format = asked ?? source;
  return isOutputFormat(format) && OUTPUT_FORMATS[format].motion;
}

/** Turns a request and the settings into one encoder's options. */
export class Encoding {
  readonly #options: SharpOptions;
  readonly #qualities: FormatQualities;

  constructor(options: SharpOptions, qualities: FormatQualities) {
    this.#options = options;
    this.#qualities = qualities;
  }

  quality(format: OutputFormat, asked: OutputRequest['quality']): number {
    return asked || (this.#qualities.get(format) ?? this.#options.quality);
  }

  /** @param motion delays in milliseconds and loop count, where the pixels no longer carry them. */
  apply(
    image: Sharp,
    format: OutputFormat,
    asked: number,
    motion?: { readonly delay: number[]; readonly loop: number },
  ): Sharp {
    const quality = this.quality(format, asked);
    switch (format) {
      case 'jpeg':
        return image.jpeg({ quality, progressive: this.#options.jpegProgressive });
      case 'png':
        return image.png();
      case 'webp':
        return image.webp({ quality, effort: this.#options.webpEffort, ...motion });
      case 'avif':
        return image.avif({ quality, effort: 9 - this.#options.avifSpeed, chromaSubsampling: '4:2:0' });
      case 'gif':
        return image.gif({ ...motion });
    }
  }
}

/** @throws TransformError `result-too-large` for what the file format cannot hold. */
export function requireFormatHolds(format: OutputFormat, size: Size): void {
  const { maxSide } = OUTPUT_FORMATS[format];
  if (size.width > maxSide || size.height > maxSide) {
    throw new TransformError(
      'result-too-large',
      `The result would be ${size.width} × ${size.height} pixels; a ${format} image has at most ${maxSide} a side.`,
    );
  }
}
