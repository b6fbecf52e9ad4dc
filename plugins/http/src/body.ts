import { pipeline, type Readable } from 'node:stream';
import { createBrotliDecompress, createGunzip } from 'node:zlib';
import { type Body, type ByteStream, freeIfWhole, OriginError, StreamedBody } from '@tintype/core';
import { asOriginError, tooLarge } from './failures.ts';

/** Codings of the content that can be undone; `identity` means there is none. */
export type ContentCoding = 'identity' | 'gzip' | 'br';

/**
 * Reads `Content-Encoding`. A source may compress although it was asked not to; one layer is undone.
 *
 * @throws OriginError `unavailable` for any other coding.
 */
export function contentCoding(field: string | undefined): ContentCoding {
  switch ((field ?? '').trim().toLowerCase()) {
    case '':
    case 'identity':
      return 'identity';
    case 'gzip':
    case 'x-gzip':
      return 'gzip';
    case 'br':
      return 'br';
    default:
      throw new OriginError('unavailable', 'The source sent a content coding other than gzip and br.');
  }
}

export interface BodyLimits {
  /** Of the decoded bytes. */
  readonly maxBytes: number;
  /** For messages. */
  readonly timeoutSeconds: number;
  readonly signal: AbortSignal;
}

/**
 * The body of a response. Its stream throws an OriginError where the body ends short, stalls or gets
 * too large, and the reason of the signal once that is aborted; whenever it does not end by itself,
 * its socket is destroyed.
 *
 * @param raw must have a listener for `error`, as it may fail before it is read.
 */
export function responseBody(raw: Readable, coding: ContentCoding, limits: BodyLimits): Body {
  return new StreamedBody(
    () => freedWhenGivenBack((lent) => read(raw, coding, limits, lent)),
    () => {
      raw.destroy();
    },
  );
}

/**
 * Chunks that are freed when they come back. A socket reads into new memory each time, which the parser hands on
 * without copying; the collector would let 60 MiB of that pile up. What shares its memory with something else, the
 * header or the sizes of chunks, is left alone.
 */
function freedWhenGivenBack(open: (lent: Lent) => AsyncIterable<Uint8Array>): ByteStream {
  const lent: Lent = new WeakSet();
  const chunks = open(lent);
  return {
    [Symbol.asyncIterator]: () => chunks[Symbol.asyncIterator](),
    recycle(chunk) {
      // Another's, or one that is back already, is none of ours to free.
      if (lent.delete(chunk.buffer)) freeIfWhole(chunk);
    },
  };
}

/** What the chunks lie in that were handed out and are not back. */
type Lent = WeakSet<ArrayBufferLike>;

async function* read(raw: Readable, coding: ContentCoding, limits: BodyLimits, lent: Lent): ByteStream {
  let size = 0;
  try {
    for await (const chunk of decoded(raw, coding)) {
      size += chunk.length;
      if (size > limits.maxBytes) throw tooLarge(limits.maxBytes);
      lent.add(chunk.buffer);
      yield chunk;
    }
  } catch (error) {
    if (limits.signal.aborted) throw limits.signal.reason;
    throw asOriginError(error, limits.timeoutSeconds);
  } finally {
    raw.destroy();
  }
}

/** The decoders give at most 16 KiB at a time and stop when nobody reads, so a bomb never unfolds. */
function decoded(raw: Readable, coding: ContentCoding): ByteStream {
  switch (coding) {
    case 'identity':
      return raw;
    case 'gzip':
      return pipeline(raw, createGunzip(), () => {});
    case 'br':
      return pipeline(raw, createBrotliDecompress(), () => {});
  }
}
