import type { TransformResult } from '@tintype/core';
import sharp, { type Sharp } from 'sharp';
import { asTransformError } from './errors.ts';
import { type Encoding, OUTPUT_FORMATS } from './formats.ts';
import type { Rectangle } from './geometry.ts';
import { findInteresting } from './interesting.ts';
import { HARD_TIMEOUT_SECONDS, sourceOptions } from './libvips.ts';
import { eachFrame, frameOf, render, reopen } from './picture.ts';
import type { Plan } from './plan.ts';
import { swapsSides, type Turn } from './turn.ts';

/**
 * Carries a plan out: in one pass of libvips from source to encoded result wherever the fixed order
 * of sharp's pipeline (scale, turn, cut, margins, blur, sharpen) gives what is planned, and in
 * several passes over raw pixels where it doesn't.
 */
export async function produce(
  plan: Plan,
  encoding: Encoding,
  quality: number,
  signal: AbortSignal,
): Promise<TransformResult> {
  const image = open(plan);
  if (fitsOnePass(plan)) {
    keep(scale(image, plan), plan);
    return encode(surround(filter(image, plan), plan), plan, encoding, quality);
  }
  return inPasses(plan, image, encoding, quality, signal);
}

async function inPasses(
  plan: Plan,
  image: Sharp,
  encoding: Encoding,
  quality: number,
  signal: AbortSignal,
): Promise<TransformResult> {
  const animated = plan.frames > 1;
  scale(image, plan, !animated);
  let picture = await render(animated ? image : describe(image, plan), plan.keepMetadata && !animated);
  signal.throwIfAborted();
  try {
    if (animated && !isStill(plan.turn)) picture = await eachFrame(picture, (frame) => turned(frame, plan.turn));
    signal.throwIfAborted();
    const cut =
      plan.kept !== undefined && 'attention' in plan.kept
        ? await findInteresting(frameOf(picture, 0), plan.kept.attention)
        : plan.kept;
    const filtered = plan.blur > 0 || plan.sharpen > 0;
    if (animated ? filtered : filtered && plan.margins !== undefined) {
      picture = await eachFrame(picture, (frame) => filter(cutOut(frame, cut), plan));
      signal.throwIfAborted();
      return await encode(surround(reopen(picture), plan), plan, encoding, quality, true);
    }
    const last = filter(cutOut(reopen(picture), cut), plan);
    return await encode(surround(last, plan), plan, encoding, quality, true);
  } catch (cause) {
    if (signal.aborted && cause === signal.reason) throw cause;
    throw asTransformError(cause, 'pixels');
  }
}

/** The source, cut to its area and without transparency if it has to go. */
function open(plan: Plan): Sharp {
  const { source, frames, area, background } = plan;
  const image = sharp(source.input, sourceOptions(frames, plan.maxPixels));
  if (area !== undefined) image.extract(area);
  if (background && source.hasAlpha) image.flatten({ background: colour(background) });
  // libvips works on deep pictures with a profile in Display P3 and would leave them there untagged.
  if (source.isDeep && source.hasProfile && !plan.keepMetadata) image.withIccProfile('srgb', { attach: false });
  return image;
}

function fitsOnePass(plan: Plan): boolean {
  const filtered = plan.blur > 0 || plan.sharpen > 0;
  if (filtered && (plan.margins !== undefined || plan.frames > 1)) return false;
  if (plan.frames > 1 && !isStill(plan.turn)) return false;
  return plan.kept === undefined || !('attention' in plan.kept) || coversByItself(plan);
}

/** Whether sharp's own way to cover a box and look for attention comes to the planned scale. */
function coversByItself({ kept, scaled, turn, frames }: Plan): boolean {
  if (kept === undefined || !('attention' in kept) || frames > 1 || swapsSides(turn)) return false;
  return kept.attention.width === scaled.width || kept.attention.height === scaled.height;
}

/** Turns that leave the order of frames alone when they are applied to all of them as one tall picture. */
function isStill(turn: Turn): boolean {
  return turn.angle === 0;
}

function scale(image: Sharp, plan: Plan, turning = true): Sharp {
  const { scaled, kept, scaleBy } = plan;
  if (kept !== undefined && 'attention' in kept && coversByItself(plan)) {
    image.resize(kept.attention.width, kept.attention.height, { fit: 'cover', position: sharp.strategy.attention });
  } else if (scaleBy !== undefined) {
    image.resize({ [scaleBy]: scaled[scaleBy] });
  } else {
    image.resize(scaled.width, scaled.height, { fit: 'fill' });
  }
  return turning || isStill(plan.turn) ? turned(image, plan.turn) : image;
}

function turned(image: Sharp, turn: Turn): Sharp {
  if (turn.mirror) image.flop();
  return turn.angle === 0 ? image : image.rotate(turn.angle);
}

function keep(image: Sharp, plan: Plan): Sharp {
  return plan.kept !== undefined && !('attention' in plan.kept) ? image.extract(plan.kept) : image;
}

/** Cuts already scaled pixels; the rectangle is that of one frame. */
function cutOut(image: Sharp, rectangle: Rectangle | undefined): Sharp {
  return rectangle === undefined ? image : image.extract(rectangle);
}

function filter(image: Sharp, { blur, sharpen }: Plan): Sharp {
  // Below 0.3 the Gaussian is a single pixel.
  if (blur >= 0.3) image.blur(Math.min(blur, 1000));
  // The amounts of libvips itself, which imgproxy uses; sharp's differ.
  if (sharpen > 0) image.sharpen({ sigma: Math.min(Math.max(sharpen, 0.000001), 10), m1: 0, m2: 3 });
  return image;
}

function surround(image: Sharp, { margins, background }: Plan): Sharp {
  if (margins === undefined) return image;
  return image.extend({ ...margins, background: background ? colour(background) : { r: 0, g: 0, b: 0, alpha: 0 } });
}

function describe(image: Sharp, plan: Plan): Sharp {
  if (!plan.keepMetadata) return image;
  return image.withMetadata(plan.resetOrientation ? { orientation: 1 } : {});
}

/** @param reopened pixels come from a pass before, which lost the rhythm of an animation. */
async function encode(
  image: Sharp,
  plan: Plan,
  encoding: Encoding,
  quality: number,
  reopened = false,
): Promise<TransformResult> {
  const { format, frames, source } = plan;
  const motion = reopened && frames > 1 ? { delay: [...source.delay], loop: source.loop } : undefined;
  const { data, info } = await encoding
    .apply(describe(image, plan), format, quality, motion)
    .timeout({ seconds: HARD_TIMEOUT_SECONDS })
    .toBuffer({ resolveWithObject: true });
  return {
    body: data,
    contentType: OUTPUT_FORMATS[format].contentType,
    width: info.width,
    height: info.pageHeight ?? info.height,
  };
}

function colour([r, g, b]: NonNullable<Plan['background']>): { r: number; g: number; b: number } {
  return { r, g, b };
}
