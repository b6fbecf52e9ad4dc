import type { StatusSeconds } from '@tintype/http-cache';

/**
 * A part of the proxy's paths with origins of its own, as a config file or `createProxy` gives it.
 * Plain JSON: serving processes are handed it as text. Durations are seconds.
 */
export interface EndpointDefinition {
  /** The paths that belong to it: `/`, or like `/photos`. The longest one that fits a request counts. */
  readonly path: string;
  /**
   * Where it gets things, in order: the next one is asked where one says 404 or fails. Folders: what
   * follows the endpoint's path in a request is put behind them. `http://` and `https://` are trusted
   * by exact host and port, without the rules for addresses that clients choose; others (`s3://bucket/`,
   * `local:///photos/`) need their origin switched on.
   */
  readonly origins?: readonly string[];
  /**
   * In place of `origins`: paths are whole URLs, of these servers alone (`https://images.example.com`), plain or
   * escaped. What they resolve to is subject to the rules for addresses that clients choose. Nothing of a
   * client's credentials goes on, and answers can do nothing in a browser but be shown.
   */
  readonly webProxy?: readonly string[];
  /**
   * The grammar of its URLs, by id: paths are then made into images, of sources relative to the first
   * origin. Without one every response is passed through.
   */
  readonly dialect?: string;
  /** `'*'`: also methods other than GET and HEAD are passed on, except CONNECT and TRACE. */
  readonly methods?: '*';
  /** Whether responses are kept at all; they are unless this is `false`. */
  readonly cache?: boolean;
  /** Cookies that the origin gets to see, by name; each value has its own entries. None unless given. */
  readonly cookies?: readonly string[];
  /** Bytes that a response to be kept may have; `TINTYPE_MAX_SRC_FILE_SIZE` unless given. */
  readonly maxStoredBytes?: number;

  /** Whether the origin's word counts in full; it does unless this is `false`. */
  readonly originCacheControl?: boolean;
  /** Fields that count in place of `Cache-Control`, most specific first. RFC 9213. */
  readonly targets?: readonly string[];
  /**
   * For responses that say nothing themselves: images, to requests without cookies. For 2xx and 3xx if
   * it is a number; else by status.
   */
  readonly defaultTtl?: number | StatusSeconds;
  /** By status, whatever the origin says: 0 asks each time, -1 doesn't keep. */
  readonly statusTtl?: StatusSeconds;
  /** For all 2xx and 3xx, whatever the origin says. */
  readonly edgeTtl?: number;
  readonly minTtl?: number;
  /** 180 days unless given. */
  readonly maxTtl?: number;
  /** Least `max-age` that clients are given: of what is kept or `private`, never of errors. */
  readonly browserTtl?: number;
  /** `false` for no guess at a lifetime from `Last-Modified`. */
  readonly heuristic?: boolean;
  /** What becomes of a response with `Set-Cookie`. */
  readonly setCookie?: 'refuse' | 'strip' | 'store';
  /** Request fields in `Vary` that count. */
  readonly vary?: 'all' | readonly string[];
  /** Whether a client's `no-cache`, `no-store`, `max-age`, … count; ignored unless given. */
  readonly clientCacheControl?: 'obey' | 'ignore';
  readonly sMaxageAllowsStale?: boolean;
  readonly staleWhileRevalidate?: boolean;
  readonly staleIfError?: number;
  readonly staleIfDisconnected?: number;
  /** Keep parts, too; they are unless this is `false`. */
  readonly storePartial?: boolean;
  readonly ignoreAge?: boolean;
  readonly ignoreExpires?: boolean;
}
