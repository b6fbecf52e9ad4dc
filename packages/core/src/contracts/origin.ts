import type { Body } from './body.ts';
import type { HttpFields } from './http-fields.ts';
import type { CheckResult } from './storage-adapter.ts';

/** What is asked of an origin besides the address. */
export interface OriginRequest {
  /**
   * Conditional and range fields to pass on: `if-none-match`, `if-modified-since`, `range`,
   * `if-range`, and what an endpoint forwards.
   */
  readonly headers: HttpFields;
  /** The origin stops with `too-large` as soon as more bytes than this would be delivered. */
  readonly maxBytes: number;
  /**
   * Whether the receiver would rather know a file (`Body.file`) than have its bytes in memory. Nothing else of
   * the answer depends on it: status, fields, bytes and errors are the same. An origin without files ignores it.
   */
  readonly takesFile?: boolean | undefined;
  /** Aborted when nobody wants the answer any more, or the time for the download has passed. */
  readonly signal: AbortSignal;
}

/**
 * An HTTP-shaped answer, whatever the origin is: a bucket's object carries its `Cache-Control`,
 * `ETag` and `Last-Modified` like a web server's page. A missing object is status 404, not an error.
 */
export interface OriginResponse {
  readonly status: number;
  /** End-to-end fields only. */
  readonly headers: HttpFields;
  readonly body: Body;
  /** It came with a `Set-Cookie`, which is in no record of fields: shared caches keep away from it. RFC 9111 §7.3. */
  readonly setsCookie?: boolean | undefined;
  /** The address after redirects, if it differs. */
  readonly finalUrl?: string | undefined;
}

/**
 * Where images come from. Its credentials, if any, are the service's own: they don't make a
 * response private (RFC 9111 §3.5 is about the client's).
 */
export interface Origin {
  /** The schemes of the source URLs it takes, without colon: `http`, `https`, `local`, `s3`. */
  readonly schemes: readonly string[];
  /** I/O begins here. */
  open(): Promise<void>;
  close(): Promise<void>;
  /**
   * Fetches `source`, an absolute URL in the exact text that was asked for.
   *
   * @throws OriginError where no answer could be had, also from the body's stream; the signal's
   *   reason, as it is, where the request was aborted.
   */
  fetch(source: string, request: OriginRequest): Promise<OriginResponse>;
  check(): Promise<CheckResult>;
}

/**
 * | code | what happened | answered as |
 * |---|---|---|
 * | `refused` | the rules forbid this address, scheme, bucket or path | 403 |
 * | `invalid-source` | no such URL can be | 400 |
 * | `unavailable` | no connection, broken answer, truncated body | 502 |
 * | `timeout` | too slow | 504 |
 * | `too-large` | more bytes than allowed | 422 |
 * | `too-many-redirects` | | 502 |
 * | `misconfigured` | credentials, region, bucket: an operator must act | 502 |
 */
export type OriginErrorCode =
  | 'refused'
  | 'invalid-source'
  | 'unavailable'
  | 'timeout'
  | 'too-large'
  | 'too-many-redirects'
  | 'misconfigured';

const BRAND = Symbol.for('tintype.OriginError');

/** Why an origin had no answer. */
export class OriginError extends Error {
  static {
    // On the prototype, so that `is` knows instances of another copy of this package.
    Object.defineProperty(OriginError.prototype, BRAND, { value: true });
  }

  override readonly name = 'OriginError';
  readonly code: OriginErrorCode;

  /** `message` is a sentence for whoever made the request: no addresses or paths from inside. */
  constructor(code: OriginErrorCode, message: string, options?: { readonly cause?: unknown }) {
    super(message, options);
    this.code = code;
  }

  static is(value: unknown): value is OriginError {
    return typeof value === 'object' && value !== null && BRAND in value;
  }
}
