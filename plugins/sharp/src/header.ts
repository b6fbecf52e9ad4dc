import { type ImageFormat, TransformError } from '@tintype/core';

/** What the first bytes say. */
export type SniffedFormat = ImageFormat | 'unknown';

/**
 * The largest drawing that is read, in bytes. Rendering costs grow with the number of elements and
 * filters, which a pixel limit does not bound; libxml2 stops at the same size.
 */
export const MAX_SVG_BYTES = 10_000_000;

const AVIF_BRANDS = new Set(['avif', 'avis']);
const HEIC_BRANDS = new Set(['heic', 'heix', 'hevc', 'hevx', 'heim', 'heis', 'hevm', 'hevs']);

/** Formats by their magic bytes; the name or declared type of a source is never believed. */
export function sniff(input: Uint8Array): SniffedFormat {
  if (startsWith(input, [0xff, 0xd8, 0xff])) return 'jpeg';
  if (startsWith(input, [0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a])) return 'png';
  const head = ascii(input, 0, 16);
  if (head.startsWith('GIF87a') || head.startsWith('GIF89a')) return 'gif';
  if (head.startsWith('RIFF') && head.slice(8, 12) === 'WEBP') return 'webp';
  if (head.slice(4, 8) === 'ftyp') return fromBrands(input);
  // TIFF 6.0 §2 and BigTIFF.
  if (head.startsWith('II*\0') || head.startsWith('MM\0*') || head.startsWith('II+\0') || head.startsWith('MM\0+')) {
    return 'tiff';
  }
  if (startsWith(input, [0xff, 0x0a]) || head.startsWith('\0\0\0\x0cJXL ')) return 'jxl';
  if (head.startsWith('BM')) return 'bmp';
  if (head.startsWith('\0\0\x01\0')) return 'ico';
  return looksLikeSvg(input) ? 'svg' : 'unknown';
}

/** ISO 14496-12 §4.3: the major brand and then the compatible ones. */
function fromBrands(input: Uint8Array): SniffedFormat {
  const size = ((input[0] ?? 0) << 24) | ((input[1] ?? 0) << 16) | ((input[2] ?? 0) << 8) | (input[3] ?? 0);
  const end = Math.min(Math.max(size, 16), 128, input.length);
  const brands = [ascii(input, 8, 12)];
  for (let at = 16; at + 4 <= end; at += 4) brands.push(ascii(input, at, at + 4));
  if (brands.some((brand) => AVIF_BRANDS.has(brand))) return 'avif';
  if (brands.some((brand) => HEIC_BRANDS.has(brand))) return 'heic';
  return 'unknown';
}

/** `<svg` as the first element, after a byte order mark, declarations, comments and a doctype. */
function looksLikeSvg(input: Uint8Array): boolean {
  let text = ascii(input, 0, 4096).replace(/^\xef\xbb\xbf/, '');
  for (;;) {
    text = text.trimStart();
    if (/^<svg[\s>/]/.test(text)) return true;
    const end = prologEnd(text);
    if (end === 0) return false;
    text = text.slice(end);
  }
}

/** Length of the declaration, comment or doctype that `text` begins with, 0 if none does or it is cut off. */
function prologEnd(text: string): number {
  for (const [open, close] of [
    ['<?', '?>'],
    ['<!--', '-->'],
  ] as const) {
    if (text.startsWith(open)) {
      const at = text.indexOf(close, open.length);
      return at < 0 ? 0 : at + close.length;
    }
  }
  if (!/^<!doctype\s+svg\b/i.test(text)) return 0;
  const close = text.indexOf('>');
  const subset = text.indexOf('[');
  if (subset < 0 || subset > close) return close < 0 ? 0 : close + 1;
  const end = text.indexOf(']>', subset);
  return end < 0 ? 0 : end + 2;
}

/** @throws TransformError `not-an-image` for what is not read here, with a reason. */
export function requireReadable(input: Uint8Array, readable: readonly ImageFormat[]): ImageFormat {
  const format = sniff(input);
  if (format === 'unknown') throw new TransformError('not-an-image', 'The source is not an image in a known format.');
  if (!readable.includes(format)) {
    throw new TransformError(
      'not-an-image',
      `The source is a ${format.toUpperCase()} image, which can't be read here.`,
    );
  }
  if (format === 'svg' && input.length > MAX_SVG_BYTES) {
    throw new TransformError('too-many-pixels', `The source is an SVG drawing of more than ${MAX_SVG_BYTES} bytes.`);
  }
  return format;
}

function startsWith(input: Uint8Array, bytes: readonly number[]): boolean {
  return bytes.every((byte, at) => input[at] === byte);
}

function ascii(input: Uint8Array, from: number, to: number): string {
  return Buffer.from(input.subarray(from, to)).toString('latin1');
}
