import type { Operations } from '@tintype/core';
import sharp, { type Sharp } from 'sharp';
import type { Rectangle, Size } from './geometry.ts';
import { sourceOptions } from './libvips.ts';
import { render, reopen } from './picture.ts';
import type { Source } from './source.ts';

type Trim = NonNullable<Operations['trim']>;

/** Stands for transparency while borders are looked for: hardly a colour of a real picture. */
const MAGENTA = { r: 255, g: 0, b: 255 };

/**
 * What remains without the border of one colour, in the frame of the stored picture. The colour is
 * the one asked for or that of the left upper pixel. A picture of nothing but border is left whole.
 *
 * @param swapped the picture will be turned by a quarter, so that its horizontal is vertical here.
 */
export async function findTrim(source: Source, trim: Trim, swapped: boolean, maxPixels: number): Promise<Rectangle> {
  const whole = { left: 0, top: 0, width: source.width, height: source.height };
  // libvips looks with a window of 3 × 3.
  if (source.width < 3 || source.height < 3) return whole;
  const found = await contentOf(source, trim, maxPixels);
  return equalise(found, whole, {
    horizontal: swapped ? trim.equalVertical : trim.equalHorizontal,
    vertical: swapped ? trim.equalHorizontal : trim.equalVertical,
  });
}

async function contentOf(source: Source, trim: Trim, maxPixels: number): Promise<Rectangle> {
  let image = sharp(source.input, sourceOptions(1, source.format === 'svg' ? 0 : maxPixels));
  if (!source.isPlain) {
    // sharp trims before it converts colours and removes transparency, and this has to see them done.
    image = reopen(await render(image.flatten({ background: MAGENTA }).toColourspace('srgb'), false));
  }
  const { info } = await image
    .trim({ threshold: trim.threshold, ...(trim.color !== null && { background: rgb(trim.color) }) })
    .extractChannel(0)
    .raw()
    .toBuffer({ resolveWithObject: true });
  return {
    left: Math.abs(info.trimOffsetLeft ?? 0),
    top: Math.abs(info.trimOffsetTop ?? 0),
    width: info.width,
    height: info.height,
  };
}

function rgb([r, g, b]: NonNullable<Trim['color']>): Parameters<Sharp['flatten']>[0] & {
  r: number;
  g: number;
  b: number;
} {
  return { r, g, b };
}

/** Takes as little from both opposite sides as from the side that loses less. */
export function equalise(
  found: Rectangle,
  whole: Size,
  equal: { readonly horizontal: boolean; readonly vertical: boolean },
): Rectangle {
  let { left, top, width, height } = found;
  if (equal.horizontal) {
    const margin = Math.min(left, whole.width - left - width);
    left = margin;
    width = whole.width - 2 * margin;
  }
  if (equal.vertical) {
    const margin = Math.min(top, whole.height - top - height);
    top = margin;
    height = whole.height - 2 * margin;
  }
  return { left, top, width, height };
}
