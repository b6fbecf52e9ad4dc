import { TransformError, type TransformLimits } from '@tintype/core';
import type { Size } from './geometry.ts';

/**
 * The source, as far as it will be decoded: one frame if the result stands still. Drawings are
 * asked about at the size they are rendered at.
 *
 * @throws TransformError `too-many-pixels`
 */
export function requireSourceWithin(limits: TransformLimits, size: Size, frames: number): void {
  const pixels = size.width * size.height * frames;
  if (pixels > limits.maxSourcePixels) {
    const times = frames > 1 ? ` × ${frames} frames` : '';
    throw new TransformError(
      'too-many-pixels',
      `The source has ${size.width} × ${size.height}${times} = ${pixels} pixels; at most ${limits.maxSourcePixels} are allowed.`,
    );
  }
}

/**
 * The result before it is made. Its area, over all frames, has the limit of the source: nobody who
 * bounds what is read wants to hold and encode many times more, and without enlarging a result has
 * no more pixels than its source.
 *
 * @param scaled the picture after scaling, before anything is cut off.
 * @throws TransformError `result-too-large`
 */
export function requireResultWithin(limits: TransformLimits, result: Size, scaled: Size, frames: number): void {
  const { maxResultDimension } = limits;
  if (result.width > maxResultDimension || result.height > maxResultDimension) {
    throw new TransformError(
      'result-too-large',
      `The result would be ${result.width} × ${result.height} pixels; at most ${maxResultDimension} a side are allowed.`,
    );
  }
  const pixels = Math.max(result.width * result.height, scaled.width * scaled.height) * frames;
  if (pixels > limits.maxSourcePixels) {
    throw new TransformError(
      'result-too-large',
      `The result would take ${pixels} pixels; at most ${limits.maxSourcePixels} are allowed.`,
    );
  }
}
