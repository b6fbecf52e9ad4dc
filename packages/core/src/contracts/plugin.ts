import type { Dialect } from './dialect.ts';
import type { OptionsOf, OptionTable } from './options.ts';
import type { Origin } from './origin.ts';
import type { StorageAdapter } from './storage-adapter.ts';
import type { Transformer } from './transformer.ts';
import type { Upstream } from './upstream.ts';

/** What every kind of part says of itself. `id` is what settings name it by: `fs`, `s3`. */
interface Descriptor<T extends OptionTable> {
  readonly id: string;
  readonly options: T;
}

/** What the result cache, the source cache or a tool tells a storage besides its own options. */
export interface StorageScope {
  /** `TINTYPE_CACHE_BUCKET`: bucket or container; with `fs` a further folder. Blank if not set. */
  readonly bucket: string;
  /**
   * `TINTYPE_CACHE_PATH_PREFIX` without slashes around it, blank if not set. Keys come with it
   * already; it is for what an adapter writes besides entries, because that is all it may be allowed
   * to touch.
   */
  readonly pathPrefix?: string;
  /** The prefix of this storage's variables, for messages: `TINTYPE_CACHE_S3_`. */
  readonly variablePrefix: string;
  /** The name of the bucket variable, for messages: `TINTYPE_CACHE_BUCKET`. */
  readonly bucketVariable: string;
}

/**
 * A kind of cache storage. Its options are read under `TINTYPE_CACHE_<ID>_` for the result cache and
 * `TINTYPE_SOURCES_<ID>_` for the source cache.
 */
export interface StorageDescriptor<T extends OptionTable = OptionTable> extends Descriptor<T> {
  /** Reached over a network: a lookup may take longer before it counts as a miss. */
  readonly remote?: boolean;
  /** Constructs without I/O. @throws SettingsError for what only the whole of the options shows. */
  create(options: OptionsOf<T>, scope: StorageScope): StorageAdapter;
}

/** What all origins of a proxy share. */
export interface OriginScope {
  /** Longest time for connecting, headers and each idle gap of a download, in seconds. */
  readonly downloadTimeout: number;
  /** `TINTYPE_ALLOWED_SOURCES`, parsed; an origin that follows redirects asks at each hop. */
  readonly isAllowed: (source: string) => boolean;
}

/** What endpoints say of the servers that they ask. */
export interface UpstreamScope {
  /** Longest time to connect, and to the header of an answer, in seconds. */
  readonly downloadTimeout: number;
  /** Longest gap in a body, in seconds: a server may keep a connection open behind one that ends with it. */
  readonly idleTimeout: number;
  /** Clients choose the server: it is reached only at addresses that sources may be at. */
  readonly checksAddresses?: boolean;
}

/** A kind of origin. Its options are read under `TINTYPE_<prefix>`. */
export interface OriginDescriptor<T extends OptionTable = OptionTable> extends Descriptor<T> {
  /** What stands between `TINTYPE_` and an option's name; `<ID>_` unless given. May be empty. */
  readonly prefix?: string;
  /**
   * The variable, without `TINTYPE_`, that switches this origin on, as imgproxy calls it: `USE_S3`.
   * While it is off the options are not read and `create` is not called.
   */
  readonly enabledBy?: string;
  /** Constructs without I/O; `undefined` if the options leave this origin switched off. */
  create(options: OptionsOf<T>, scope: OriginScope): Origin | undefined;
  /**
   * Constructs, without I/O, what endpoints ask the servers by that the operator named; only for
   * origins that speak HTTP.
   */
  createUpstream?(options: OptionsOf<T>, scope: UpstreamScope): Upstream;
}

/** A kind of transformer. Its options are read under `TINTYPE_<ID>_` unless `prefix` says otherwise. */
export interface TransformerDescriptor<T extends OptionTable = OptionTable> extends Descriptor<T> {
  readonly prefix?: string;
  create(options: OptionsOf<T>): Transformer;
}

/** Where a dialect is used. */
export interface DialectScope {
  /** What stands before every source: sources of an endpoint are relative to its first origin. */
  readonly baseUrl: string;
}

/** A grammar of URLs. Its options are read under `TINTYPE_<ID>_` unless `prefix` says otherwise. */
export interface DialectDescriptor<T extends OptionTable = OptionTable> extends Descriptor<T> {
  readonly prefix?: string;
  /** @param scope what an endpoint says besides the options. */
  create(options: OptionsOf<T>, scope?: DialectScope): Dialect;
}
