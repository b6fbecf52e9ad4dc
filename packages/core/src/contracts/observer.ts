/** How the cache answered. RFC 9211 §2 gives the words. */
export type CacheOutcome =
  | { readonly kind: 'hit'; readonly ttl: number }
  | { readonly kind: 'miss'; readonly collapsed: boolean; readonly stored: boolean }
  /** No storage is configured, or this request isn't cached. */
  | { readonly kind: 'bypass' };

/** Something worth a log line, a count or a span. Times in milliseconds. */
export type ProxyEvent =
  | { readonly type: 'cache-error'; readonly operation: string; readonly code: string; readonly message: string }
  | { readonly type: 'store-dropped'; readonly reason: 'metadata-too-large' | 'object-too-large' | 'queue-full' }
  | { readonly type: 'entry-dropped'; readonly reason: 'corrupt' | 'unreadable-metadata' }
  | { readonly type: 'fetched'; readonly scheme: string; readonly status: number; readonly ms: number }
  | { readonly type: 'transformed'; readonly ms: number; readonly bytesIn: number; readonly bytesOut: number }
  | { readonly type: 'stored'; readonly ms: number; readonly bytes: number };

/** Hears of outcomes. Never awaited; what it throws is ignored. */
export interface Observer {
  observe(event: ProxyEvent): void;
}
