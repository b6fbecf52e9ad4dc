import { inflateSync } from 'node:zlib';
import {
  type CheckResult,
  type Operations,
  TransformError,
  type Transformer,
  type TransformRequest,
  type TransformResult,
} from '@tintype/core';
import { pngOfRows, pngSize } from '../transformer/png.ts';
import { tick } from './reference-storage.ts';

/** A picture as rows of eight-bit RGB. */
export interface Pixels {
  readonly width: number;
  readonly height: number;
  readonly data: Uint8Array;
}

export interface Size {
  readonly width: number;
  readonly height: number;
}

/**
 * The sound transformer that faulty ones are made of: PNG to PNG, nearest neighbour. It reads what
 * the suite makes (RGB, no filters), and is not for use.
 */
export class ReferenceTransformer implements Transformer {
  readonly revision: string = 'reference-1';
  readonly supports: Transformer['supports'] = {
    operations: ['resize'],
    inputFormats: ['png'],
    outputFormats: ['png'],
  };

  async open(): Promise<void> {}

  async close(): Promise<void> {}

  async check(): Promise<CheckResult> {
    return { ok: true, summary: 'reference' };
  }

  async transform(request: TransformRequest): Promise<TransformResult> {
    const { input, operations, output, limits, signal } = request;
    if (output.format !== null && output.format !== 'png')
      throw new TransformError('unsupported', 'It makes only PNG.');
    await tick();
    signal.throwIfAborted();
    const source = this.sizeOf(input);
    if (source.width * source.height > limits.maxSourcePixels) {
      throw new TransformError('too-many-pixels', 'The source has too many pixels.');
    }
    const target = this.targetOf(source, operations.resize);
    if (Math.max(target.width, target.height) > limits.maxResultDimension) {
      throw new TransformError('result-too-large', 'The result would be too large.');
    }
    const body = this.encode(scaled(this.decode(input, source), target));
    return { body, contentType: 'image/png', ...target };
  }

  protected sizeOf(input: Uint8Array): Size {
    const size = pngSize(input);
    if (size === undefined) throw new TransformError('not-an-image', 'This is no PNG.');
    return size;
  }

  protected targetOf(source: Size, resize: Operations['resize']): Size {
    const { type, enlarge } = resize;
    const width = resize.width || Number.POSITIVE_INFINITY;
    const height = resize.height || Number.POSITIVE_INFINITY;
    if (type !== 'fit' && Number.isFinite(width) && Number.isFinite(height)) return { width, height };
    const ratio = Math.min(width / source.width, height / source.height);
    const scale = Number.isFinite(ratio) && (enlarge || ratio < 1) ? ratio : 1;
    return { width: atLeastOne(source.width * scale), height: atLeastOne(source.height * scale) };
  }

  protected decode(input: Uint8Array, { width, height }: Size): Pixels {
    let rows: Uint8Array;
    try {
      rows = inflateSync(dataOf(input));
    } catch (cause) {
      throw new TransformError('broken-image', 'The PNG ends too early.', { cause });
    }
    const stride = width * 3 + 1;
    if (rows.length < stride * height) throw new TransformError('broken-image', 'The PNG has too few rows.');
    const data = new Uint8Array(width * height * 3);
    for (let y = 0; y < height; y++) data.set(rows.subarray(y * stride + 1, (y + 1) * stride), y * width * 3);
    return { width, height, data };
  }

  protected encode({ width, height, data }: Pixels): Uint8Array {
    return pngOfRows(width, height, data);
  }
}

function atLeastOne(length: number): number {
  return Math.max(1, Math.round(length));
}

/** The IDAT chunks, joined. W3C PNG §5.3. */
function dataOf(png: Uint8Array): Uint8Array {
  const view = Buffer.from(png.buffer, png.byteOffset, png.byteLength);
  const parts: Buffer[] = [];
  for (let at = 8; at + 8 <= view.length; ) {
    const length = view.readUInt32BE(at);
    if (view.toString('latin1', at + 4, at + 8) === 'IDAT') parts.push(view.subarray(at + 8, at + 8 + length));
    at += length + 12;
  }
  return Buffer.concat(parts);
}

/** Cut to the ratio of `target` around the middle, then scaled: nearest neighbour. */
function scaled(source: Pixels, target: Size): Pixels {
  const data = new Uint8Array(target.width * target.height * 3);
  for (let y = 0; y < target.height; y++) {
    const from = Math.floor((y * source.height) / target.height);
    for (let x = 0; x < target.width; x++) {
      const at = (from * source.width + Math.floor((x * source.width) / target.width)) * 3;
      data.set(source.data.subarray(at, at + 3), (y * target.width + x) * 3);
    }
  }
  return { ...target, data };
}
