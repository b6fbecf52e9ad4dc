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
}

/** Sources and cache on one server; both are gone with it. */
export interface MadeCloud {
  /** Everything that `tintype serve` must know to use both. */
  readonly env: Readonly<Record<string, string>>;
  /** The photograph as a source: `s3://bucket/2026/rocket.jpg`, a JPEG with `max-age=600`. */
  readonly sourceUrl: string;
  /** Keys in the cache. */
  cached(): Promise<readonly string[]>;
}

/** By the name of the backend. */
export const clouds: Readonly<Record<string, Cloud>> = {
  abs,
  s3,
  gcs,
  swift,
};
