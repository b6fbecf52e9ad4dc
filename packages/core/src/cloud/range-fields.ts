import type { ByteRange } from '../contracts/storage-adapter.ts';
import { StorageError } from '../contracts/storage-error.ts';
import { resolveRange } from '../storage/byte-range.ts';

/** A range as the field `Range`. RFC 9110 §14.1.2. */
export function rangeField(range: ByteRange): string {
  return 'suffix' in range ? `bytes=-${range.suffix}` : `bytes=${range.first}-${range.last ?? ''}`;
}

/** The part of a body that was asked for, and the size of the whole. */
export interface AnsweredPart {
  readonly first: number;
  readonly last: number;
  readonly size: number;
}

/**
 * Which part an answer to a range request is; `none` where a service answers with an empty body what
 * it should refuse.
 *
 * @param contentRange the field of the answer. RFC 9110 §14.4.
 * @param length bytes of the answer's body.
 */
export function partOf(contentRange: string | undefined, range: ByteRange, length: number): AnsweredPart | 'none' {
  const match = /^bytes (\d+)-(\d+)\/(\d+)$/.exec(contentRange ?? '');
  if (match !== null) {
    const [first, last, size] = [Number(match[1]), Number(match[2]), Number(match[3])];
    // Azurite says so of a range that begins where the body ends.
    return last < first ? 'none' : { first, last, size };
  }
  // Without Content-Range it is the whole.
  const wanted = resolveRange(range, length);
  if (wanted === undefined) return 'none';
  if (wanted.first === 0 && wanted.last === length - 1) return { ...wanted, size: length };
  throw new StorageError({ code: 'internal', message: 'The service ignores byte ranges.' });
}
