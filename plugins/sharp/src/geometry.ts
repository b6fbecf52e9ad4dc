import type { Gravity, Operations } from '@tintype/core';

/*
 * Sizes and positions, as pure functions. The rules are imgproxy's (its `processing/prepare.go` and
 * `calc_position.go`), so that a URL gives the same size here and there.
 */

export interface Size {
  readonly width: number;
  readonly height: number;
}

export interface Rectangle extends Size {
  readonly left: number;
  readonly top: number;
}

export interface Margins {
  readonly top: number;
  readonly right: number;
  readonly bottom: number;
  readonly left: number;
}

type Sizing = Pick<Operations, 'resize' | 'minWidth' | 'minHeight' | 'zoom' | 'dpr' | 'padding'>;

/** What scaling and cutting come to, all in pixels of the result. */
export interface Sizes {
  /** The whole picture, or its crop, after scaling. */
  readonly scaled: Size;
  /** What is left of `scaled` after the surplus is cut off by gravity. */
  readonly kept: Size;
  /** The canvas that `kept` is placed on: `kept` itself unless extended. */
  readonly canvas: Size;
  /** Padding around the canvas. */
  readonly padding: Margins;
  /** Canvas and padding. */
  readonly result: Size;
  /** By how much the sides shrink, before rounding; `undefined` if each does by its own factor. */
  readonly shrink: number | undefined;
  /** What dpr came to: less than asked for if the picture has too few pixels. Scales offsets. */
  readonly dpr: number;
}

/** Halves go to the even neighbour. */
export function roundToEven(value: number): number {
  const floor = Math.floor(value);
  const rest = value - floor;
  if (rest !== 0.5) return Math.round(value);
  return floor % 2 === 0 ? floor : floor + 1;
}

function smallerOrSet(a: number, b: number): number {
  if (a === 0) return b;
  if (b === 0) return a;
  return Math.min(a, b);
}

/** Pixels of a crop side: 0 = all, 1 and above pixels, below 1 a part; never more than there is. */
export function cropSide(whole: number, asked: number): number {
  if (asked === 0) return whole;
  const side = asked >= 1 ? Math.trunc(asked) : Math.max(1, Math.round(whole * asked));
  return Math.min(side, whole);
}

/** How much smaller each side becomes, before dpr: 2 is half the size. */
function shrinks(source: Size, sizing: Sizing): { horizontal: number; vertical: number } {
  const { resize } = sizing;
  const wanted = { width: resize.width || source.width, height: resize.height || source.height };
  const horizontal = source.width / wanted.width;
  const vertical = source.height / wanted.height;
  if (horizontal === 1 && vertical === 1) return { horizontal, vertical };

  let type = resize.type;
  if (type === 'auto') {
    const alike = source.width >= source.height === wanted.width >= wanted.height;
    type = alike ? 'fill' : 'fit';
  }
  if (type === 'force') return { horizontal, vertical };
  let both: number;
  if (resize.width === 0) both = vertical;
  else if (resize.height === 0) both = horizontal;
  else if (type === 'fit') both = Math.max(horizontal, vertical);
  else both = Math.min(horizontal, vertical);
  return { horizontal: both, vertical: both };
}

/**
 * How large everything becomes.
 *
 * @param source what is scaled: the picture, upright, after trim and crop.
 * @param isVector a drawing has no pixels to run out of, so it is enlarged without being asked.
 */
