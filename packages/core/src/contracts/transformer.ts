import type { BodyFile } from './body.ts';
import type { Operations } from './operations.ts';

/** Image formats by the names that URLs use. */
export type ImageFormat = 'jpeg' | 'png' | 'webp' | 'avif' | 'gif' | 'svg' | 'tiff' | 'heic' | 'jxl' | 'bmp' | 'ico';

/** What the result shall be. */
export interface OutputRequest {
  /** `null`: the source's own if a browser shows it, else the nearest that keeps alpha and motion. */
  readonly format: ImageFormat | null;
  /**
   * The format in place of `format` for a source that moves; only there where `format` was not asked for
   * by name, so that no motion is lost to it.
   */
  readonly moving?: ImageFormat | null;
  /** 1 to 100; 0 = the transformer's default for the format. */
  readonly quality: number;
}

/** Checked from the header before any pixel is decoded; the result's size before it is made. */
export interface TransformLimits {
  /** Pixels of the source: width × height × frames that have to be decoded. */
  readonly maxSourcePixels: number;
  readonly maxFrames: number;
  /** Pixels of either side of the result; above it the request is refused. */
  readonly maxResultDimension: number;
}

export interface TransformRequest {
  /**
   * The whole source; not changed by either side, nor transferred elsewhere. The transformer may read it
   * until its promise has resolved: from then on the memory may be freed at once, which leaves `input` with
   * length 0. Nothing may go on reading it, no worker, no native code and no cache; what is needed for longer
   * is copied. After a rejection the memory is left to the garbage collector.
   */
  readonly input: Uint8Array;
  readonly operations: Operations;
  readonly output: OutputRequest;
  readonly limits: TransformLimits;
  readonly signal: AbortSignal;
  /**
   * Asks for memory. A transformer calls it once it knows from the header what decoding will take,
   * in bytes at the peak, and decodes only when it has resolved; it calls what it got when done.
   *
   * @param stop ends the waiting before `signal` does, for work that has ended with the process that did it.
   * @throws TransformError `overloaded` if there will not be room in time, or nothing may wait for it: a
   *   transformer fails with this very error, by which its caller knows what was meant.
   */
  readonly reserve?: ((bytes: number, stop?: AbortSignal) => Promise<() => void>) | undefined;
  /**
   * Takes memory at once, before anybody knows what decoding will take, while there is plenty: for a
   * transformer in another process, which asks for more by messages only if this was not enough.
   *
   * @returns how to give it back; `undefined` if so much cannot be spared.
   */
  readonly spare?: ((bytes: number) => (() => void) | undefined) | undefined;
}

export interface TransformResult {
  /**
   * The caller's from now on: the transformer does not change it any more. It may be `input` itself or a
   * view of it, for a source that is right as it is, but only as a view whose `buffer` is the very
   * `ArrayBuffer` of `input`: by that the caller knows that it must not free it.
   */
  readonly body: Uint8Array;
  /** Media type of `body`. */
  readonly contentType: string;
  readonly width: number;
  readonly height: number;
}

/** Turns a source into a variant. */
export interface Transformer {
  /**
   * Changes whenever the same request would give other bytes: library versions, defaults. Part of
   * the cache key.
   */
  readonly revision: string;
  readonly supports: {
    /** Names of `Operations` members it honours. */
    readonly operations: readonly (keyof Operations)[];
    readonly inputFormats: readonly ImageFormat[];
    readonly outputFormats: readonly ImageFormat[];
  };
  open(): Promise<void>;
  close(): Promise<void>;
  /**
   * Resolves when it is done with `request.input`; see there.
   *
   * @throws TransformError where the source or the request is at fault.
   */
  transform(request: TransformRequest): Promise<TransformResult>;
  /**
   * As `transform`, of a source that lies in a file: for a transformer that works in another process, which
   * then reads it there instead of having it sent. It has done with the file when it has settled, also after
   * an abort. Whoever wraps a transformer by inheriting from it overrides this as well.
   *
   * @returns `undefined` if the file cannot be read from there; then `transform` is asked with its bytes.
   * @throws TransformError as `transform`.
   */
  transformFile?(file: BodyFile, request: Omit<TransformRequest, 'input'>): Promise<TransformResult | undefined>;
}

/**
 * | code | what is wrong | answered as |
 * |---|---|---|
 * | `not-an-image` | the bytes are no image that is understood | 422 |
 * | `broken-image` | an image that cannot be decoded to its end | 422 |
 * | `too-many-pixels`, `too-many-frames` | of the source | 422 |
 * | `result-too-large` | a side of the result | 422 |
 * | `unsupported` | this operation or output format isn't available here | 400 |
 * | `timeout` | took longer than allowed | 504 |
 * | `overloaded` | no room now | 503 |
 * | `crashed` | the process that made it ended; the same may work again | 503 |
 * | `internal` | a defect | 500 |
 */
export type TransformErrorCode =
  | 'not-an-image'
  | 'broken-image'
  | 'too-many-pixels'
  | 'too-many-frames'
  | 'result-too-large'
  | 'unsupported'
  | 'timeout'
  | 'overloaded'
  | 'crashed'
  | 'internal';

const BRAND = Symbol.for('tintype.TransformError');

/** Why there is no variant. */
export class TransformError extends Error {
  static {
    // On the prototype, so that `is` knows instances of another copy of this package.
    Object.defineProperty(TransformError.prototype, BRAND, { value: true });
  }

  override readonly name = 'TransformError';
  readonly code: TransformErrorCode;

  /** `message` is a sentence for whoever made the request. */
  constructor(code: TransformErrorCode, message: string, options?: { readonly cause?: unknown }) {
    super(message, options);
    this.code = code;
  }

  static is(value: unknown): value is TransformError {
    return typeof value === 'object' && value !== null && BRAND in value;
  }
}
