/** One header field as it was received: name in its own case, value without surrounding space. */
export type HeaderPair = readonly [name: string, value: string];

/** A JSON value. */
export type Json = null | boolean | number | string | readonly Json[] | { readonly [name: string]: Json };

/**
 * What an HTTP cache must know of an entry: a flat record, the same for every storage. Core encodes
 * it once (`encodeMetadata`) into at most the bytes that the storage carries natively.
 */
export interface EntryMetadata {
  /** HTTP status of the stored response. */
  readonly status: number;
  readonly contentType: string;
  /** Strong entity tag of these bytes, with quotes: the variant's own. RFC 9110 §8.8.3. */
  readonly etag: string;
  /** When it was stored or last validated, in milliseconds since the epoch. */
  readonly storedAt: number;
  /** When its age was 0, where that was before `storedAt`. RFC 9111 §4.2.3. */
  readonly bornAt?: number | undefined;
  /** Until when it may be served without a question, in milliseconds since the epoch. */
  readonly freshUntil: number;
  /** `Cache-Control` that clients get, if it isn't derived from `freshUntil`. */
  readonly cacheControl?: string | undefined;
  /** Canonical identity of the source, shortened to fit. */
  readonly source: string;
  /** The source's own validators, for conditional requests to the origin. */
  readonly sourceEtag?: string | undefined;
  readonly sourceLastModified?: string | undefined;
  /** Size of the picture in pixels, where known. */
  readonly width?: number | undefined;
  readonly height?: number | undefined;
  /** Surrogate keys. */
  readonly tags?: readonly string[] | undefined;
  /** Further response headers to repeat on a hit, in order. Dropped first when space is short. */
  readonly headers?: readonly HeaderPair[] | undefined;
  /** Versioned state of the freshness policy. */
  readonly policy?: Json | undefined;
}
