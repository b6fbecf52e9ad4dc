import type { Json } from './entry-metadata.ts';

/** How the picture meets the box of `width` × `height`. Names and meaning as in imgproxy. */
export type ResizeType =
  /** As large as fits into the box, ratio kept. */
  | 'fit'
  /** Covers the box, ratio kept, the rest cut off by gravity. */
  | 'fill'
  /** As `fill`; where the picture is smaller, the result is smaller and has the box's ratio. */
  | 'fill-down'
  /** Exactly the box, ratio ignored. */
  | 'force'
  /** `fill` if picture and box are both landscape or both portrait, else `fit`. */
  | 'auto';

export type Compass =
  | 'center'
  | 'north'
  | 'south'
  | 'east'
  | 'west'
  | 'north-east'
  | 'north-west'
  | 'south-east'
  | 'south-west';

/** Which part of a picture matters when some of it is cut off. */
export type Gravity =
  /** Offsets are inward from the edge: pixels if their absolute value is 1 or more, else a part of the size. */
  | { readonly type: 'compass'; readonly at: Compass; readonly x: number; readonly y: number }
  /** A point, each coordinate from 0 to 1. */
  | { readonly type: 'focus'; readonly x: number; readonly y: number }
  /** The most interesting part, found by the transformer. */
  | { readonly type: 'smart' };

/** Red, green, blue: 0 to 255 each. */
export type Rgb = readonly [red: number, green: number, blue: number];

/**
 * What is done to a picture, in canonical form: every default is written out, so that two requests
 * that mean the same are equal as JSON. The order of application is fixed, whatever order a URL has
 * them in: auto-rotate, trim, crop, rotate and flip, resize (so the box is the turned picture's),
 * blur and sharpen, padding, background.
 *
 * Sizes are in CSS pixels, multiplied by `dpr`. 0 or `null` means "not asked for".
 */
export interface Operations {
  readonly resize: {
    readonly type: ResizeType;
    readonly width: number;
    readonly height: number;
    /** Scale up a picture that is smaller than asked for. */
    readonly enlarge: boolean;
    /** Place a smaller result on a canvas of the asked-for size. */
    readonly extend: Gravity | null;
  };
  readonly minWidth: number;
  readonly minHeight: number;
  readonly zoom: { readonly x: number; readonly y: number };
  readonly dpr: number;
  readonly gravity: Gravity;
  /** Sizes of 1 or more are pixels of the source, below 1 a part of it, 0 the whole. */
  readonly crop: { readonly width: number; readonly height: number; readonly gravity: Gravity | null } | null;
  readonly trim: {
    readonly threshold: number;
    readonly color: Rgb | null;
    readonly equalHorizontal: boolean;
    readonly equalVertical: boolean;
  } | null;
  /** In pixels, CSS order. */
  readonly padding: { readonly top: number; readonly right: number; readonly bottom: number; readonly left: number };
  readonly autoRotate: boolean;
  /** Clockwise degrees. */
  readonly rotate: 0 | 90 | 180 | 270;
  readonly flip: { readonly horizontal: boolean; readonly vertical: boolean };
  /** Sigma of the Gaussian, 0 = none. */
  readonly blur: number;
  readonly sharpen: number;
  readonly background: Rgb | null;
  readonly stripMetadata: boolean;
  /** Operations of other transformers, by name. Sorted by name in the key. */
  readonly extra: { readonly [name: string]: Json };
}

/** No operation at all, except what makes a picture fit for the web. */
export const NO_OPERATIONS: Operations = {
  resize: { type: 'fit', width: 0, height: 0, enlarge: false, extend: null },
  minWidth: 0,
  minHeight: 0,
  zoom: { x: 1, y: 1 },
  dpr: 1,
  gravity: { type: 'compass', at: 'center', x: 0, y: 0 },
  crop: null,
  trim: null,
  padding: { top: 0, right: 0, bottom: 0, left: 0 },
  autoRotate: true,
  rotate: 0,
  flip: { horizontal: false, vertical: false },
  blur: 0,
  sharpen: 0,
  background: null,
  stripMetadata: true,
  extra: {},
};
