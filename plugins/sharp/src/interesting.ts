import sharp, { type Sharp } from 'sharp';
import { isSameSize, type Rectangle, type Size } from './geometry.ts';
import { sourceOptions } from './libvips.ts';
import { type Picture, render, reopen } from './picture.ts';
import type { Source } from './source.ts';

/** Attention is looked for in a copy no larger than this; libvips itself goes down to about 32. */
const SKETCH_SIDE = 512;

/** How a rectangle of `size` is laid over what catches the eye: edges, skin, saturated colours. */
function attention(image: Sharp, size: Size): Sharp {
  return image.resize(size.width, size.height, {
    fit: 'cover',
    position: sharp.strategy.attention,
    withoutReduction: true,
  });
}

/** Where a part of `size` of the picture is the most interesting. */
export async function findInteresting(picture: Picture, size: Size): Promise<Rectangle> {
  if (isSameSize(picture, size)) return { left: 0, top: 0, ...size };
  const { info } = await attention(reopen(picture), size).extractChannel(0).raw().toBuffer({ resolveWithObject: true });
  return {
    left: clamp(Math.abs(info.cropOffsetLeft ?? 0), picture.width - size.width),
    top: clamp(Math.abs(info.cropOffsetTop ?? 0), picture.height - size.height),
    width: size.width,
    height: size.height,
  };
}

/** The same in the first frame of a source, within `area` of it. */
export async function findInterestingInSource(
  source: Source,
  area: Rectangle,
  size: Size,
  maxPixels: number,
): Promise<Rectangle> {
  const image = sharp(source.input, sourceOptions(1, source.format === 'svg' ? 0 : maxPixels));
  const scale = Math.min(1, SKETCH_SIDE / Math.max(area.width, area.height));
  const sketch = await render(
    (area.width === source.width && area.height === source.height ? image : image.extract(area)).resize(
      part(area.width, scale),
      part(area.height, scale),
      { fit: 'fill' },
    ),
    false,
  );
  const found = await findInteresting(sketch, {
    width: Math.min(sketch.width, part(size.width, scale)),
    height: Math.min(sketch.height, part(size.height, scale)),
  });
  return {
    left: area.left + clamp(Math.round(found.left / scale), area.width - size.width),
    top: area.top + clamp(Math.round(found.top / scale), area.height - size.height),
    width: size.width,
    height: size.height,
  };
}

function part(side: number, scale: number): number {
  return Math.max(1, Math.round(side * scale));
}

function clamp(value: number, max: number): number {
  return Math.max(0, Math.min(value, max));
}
