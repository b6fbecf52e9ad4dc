import type { Body, ByteStream } from './body.ts';
import type { HeaderPair } from './entry-metadata.ts';

/** A request that an endpoint passes on, as it goes over the wire. */
export interface UpstreamRequest {
  readonly method: string;
  /** Scheme, host and port, as the operator configured them: `http://10.0.0.7:9000`. */
  readonly origin: string;
  /** Path and query, sent byte for byte. */
  readonly target: string;
  /** End-to-end fields in order, duplicates too, without `Host`, which is the origin's. */
  readonly fields: readonly HeaderPair[];
  readonly body?: ByteStream | undefined;
  readonly signal: AbortSignal;
}

/** What came back, with nothing left out. */
export interface UpstreamResponse {
  readonly status: number;
  /** All fields in order, those of the connection too. Values as Latin-1. */
  readonly fields: readonly HeaderPair[];
  /** As it was sent, in its content coding. Its stream throws an OriginError if it ends short. */
  readonly body: Body;
}

/**
 * Asks servers that the operator named: no rules of addresses apply, redirects are answers like any
 * other, and its connections are used for nothing else.
 */
export interface Upstream {
  /** I/O begins here. */
  open(): Promise<void>;
  close(): Promise<void>;
  /**
   * Sends a request once, and never again by itself.
   *
   * @throws OriginError where no answer could be had; the signal's reason, as it is, where it was
   *   aborted.
   */
  send(request: UpstreamRequest): Promise<UpstreamResponse>;
}
