import type { Operations } from '@tintype/core';
import type { Size } from './geometry.ts';
import type { Plan } from './plan.ts';
import type { Source } from './source.ts';
import { turnSize } from './turn.ts';

/** Red, green, blue and alpha. */
const CHANNELS = 4;

/** By how much libjpeg shrinks while it decodes, the most first. */
const JPEG_FACTORS = [8, 4, 2];

/**
 * Bytes that carrying out a plan takes at the peak, estimated: the pixels that are decoded, those that
 * are scaled and those of the result, four channels each, all frames. It is more than most take, since
 * libvips works through many formats in strips; but not through those that are decoded at once (AVIF,
 * HEIC, WebP, interlaced and progressive files), which nobody can tell from the header in time.
 */
export function bytesToProduce(plan: Plan): number {
  const { source, scaled, kept, margins, frames } = plan;
  const result = kept === undefined ? turnSize(scaled, plan.turn) : 'attention' in kept ? kept.attention : kept;
  const width = result.width + (margins === undefined ? 0 : margins.left + margins.right);
  const height = result.height + (margins === undefined ? 0 : margins.top + margins.bottom);
  const depth = source.isDeep ? 2 : 1;
  const decoded = decodedSize(plan);
  return CHANNELS * frames * (depth * (area(decoded) + area(scaled)) + width * height);
}

/**
 * Bytes that planning takes, for what has to look at pixels first: a trim, and a crop to what is
 * interesting. One frame in full size.
 */
export function bytesToPlan(source: Source, operations: Operations): number {
  const { trim, crop, gravity } = operations;
  const looks = (trim !== null && source.frames === 1) || (crop !== null && (crop.gravity ?? gravity).type === 'smart');
  return looks ? CHANNELS * (source.isDeep ? 2 : 1) * area(source) : 0;
}

/** What is in memory after decoding: a JPEG and a WebP are shrunk on the way, a drawing is rendered at its size. */
function decodedSize({ source, scaled, area: part, frames }: Plan): Size {
  if (source.format === 'svg') return scaled;
  if (part !== undefined || frames > 1) return source;
  const shrink = Math.min(source.width / scaled.width, source.height / scaled.height);
  let factor = 1;
  if (source.format === 'jpeg') factor = JPEG_FACTORS.find((possible) => possible <= shrink) ?? 1;
  if (source.format === 'webp') factor = Math.max(1, shrink);
  return { width: Math.ceil(source.width / factor), height: Math.ceil(source.height / factor) };
}

function area({ width, height }: Size): number {
  return width * height;
}
