import type { Operations, TransformLimits } from '@tintype/core';
import { type OutputFormat, requireFormatHolds } from './formats.ts';
import {
  cropSide,
  hasMargins,
  isSameSize,
  type Margins,
  marginsAround,
  position,
  type Rectangle,
  resultSizes,
  type Size,
} from './geometry.ts';
import { findInterestingInSource } from './interesting.ts';
import { requireResultWithin, requireSourceWithin } from './limits.ts';
import type { Source } from './source.ts';
import { findTrim } from './trim.ts';
import { swapsSides, type Turn, turnSize, unturnRectangle, wholeTurn } from './turn.ts';
import { exactSide } from './uniform.ts';

/** All that will be done, in numbers, in this order. */
export interface Plan {
  readonly source: Source;
  readonly format: OutputFormat;
  /** How many are decoded. */
  readonly frames: number;
  readonly maxPixels: number;
  /** What trim and crop leave, in the stored picture; `undefined` = all. */
  readonly area: Rectangle | undefined;
  /** What `area` is scaled to, before it is turned. */
  readonly scaled: Size;
  /** The one side that determines `scaled`; `undefined` if both have to be forced. */
  readonly scaleBy: 'width' | 'height' | undefined;
  readonly turn: Turn;
  /** What is kept of the scaled and turned picture: a rectangle, or a size whose place is found by attention. */
  readonly kept: Rectangle | { readonly attention: Size } | undefined;
  readonly blur: number;
  readonly sharpen: number;
  /** Around what is kept; `undefined` = nothing. */
  readonly margins: Margins | undefined;
  /** What shines through and fills margins; `undefined` = transparency stays. */
  readonly background: Operations['background'] | undefined;
  readonly keepMetadata: boolean;
  /** The pixels are upright now, whatever the EXIF data say. */
  readonly resetOrientation: boolean;
}

const WHITE = [255, 255, 255] as const;

/**
 * Plans a transform. Only trim and a smart crop look at pixels.
 *
 * Everything is measured on the picture as it is seen in the end: turned upright, rotated and
 * flipped. That is why `crop` and the box of `resize` mean the rotated picture, as in imgproxy.
 *
 * @throws TransformError `result-too-large`, `too-many-pixels` for a drawing; what sharp rejects with
 */
export async function makePlan(
  source: Source,
  operations: Operations,
  format: OutputFormat,
  limits: TransformLimits,
): Promise<Plan> {
  const { frames } = source;
  const maxPixels = limits.maxSourcePixels;
  const turn = wholeTurn(source.orientation, operations);
  const isVector = source.format === 'svg';
  const looksAtPixels = operations.trim !== null || operations.crop !== null;
  if (isVector && looksAtPixels) requireSourceWithin(limits, source, 1);

  let area: Rectangle = { left: 0, top: 0, width: source.width, height: source.height };
  // As in imgproxy, an animation is not trimmed: the border of one frame is not that of another.
  if (operations.trim !== null && frames === 1) {
    area = await findTrim(source, operations.trim, swapsSides(turn), maxPixels);
  }
  if (operations.crop !== null) area = await cropArea(source, area, turn, operations, maxPixels);

  const sizes = resultSizes(turnSize(area, turn), operations, isVector);
  requireResultWithin(limits, sizes.result, sizes.scaled, frames);
  requireFormatHolds(format, sizes.result);
  if (isVector) requireSourceWithin(limits, sizes.scaled, 1);

  let kept: Plan['kept'];
  if (!isSameSize(sizes.kept, sizes.scaled)) {
    kept =
      operations.gravity.type === 'smart'
        ? { attention: sizes.kept }
        : { ...sizes.kept, ...position(sizes.scaled, sizes.kept, operations.gravity, sizes.dpr) };
  }

  const { extend } = operations.resize;
  const at = extend === null ? { left: 0, top: 0 } : position(sizes.canvas, sizes.kept, extend, sizes.dpr);
  const margins = marginsAround(sizes.canvas, sizes.kept, at, sizes.padding);
  const scaled = turnSize(sizes.scaled, turn);
  const scalesOnLoad = isVector || source.format === 'webp';
  return {
    source,
    format,
    frames,
    maxPixels: isVector ? 0 : maxPixels,
    area: isSameSize(area, source) ? undefined : area,
    scaled,
    scaleBy: scalesOnLoad || sizes.shrink === undefined ? undefined : exactSide(area, scaled, sizes.shrink),
    turn,
    kept,
    blur: operations.blur,
    sharpen: operations.sharpen,
    margins: hasMargins(margins) ? margins : undefined,
    // JPEG has no transparency; imgproxy too puts white behind it.
    background: operations.background ?? (format === 'jpeg' ? WHITE : undefined),
    keepMetadata: !operations.stripMetadata,
    resetOrientation: operations.autoRotate,
  };
}

async function cropArea(
  source: Source,
  area: Rectangle,
  turn: Turn,
  operations: Operations,
  maxPixels: number,
): Promise<Rectangle> {
  const { crop } = operations;
  if (crop === null) return area;
  const upright = turnSize(area, turn);
  const size = { width: cropSide(upright.width, crop.width), height: cropSide(upright.height, crop.height) };
  if (isSameSize(size, upright)) return area;
  const gravity = crop.gravity ?? operations.gravity;
  if (gravity.type === 'smart') return findInterestingInSource(source, area, turnSize(size, turn), maxPixels);
  const within = unturnRectangle({ ...size, ...position(upright, size, gravity, 1) }, area, turn);
  return { ...within, left: area.left + within.left, top: area.top + within.top };
}
