import type { Size } from './geometry.ts';

/** By how much libvips may shrink a JPEG while it reads it; it drops the pixels that are left over at the edge. */
const SHRINKS_ON_LOAD = [1, 2, 4, 8];

/**
 * Which one side to scale by so that both shrink alike and yet come out as planned; `undefined` if
 * that is not certain, and both sides have to be forced.
 *
 * Forcing both distorts by the rounding of one of them. It can also be slower: sharp derives from
 * the smaller factor how far a JPEG shrinks while it is read, and 2.998 instead of 3 reads twice as
 * many pixels each way.
 *
 * Not for WebP and SVG, which libvips scales to any size while it reads them, with a rounding of its own.
 *
 * @param from what is scaled.
 * @param to what it shall come to.
 * @param shrink the factor for both sides, before rounding.
 */
export function exactSide(from: Size, to: Size, shrink: number): 'width' | 'height' | undefined {
  const errors = {
    width: Math.abs(from.width / to.width - shrink),
    height: Math.abs(from.height / to.height - shrink),
  };
  const side = errors.width <= errors.height ? 'width' : 'height';
  const other = side === 'width' ? 'height' : 'width';
  const certain = SHRINKS_ON_LOAD.filter((factor) => factor <= Math.max(1, shrink)).every((factor) => {
    const exact = Math.floor(from[other] / factor) * (to[side] / Math.floor(from[side] / factor));
    // Not so close to a half that it matters who rounds how.
    return Math.abs(exact - to[other]) < 0.49;
  });
  return certain ? side : undefined;
}
