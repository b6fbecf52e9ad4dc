import { createHash } from 'node:crypto';
import {
  type Operations,
  TransformError,
  type Transformer,
  type TransformRequest,
  type TransformResult,
} from '@tintype/core';
import sharp from 'sharp';
import { asTransformError } from './errors.ts';
import { chooseFormat, Encoding, keepsMotion, OUTPUT_FORMATS, type OutputFormat } from './formats.ts';
import { configureLibvips, readableFormats } from './libvips.ts';
import { requireSourceWithin } from './limits.ts';
import { bytesToPlan, bytesToProduce } from './memory.ts';
import { parseFormatQualities, type SharpOptions } from './options.ts';
import { makePlan } from './plan.ts';
import { produce } from './produce.ts';
import { readHeader } from './source.ts';

/** Raised with every change here that gives other bytes for the same request. */
const SCHEME = 1;

const OPERATIONS = [
  'resize',
  'minWidth',
  'minHeight',
  'zoom',
  'dpr',
  'gravity',
  'crop',
  'trim',
  'padding',
  'autoRotate',
  'rotate',
  'flip',
  'blur',
  'sharpen',
  'background',
  'stripMetadata',
] as const satisfies readonly (keyof Operations)[];

/**
 * Transforms with sharp on libvips.
 *
 * A transform cannot be interrupted once libvips has begun. An abort takes effect before the header
 * is read, before pixels are decoded and between passes; in between the promise stays pending, so
 * that whoever counts transforms does not count one as gone that still has the processor.
 */
export class SharpTransformer implements Transformer {
  readonly revision: string;
  readonly supports: Transformer['supports'];
  readonly #encoding: Encoding;

  /** @throws SettingsError for FORMAT_QUALITY. */
  constructor(options: SharpOptions) {
    const qualities = parseFormatQualities(options.formatQuality);
    this.#encoding = new Encoding(options, qualities);
    this.revision = revisionOf(options);
    this.supports = {
      operations: OPERATIONS,
      inputFormats: readableFormats(),
      outputFormats: Object.keys(OUTPUT_FORMATS) as OutputFormat[],
    };
  }

  async open(): Promise<void> {
    configureLibvips();
  }

  async close(): Promise<void> {}

  async transform(request: TransformRequest): Promise<TransformResult> {
    const { operations, output, limits, signal } = request;
    signal.throwIfAborted();
    const [unknown] = Object.keys(operations.extra);
    if (unknown !== undefined)
      throw new TransformError('unsupported', `The operation ${unknown} isn't available here.`);

    const source = await readHeader(
      request.input,
      this.supports.inputFormats,
      (found) =>
        keepsMotion(output.format, found) || (output.moving !== undefined && keepsMotion(output.moving, found)),
      limits.maxFrames,
    );
    const asked = source.frames > 1 && output.moving !== undefined ? output.moving : output.format;
    const format = chooseFormat(asked, source, operations);
    if (source.format !== 'svg') requireSourceWithin(limits, source, source.frames);
    signal.throwIfAborted();
    try {
      const { reserve } = request;
      // One after the other: who held the first while waiting for the second could wait for ever.
      const plan = await within(reserve, bytesToPlan(source, operations), () =>
        makePlan(source, operations, format, limits),
      );
      signal.throwIfAborted();
      return await within(reserve, bytesToProduce(plan), async () => {
        signal.throwIfAborted();
        return produce(plan, this.#encoding, output.quality, signal);
      });
    } catch (cause) {
      if (signal.aborted && cause === signal.reason) throw cause;
      throw asTransformError(cause, 'source');
    }
  }
}

/** Does `work` once there is memory for it. */
async function within<T>(reserve: TransformRequest['reserve'], bytes: number, work: () => Promise<T>): Promise<T> {
  const release = bytes > 0 ? await reserve?.(bytes) : undefined;
  try {
    return await work();
  } finally {
    release?.();
  }
}

/** Short, and other whenever a library or a setting that shows in results is. */
function revisionOf(options: SharpOptions): string {
  const settings = Object.entries({ ...options }).sort(([a], [b]) => (a < b ? -1 : 1));
  const digest = createHash('sha256')
    .update(JSON.stringify([sharp.versions, settings]))
    .digest('hex')
    .slice(0, 12);
  return `sharp-${SCHEME}-${sharp.versions.sharp}-${sharp.versions.vips}-${digest}`;
}
