import type { Fault, FaultProxy } from '@tintype/conformance';
import type { RunningServer } from '@tintype-test/servers';
import { abs } from './abs.ts';
import { gcs } from './gcs.ts';
import { s3 } from './s3.ts';
import { swift } from './swift.ts';

/** A kind of cloud, and the servers on which it is tried. */
export interface Cloud {
  readonly servers: readonly string[];
  /** Makes a place for sources with the photograph in it, and one for the cache. */
  make(server: RunningServer, photograph: Uint8Array): Promise<MadeCloud>;
  /** How the vendor refuses what a token or signature that has expired asks for. */
  readonly expired: Fault;
  /** How the vendor refuses what the credentials have no right to. */
  readonly forbidden: Fault;
}

type Variables = Readonly<Record<string, string>>;

/** A cloud on a server, for the tests. */
export interface Place {
  /** Of the backend. */
  readonly name: string;
  readonly cloud: Cloud;
  readonly server: RunningServer;
  make(): Promise<MadeCloud>;
}

/** Sources and cache on one server; both are gone with it. */
export interface MadeCloud {
  /** Everything that `tintype serve` must know to use both. */
  readonly env: Variables;
  /** The photograph as a source: `s3://bucket/2026/rocket.jpg`, a JPEG with `max-age=600`. */
  readonly sourceUrl: string;
  /** Keys in the cache. */
  cached(): Promise<readonly string[]>;
  /** What sets a wrong password for the cache; `undefined` where the server takes any. */
  readonly wrongPassword: (() => Promise<Variables>) | undefined;
  /** What must have happened where a wrong password was refused, and what else must show nowhere. */
  readonly refusal?: () => {
    readonly asked: readonly string[];
    readonly says: string;
    readonly secrets: readonly string[];
  };
  /** What sets somebody for the cache whom the server knows, and who may not use it. */
  readonly stranger?: Variables;
  /** When the server itself will remove a cached entry, in milliseconds since the epoch, where it does that. */
  expiresAt?(key: string): Promise<number>;
  /** What leads the cache, and nothing else, through a proxy before the server. */
  through(proxy: FaultProxy): Promise<Variables>;
}

/** What cannot be guessed, and must show nowhere. */
export const WRONG_PASSWORD = 'd3JvbmctcGFzc3dvcmQtb2YtdGVzdHM=';

/** What names a place for the cache that is not there. */
export const MISSING_BUCKET: Variables = { TINTYPE_CACHE_BUCKET: 'tintype-there-is-none' };

/** By the name of the backend. */
export const clouds: Readonly<Record<string, Cloud>> = {
  abs,
  s3,
  gcs,
  swift,
};
