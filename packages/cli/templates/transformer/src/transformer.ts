import type { Transformer, TransformRequest, TransformResult } from '@tintype/core';
import { notImplemented } from './not-implemented.ts';
import type { SkeletonOptions } from './options.ts';

/** Makes variants with … (say what). */
export class SkeletonTransformer implements Transformer {
  /**
   * Changes whenever the same request would give other bytes: it is part of the cache key. Put the
   * versions of your libraries and your own defaults into it.
   */
  readonly revision: string;
  /** What it honours; core refuses requests for more before they reach it. */
  readonly supports: Transformer['supports'] = {
    operations: ['resize'],
    inputFormats: ['jpeg', 'png', 'webp'],
    outputFormats: ['jpeg', 'png', 'webp'],
  };
  readonly #options: SkeletonOptions;

  /** Does no I/O and starts nothing: that begins in `open`. */
  constructor(options: SkeletonOptions) {
    this.#options = options;
    this.revision = `skeleton-1;quality=${options.quality}`;
  }

  /** Starts what `transform` needs: worker processes, pools. */
  async open(): Promise<void> {
    notImplemented('open', 'starts what transform needs.');
  }

  /** Stops it again. Resolves when it is gone. */
  async close(): Promise<void> {
    notImplemented('close', 'stops what open has started, and resolves when it is gone.');
  }

  /**
   * Turns `request.input` (which it must not change) into a variant.
   *
   * Throws a `TransformError` where the source or the request is at fault: `not-an-image`,
   * `broken-image`, `unsupported`; and `too-many-pixels`, `too-many-frames`, `result-too-large`
   * before any pixel is decoded, by `request.limits`. Gives up with `request.signal.reason` once
   * that signal is aborted.
   */
  async transform(_request: TransformRequest): Promise<TransformResult> {
    return notImplemented('transform', 'answers the variant with its media type and size, within the limits.');
  }
}
