import type { CacheEntry, StoreRefusal } from '@tintype/http-cache';
import type { Version } from '../contracts/storage-adapter.ts';
import type { StorageKey } from '../contracts/storage-key.ts';
import type { Spool } from '../pipeline/spool.ts';
import type { OriginAnswer } from './origin-chain.ts';

/** What a question to the origins came to, for all who wait for it. */
export type Landing =
  /** A response that others may have as well: it is on its way to its readers and into the storage. */
  | {
      readonly kind: 'shared';
      readonly answer: OriginAnswer;
      readonly entry: CacheEntry;
      readonly spool: Spool;
      /** Bytes, where the origin told. */
      readonly size: number | undefined;
    }
  /** A response for the one who asked, and nobody else. */
  | { readonly kind: 'private'; readonly answer: OriginAnswer; readonly reason: StoreRefusal | 'too-large' }
  /** The stored response is still the one, and fresh again. */
  | {
      readonly kind: 'validated';
      readonly key: StorageKey;
      /** Of what was asked about: there may be another under the key by now. */
      readonly version: Version;
      readonly entry: CacheEntry;
    }
  /** The same, for the one who asked alone. */
  | { readonly kind: 'once'; readonly entry: CacheEntry; readonly reason: StoreRefusal }
  /** No answer, or one for which a stale response stands in; or (503 with an error) there was no room to ask. */
  | { readonly kind: 'failed'; readonly failure: 'disconnected'; readonly error: unknown }
  | {
      readonly kind: 'failed';
      readonly failure: number;
      readonly error?: unknown;
      /** The answer said itself for how long it is right. */
      readonly saysHowLong?: boolean;
    };
