import { TransformError } from '@tintype/core';

/** libvips and sharp tell their errors apart by text alone; these are all that is looked for. */
const KNOWN: readonly (readonly [RegExp, (cause: unknown) => TransformError])[] = [
  [/exceeds (pixel|channel|.*pixel) limit/, (cause) => error('too-many-pixels', 'The source is too large.', cause)],
  [/^timeout: /, (cause) => error('timeout', 'The image took too long to make.', cause)],
  [
    /image is too large for the|will exceed .* pixel limit/,
    (cause) => error('result-too-large', 'The result is too large.', cause),
  ],
];

/**
 * What a rejection of sharp means. The sentence never carries libvips' own text, which may speak of
 * paths and addresses; that stays in `cause`.
 *
 * @param stage `source`: the source's own bytes are read. `pixels`: only what was already decoded,
 *   so that a failure is nobody's fault but ours.
 */
export function asTransformError(cause: unknown, stage: 'source' | 'pixels'): TransformError {
  if (TransformError.is(cause)) return cause;
  const text = cause instanceof Error ? cause.message : String(cause);
  for (const [pattern, make] of KNOWN) {
    if (pattern.test(text)) return make(cause);
  }
  // The first line is what failed first; a reader's failure makes the writer fail after it.
  // sharp refuses wrong parameters before libvips is asked: "Expected integer between … for width".
  const ours = stage === 'pixels' || /^Expected |^vips2|^\w*save/.test(text) || !(cause instanceof Error);
  return ours
    ? error('internal', 'The image could not be made.', cause)
    : error('broken-image', 'The source is damaged: it cannot be decoded to its end.', cause);
}

function error(code: TransformError['code'], message: string, cause: unknown): TransformError {
  return new TransformError(code, message, { cause });
}
