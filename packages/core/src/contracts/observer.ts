import type { StorageErrorCode, StorageOperation } from './storage-error.ts';

/** How the cache answered. RFC 9211 §2 gives the words. */
export type CacheOutcome =
  | {
      readonly kind: 'hit';
      /** Seconds for which it stays fresh; negative where it was used stale. */
      readonly ttl: number;
      /**
       * What is unusual about it: stale while it is refreshed (`swr`), stale because asking failed (`sie`), a
       * failure that is remembered (`negative`).
       */
      readonly detail?: 'swr' | 'sie' | 'negative' | undefined;
    }
  | {
      readonly kind: 'miss';
      /** There was no entry, or one that is too old. */
      readonly reason: 'uri-miss' | 'stale';
      readonly collapsed: boolean;
      readonly stored: boolean;
      /** What the origin answered where an entry was there: 304, and nothing was made. */
      readonly fwdStatus?: number | undefined;
      /** Why it isn't stored, where the origin or the client's credentials forbid it: `private`, `no-store`, … */
      readonly detail?: string | undefined;
    }
  /** No storage is configured, or this request isn't cached. */
  | { readonly kind: 'bypass' }
  /** Answered before any lookup: a URL that is refused. Nothing was forwarded. */
  | { readonly kind: 'refused' };

/**
 * Why a result was served and not stored.
 *
 * | reason | |
 * |---|---|
 * | `object-too-large`, `metadata-too-large` | for the storage |
 * | `queue-full` | more waits for the storage than may |
 * | `paused` | the storage is left alone for a while, see `storage-state` |
 * | `first-request`, `too-many-variants` | unsigned requests from beyond this machine: nobody has asked for it before, or its source has enough variants |
 */
export type StoreDropReason =
  | 'metadata-too-large'
  | 'object-too-large'
  | 'queue-full'
  | 'paused'
  | 'first-request'
  | 'too-many-variants';

/** Something worth a log line, a count or a span. Times in milliseconds. */
export type ProxyEvent =
  | { readonly type: 'cache-error'; readonly operation: string; readonly code: string; readonly message: string }
  /**
   * A storage stopped being asked, because it failed too often or could not be opened, or is asked
   * again. `storage` is its id; `code` says what the last failure was.
   */
  | {
      readonly type: 'storage-state';
      readonly storage: string;
      readonly access: 'reads' | 'writes';
      readonly state: 'working' | 'paused';
      readonly code?: string | undefined;
    }
  /**
   * A storage answered, or failed with `code`; told only to those that ask for it by `hearsOperations`.
   * Each tier and each attempt counts for itself. What memory answers at once is not told: that is the
   * path of a hit. A `get` ends with the entry's metadata, its body may still be on the way; a `list` is
   * not told.
   */
  | {
      readonly type: 'storage-operation';
      readonly storage: string;
      readonly operation: StorageOperation;
      readonly ms: number;
      readonly code?: StorageErrorCode | 'aborted' | undefined;
    }
  | {
      readonly type: 'store-dropped';
      readonly reason: StoreDropReason;
      /** The storage that is `paused`. */
      readonly storage?: string | undefined;
    }
  /** `gone`: its source is no longer there; `forbidden`: it must no longer be kept. */
  | { readonly type: 'entry-dropped'; readonly reason: 'corrupt' | 'gone' | 'forbidden' }
  /**
   * What became of an entry that is too old: the origin says that it is the same (`same`) or sent another
   * (`changed`), or could not be asked (`failed`); or nobody asked, because there was no room for it
   * (`shed`). `background`: nobody waited for it.
   */
  | {
      readonly type: 'revalidated';
      readonly outcome: 'same' | 'changed' | 'failed' | 'shed';
      readonly background: boolean;
    }
  | { readonly type: 'fetched'; readonly scheme: string; readonly status: number; readonly ms: number }
  /** An image waited so long, in all, for its host, for a place to be transformed, and for memory. */
  | { readonly type: 'waited'; readonly ms: number }
  /** All of a source has come; `ms` from its headers on. */
  | { readonly type: 'downloaded'; readonly ms: number; readonly bytes: number }
  | { readonly type: 'transformed'; readonly ms: number; readonly bytesIn: number; readonly bytesOut: number }
  | { readonly type: 'stored'; readonly ms: number; readonly bytes: number };

/** Hears of outcomes. Never awaited; what it throws is ignored. */
export interface Observer {
  /**
   * Whether it hears of every operation of a storage (`storage-operation`). Read once, when the proxy is
   * composed, and only of observers that plugins bring: without one that does, nothing is timed.
   */
  readonly hearsOperations?: boolean;
  observe(event: ProxyEvent): void;
}
