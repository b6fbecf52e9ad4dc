import type { Operations } from './operations.ts';
import type { OutputRequest } from './transformer.ts';

/**
 * What a URL asks for, independent of how it is written. Canonical: two URLs that mean the same give
 * equal requests, so that they share a cache entry.
 */
export interface ImageRequest {
  /** Absolute URL of the source, in the exact text that the origin will be asked for. */
  readonly source: string;
  /** `raw`: the source as it is, streamed, without a transformer. */
  readonly mode: 'transform' | 'raw';
  readonly operations: Operations;
  readonly output: OutputRequest;
  /** Part of the key and of nothing else. */
  readonly cachebuster: string;
  /** Shape the response only: outside the key, never stored, applied per request. */
  readonly response: ResponseOptions;
}

export interface ResponseOptions {
  /** After this moment, in milliseconds since the epoch, the URL is gone (404). */
  readonly expiresAt?: number | undefined;
  /** Name for `Content-Disposition`, with or without an extension. */
  readonly filename?: string | undefined;
  /** Download instead of show. */
  readonly attachment?: boolean | undefined;
  /** Header fields that this image depends on, for `Vary`. Core sets it. */
  readonly vary?: string | undefined;
}

/** The signature that a URL carries, and what it must be a signature of. */
export interface Signature {
  readonly text: string;
  readonly payload: string;
}

/** Keys to sign with and to accept. Several pairs allow rotation; the first one signs. */
export interface KeyRing {
  readonly pairs: readonly { readonly key: Uint8Array; readonly salt: Uint8Array }[];
  /** Bytes of the MAC that are kept, 1 to 32. */
  readonly size: number;
  /** Texts accepted as they are. */
  readonly trusted: readonly string[];
}

/**
 * What a dialect reads. No headers: what it read of them would have to be part of the key and of
 * `Vary`, and a parsed URL is remembered by its text alone.
 */
export interface DialectRequest {
  /** Path and query exactly as received, never decoded or normalised. */
  readonly target: string;
}

/** How a URL uses presets: operations that the operator gave a name. */
export interface PresetUse {
  /** Names in the URL, in its order; those that the operator applies to every URL are not among them. */
  readonly names: readonly string[];
  /**
   * They are all that is asked for. Besides them there is at most a format, a cache buster, and what shapes only
   * the response.
   */
  readonly alone: boolean;
}

/** A grammar of URLs. Pure: no I/O. */
export interface Dialect {
  /**
   * The signature of a URL, read without looking at what is signed: where there are keys it is
   * verified before anything else is read, so that strangers learn nothing of presets and options.
   *
   * @throws RequestError if there is no place for one.
   */
  signatureOf(request: DialectRequest): Signature;
  /** @throws RequestError that names the option at fault. */
  parse(request: DialectRequest): ImageRequest;
  /**
   * The presets of a URL that `parse` has taken, for rules of caching: they say how an image is asked for, and
   * not which one it is. A grammar without presets leaves it out.
   */
  presetsOf?(request: DialectRequest): PresetUse;
  /** Compares in constant time. Only called if there are keys. */
  verify(signature: Signature, keys: KeyRing): boolean;
  /** The signed form of an unsigned path (one that starts with `/`, without a signature segment). */
  sign(path: string, keys: KeyRing): string;
}

const BRAND = Symbol.for('tintype.RequestError');

/** The request can't be answered as it is: whose fault, and what to change. */
export class RequestError extends Error {
  static {
    // On the prototype, so that `is` knows instances of another copy of this package.
    Object.defineProperty(RequestError.prototype, BRAND, { value: true });
  }

  override readonly name = 'RequestError';
  /** HTTP status, 400 to 599. */
  readonly status: number;
  /** A stable word for logs and clients: `unknown-option`, `bad-signature`, … */
  readonly code: string;

  /** `message` is one plain sentence that goes to the client. */
  constructor(status: number, code: string, message: string, options?: { readonly cause?: unknown }) {
    super(message, options);
    this.status = status;
    this.code = code;
  }

  static is(value: unknown): value is RequestError {
    return typeof value === 'object' && value !== null && BRAND in value;
  }
}
