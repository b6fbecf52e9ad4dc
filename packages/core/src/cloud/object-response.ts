import { BufferedBody, StreamedBody } from '../bodies.ts';
import type { Body, ByteStream } from '../contracts/body.ts';
import type { HttpFields } from '../contracts/http-fields.ts';
import { OriginError, type OriginRequest, type OriginResponse } from '../contracts/origin.ts';

/** An object of a bucket as an SDK answered it. */
export interface FoundObject {
  /** Bytes that the body delivers: of the part, if only a part was asked for. */
  readonly contentLength: number | undefined;
  readonly contentType?: string | undefined;
  readonly contentEncoding?: string | undefined;
  readonly cacheControl?: string | undefined;
  readonly expires?: string | undefined;
  readonly etag?: string | undefined;
  readonly lastModified?: Date | undefined;
  /** Makes it a 206. */
  readonly contentRange?: string | undefined;
  readonly stream: ByteStream;
  /** Frees the connection. May be called several times. */
  release(): void;
}

/**
 * An object as an HTTP answer that keeps to `request.maxBytes`.
 *
 * @param toOriginError maps what the stream throws; the signal's reason is thrown as it is.
 * @throws OriginError `too-large` at once if the object says that it is; it is released then.
 */
export function objectResponse(
  found: FoundObject,
  request: OriginRequest,
  toOriginError: (error: unknown) => OriginError,
): OriginResponse {
  const { contentLength, contentRange } = found;
  if (contentLength !== undefined && contentLength > request.maxBytes) {
    found.release();
    throw new OriginError('too-large', `The source has ${contentLength} bytes; ${request.maxBytes} are allowed.`);
  }
  const headers: HttpFields = {
    'content-type': found.contentType ?? 'application/octet-stream',
    'accept-ranges': 'bytes',
    ...(contentLength !== undefined && { 'content-length': `${contentLength}` }),
    ...(found.contentEncoding !== undefined && { 'content-encoding': found.contentEncoding }),
    ...(contentRange !== undefined && { 'content-range': contentRange }),
    ...(found.expires !== undefined && { expires: found.expires }),
    ...objectState(found),
  };
  const body: Body = new StreamedBody(() => limited(found, request, toOriginError), found.release);
  return { status: contentRange === undefined ? 200 : 206, headers, body };
}

/** An answer without a body: 304, 404, 412, 416. */
export function emptyResponse(status: number, headers: HttpFields = {}): OriginResponse {
  return { status, headers, body: new BufferedBody(new Uint8Array(0)) };
}

/** The fields that a 304 repeats. RFC 9110 §15.4.5. */
export function objectState(found: Pick<FoundObject, 'cacheControl' | 'etag' | 'lastModified'>): HttpFields {
  const { lastModified } = found;
  // What is no date is told by no field.
  const isDate = lastModified !== undefined && !Number.isNaN(lastModified.getTime());
  return {
    ...(found.cacheControl !== undefined && { 'cache-control': found.cacheControl }),
    ...(found.etag !== undefined && { etag: found.etag }),
    ...(isDate && { 'last-modified': lastModified.toUTCString() }),
  };
}

async function* limited(
  found: FoundObject,
  { maxBytes, signal }: OriginRequest,
  toOriginError: (error: unknown) => OriginError,
): ByteStream {
  let size = 0;
  let ended = false;
  try {
    for await (const chunk of found.stream) {
      size += chunk.length;
      if (size > maxBytes) throw new OriginError('too-large', `The source has more than ${maxBytes} bytes.`);
      yield chunk;
    }
    signal.throwIfAborted();
    if (found.contentLength !== undefined && size < found.contentLength) {
      throw new OriginError('unavailable', 'The source ended too early.');
    }
    ended = true;
  } catch (error) {
    if (signal.aborted) throw signal.reason;
    throw OriginError.is(error) ? error : toOriginError(error);
  } finally {
    if (!ended) found.release();
  }
}
