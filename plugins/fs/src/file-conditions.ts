import type { ByteRange, HttpFields } from '@tintype/core';

/** What a file says of its state. RFC 9110 §8.8. */
export interface Validators {
  /** Strong, with quotes. */
  readonly etag: string;
  /** An HTTP date. */
  readonly lastModified: string;
}

/** Whether the client's copy is as good: 304. `If-None-Match` outranks the date (RFC 9110 §13.2.2). */
export function isNotModified(headers: HttpFields, { etag, lastModified }: Validators): boolean {
  const tags = headers['if-none-match'];
  if (tags !== undefined) {
    // The weak comparison: our tag has neither commas nor spaces in it.
    return tags.split(',').some((tag) => ['*', etag, `W/${etag}`].includes(tag.trim()));
  }
  const since = Date.parse(headers['if-modified-since'] ?? '');
  return Date.parse(lastModified) <= since;
}

/**
 * The part that is asked for. Several parts, other units and what can't be understood mean the whole
 * file (RFC 9110 §14.2), and so does an `If-Range` that names another state (§13.1.5).
 */
export function requestedRange(headers: HttpFields, { etag, lastModified }: Validators): ByteRange | undefined {
  const condition = headers['if-range'];
  if (condition !== undefined && condition !== etag && condition !== lastModified) return undefined;
  const [, first, last] = /^bytes=(\d*)-(\d*)$/.exec(headers.range ?? '') ?? [];
  if (first === undefined || last === undefined || first + last === '') return undefined;
  if (first === '') return { suffix: Number(last) };
  if (last === '') return { first: Number(first) };
  return Number(first) > Number(last) ? undefined : { first: Number(first), last: Number(last) };
}
