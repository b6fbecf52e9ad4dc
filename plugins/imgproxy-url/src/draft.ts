import {
  type Gravity,
  type ImageFormat,
  type ImageRequest,
  NO_OPERATIONS,
  type Operations,
  type OutputRequest,
  type ResizeType,
  type Rgb,
} from '@tintype/core';
import { CENTER, sameGravity } from './gravity.ts';

/**
 * What the options read so far ask for. Flat, and nested values are replaced as wholes, so that
 * presets are patches of it and a copy is a shallow one.
 */
export interface Draft {
  type: ResizeType;
  width: number;
  height: number;
  enlarge: boolean;
  extend: Gravity | null;
  minWidth: number;
  minHeight: number;
  zoom: Operations['zoom'];
  dpr: number;
  gravity: Gravity;
  crop: Operations['crop'];
  trim: Operations['trim'];
  padding: Operations['padding'];
  autoRotate: boolean;
  rotate: Operations['rotate'];
  flip: Operations['flip'];
  blur: number;
  sharpen: number;
  background: Rgb | null;
  stripMetadata: boolean;
  quality: number;
  format: ImageFormat | null;
  raw: boolean;
  cachebuster: string;
  expiresAt: number | undefined;
  filename: string | undefined;
  attachment: boolean;
}

/** What an option or a preset writes. No option reads what another one wrote. */
export type Patch = Partial<Draft>;

/** A request without any option. */
export const START: Readonly<Draft> = {
  ...NO_OPERATIONS.resize,
  minWidth: NO_OPERATIONS.minWidth,
  minHeight: NO_OPERATIONS.minHeight,
  zoom: NO_OPERATIONS.zoom,
  dpr: NO_OPERATIONS.dpr,
  gravity: CENTER,
  crop: NO_OPERATIONS.crop,
  trim: NO_OPERATIONS.trim,
  padding: NO_OPERATIONS.padding,
  autoRotate: NO_OPERATIONS.autoRotate,
  rotate: NO_OPERATIONS.rotate,
  flip: NO_OPERATIONS.flip,
  blur: NO_OPERATIONS.blur,
  sharpen: NO_OPERATIONS.sharpen,
  background: NO_OPERATIONS.background,
  stripMetadata: NO_OPERATIONS.stripMetadata,
  quality: 0,
  format: null,
  raw: false,
  cachebuster: '',
  expiresAt: undefined,
  filename: undefined,
  attachment: false,
};

const AS_IT_IS: OutputRequest = { format: null, quality: 0 };

/** The canonical request of a finished draft. */
export function finish(draft: Draft, source: string): ImageRequest {
  return {
    source,
    mode: draft.raw ? 'raw' : 'transform',
    // What a raw source is not subject to must not split its cache entry.
    operations: draft.raw ? NO_OPERATIONS : operationsOf(draft),
    output: draft.raw ? AS_IT_IS : { format: draft.format, quality: draft.quality },
    cachebuster: draft.cachebuster,
    response: { expiresAt: draft.expiresAt, filename: draft.filename, attachment: draft.attachment },
  };
}

function operationsOf(draft: Draft): Operations {
  return {
    resize: {
      type: draft.type,
      width: draft.width,
      height: draft.height,
      enlarge: draft.enlarge,
      extend: draft.extend,
    },
    minWidth: draft.minWidth,
    minHeight: draft.minHeight,
    zoom: draft.zoom,
    dpr: draft.dpr,
    gravity: draft.gravity,
    crop: cropOf(draft),
    trim: draft.trim,
    padding: draft.padding,
    autoRotate: draft.autoRotate,
    rotate: draft.rotate,
    flip: draft.flip,
    blur: draft.blur,
    sharpen: draft.sharpen,
    background: draft.background,
    stripMetadata: draft.stripMetadata,
    extra: NO_OPERATIONS.extra,
  };
}

/** A crop without a gravity of its own takes the general one: naming that one changes nothing. */
function cropOf({ crop, gravity }: Draft): Operations['crop'] {
  if (crop === null || (crop.width === 0 && crop.height === 0)) return null;
  return crop.gravity !== null && sameGravity(crop.gravity, gravity) ? { ...crop, gravity: null } : crop;
}