export function resultSizes(source: Size, sizing: Sizing, isVector = false): Sizes {
  const { resize, zoom } = sizing;
  let { horizontal, vertical } = shrinks(source, sizing);
  horizontal /= zoom.x;
  vertical /= zoom.y;

  let dpr = sizing.dpr;
  if (!resize.enlarge && !isVector) {
    const least = Math.min(horizontal, vertical);
    if (least < 1) {
      horizontal /= least;
      vertical /= least;
      // The asked-for size is out of reach already; a dpr below 1 must not lead further away from
      // it. With `extend` the composition counts, and it has to be the same at every dpr.
      if (resize.extend === null) dpr /= least;
    }
    dpr = Math.min(dpr, horizontal, vertical);
  }

  if (sizing.minWidth > 0) {
    const shrink = source.width / sizing.minWidth;
    if (shrink < horizontal) {
      vertical *= shrink / horizontal;
      horizontal = shrink;
    }
  }
  if (sizing.minHeight > 0) {
    const shrink = source.height / sizing.minHeight;
    if (shrink < vertical) {
      horizontal *= shrink / vertical;
      vertical = shrink;
    }
  }

  // No side below one pixel.
  horizontal = Math.min(horizontal / dpr, source.width);
  vertical = Math.min(vertical / dpr, source.height);

  const scaled = { width: scaledSide(source.width, horizontal), height: scaledSide(source.height, vertical) };
  const target = {
    width: Math.round(resize.width * dpr * zoom.x),
    height: Math.round(resize.height * dpr * zoom.y),
  };
  const box = resize.type === 'fill-down' && !resize.enlarge ? boxWithin(scaled, target) : target;
  const kept = {
    width: smallerOrSet(box.width, scaled.width),
    height: smallerOrSet(box.height, scaled.height),
  };
  const canvas =
    resize.extend === null
      ? kept
      : { width: Math.max(target.width, kept.width), height: Math.max(target.height, kept.height) };
  const padding = {
    top: roundToEven(sizing.padding.top * dpr),
    right: roundToEven(sizing.padding.right * dpr),
    bottom: roundToEven(sizing.padding.bottom * dpr),
    left: roundToEven(sizing.padding.left * dpr),
  };
  const result = {
    width: canvas.width + padding.left + padding.right,
    height: canvas.height + padding.top + padding.bottom,
  };
  const shrink = horizontal === vertical ? horizontal : undefined;
  return { scaled, kept, canvas, padding, result, shrink, dpr };
}

function scaledSide(side: number, shrink: number): number {
  return Math.max(1, Math.round(side * (1 / shrink)));
}

/** `fill-down`: the largest box with the ratio of `target` that the picture covers. */
function boxWithin(scaled: Size, target: Size): Size {
  const horizontal = target.width / scaled.width;
  const vertical = target.height / scaled.height;
  if (horizontal > vertical && horizontal > 1) {
    return { width: scaled.width, height: Math.max(1, Math.round((scaled.width * target.height) / target.width)) };
  }
  if (vertical > horizontal && vertical > 1) {
    return { width: Math.max(1, Math.round((scaled.height * target.width) / target.height)), height: scaled.height };
  }
  return target;
}

/**
 * The left upper corner of `inner` within `outer` by gravity, always so that `inner` lies inside.
 *
 * @param dpr scales offsets that are pixels.
 */
export function position(outer: Size, inner: Size, gravity: Gravity, dpr: number): { left: number; top: number } {
  const at = corner(outer, inner, gravity, dpr);
  return {
    left: Math.max(0, Math.min(at.left, outer.width - inner.width)),
    top: Math.max(0, Math.min(at.top, outer.height - inner.height)),
  };
}

function corner(outer: Size, inner: Size, gravity: Gravity, dpr: number): { left: number; top: number } {
  if (gravity.type === 'focus') {
    return {
      left: roundToEven(outer.width * gravity.x) - Math.trunc(inner.width / 2),
      top: roundToEven(outer.height * gravity.y) - Math.trunc(inner.height / 2),
    };
  }
  const centre = {
    left: roundToEven((outer.width - inner.width + 1) / 2),
    top: roundToEven((outer.height - inner.height + 1) / 2),
  };
  if (gravity.type === 'smart') return centre;

  const x = offset(gravity.x, outer.width, dpr);
  const y = offset(gravity.y, outer.height, dpr);
  let left = centre.left + x;
  let top = centre.top + y;
  if (gravity.at.endsWith('west')) left = x;
  if (gravity.at.endsWith('east')) left = outer.width - inner.width - x;
  if (gravity.at.startsWith('north')) top = y;
  if (gravity.at.startsWith('south')) top = outer.height - inner.height - y;
  return { left, top };
}

function offset(value: number, whole: number, dpr: number): number {
  return roundToEven(Math.abs(value) >= 1 ? value * dpr : value * whole);
}

/** What lies around `inner` at `at` on a canvas of size `outer`, widened by `padding`. */
export function marginsAround(
  outer: Size,
  inner: Size,
  at: { readonly left: number; readonly top: number },
  padding: Margins,
): Margins {
  return {
    top: at.top + padding.top,
    right: outer.width - inner.width - at.left + padding.right,
    bottom: outer.height - inner.height - at.top + padding.bottom,
    left: at.left + padding.left,
  };
}

export function isSameSize(a: Size, b: Size): boolean {
  return a.width === b.width && a.height === b.height;
}

export function hasMargins(margins: Margins): boolean {
  return margins.top > 0 || margins.right > 0 || margins.bottom > 0 || margins.left > 0;
}
