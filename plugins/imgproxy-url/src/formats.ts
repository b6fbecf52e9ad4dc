import { type ImageFormat, RequestError } from '@tintype/core';
import { echo } from './echo.ts';

const FORMATS: ReadonlyMap<string, ImageFormat> = new Map<string, ImageFormat>([
  ['jpg', 'jpeg'],
  ['jpeg', 'jpeg'],
  ['png', 'png'],
  ['webp', 'webp'],
  ['avif', 'avif'],
  ['gif', 'gif'],
  ['svg', 'svg'],
  ['tiff', 'tiff'],
  ['heic', 'heic'],
  ['jxl', 'jxl'],
  ['bmp', 'bmp'],
  ['ico', 'ico'],
]);

/** Formats that imgproxy Pro writes and nothing here does. */
const ELSEWHERE: ReadonlySet<string> = new Set(['best', 'mp4', 'pdf', 'psd']);

/** @throws RequestError 400 if no format is called so. */
export function readFormat(extension: string): ImageFormat {
  const format = FORMATS.get(extension);
  if (format !== undefined) return format;
  if (ELSEWHERE.has(extension)) {
    throw new RequestError(400, 'unsupported-format', `The format "${extension}" is not supported.`);
  }
  const known = [...FORMATS.keys()].join(', ');
  // What follows an @ is the format: one that belongs to the source has to be escaped.
  const hint = extension.includes('/') || extension.includes('.') ? ' An @ of the source is written %40.' : '';
  throw new RequestError(400, 'unknown-format', `The format ${echo(extension)} is unknown; known are ${known}.${hint}`);
}
