/** How soon and for whom a write is seen. */
export type Consistency =
  /** Whoever reads after the write has resolved sees it. */
  | { readonly kind: 'strong'; readonly scope: 'store' | 'instance' }
  /**
   * Readers converge within `settleMs` milliseconds after the last write. Until then one may see an
   * earlier entry, and a single read may miss one that is just being overwritten: Swift's object server
   * says 404 when its file is replaced between looking for it and opening it.
   */
  | { readonly kind: 'eventual'; readonly scope: 'store' | 'instance'; readonly settleMs: number };

/**
 * What an adapter can do, as data. Declared means it works and the conformance suite holds it to it;
 * not declared means that the adapter itself rejects with `unsupported` before any I/O.
 *
 * Final once `open` has resolved; a probe during `open` may only withdraw what was declared before.
 */
export interface StorageCapabilities {
  /** `put` with `{ ifAbsent: true }`: of N racing writers exactly one wins. */
  readonly conditionalCreate: boolean;
  /** `put` with `{ ifVersion }`: compare and swap. */
  readonly conditionalReplace: boolean;
  /** `setMetadata` with `{ ifVersion }`. Without it core refreshes an entry by a put. */
  readonly conditionalMetadata: boolean;
  /** `delete` with `{ ifVersion }`. */
  readonly conditionalDelete: boolean;
  /** `get` of a byte range. */
  readonly ranges: boolean;
  /** The version changes with `setMetadata` too. False for plain S3 ETags. */
  readonly versionCoversMetadata: boolean;
  /**
   * For `get` and `stat` after `put`, `setMetadata` and `delete`. Scope `store` holds for every
   * instance on the same data, `instance` only for the one that wrote (a memory tier).
   */
  readonly readConsistency: Consistency;
  /** The same for `list`. */
  readonly listConsistency: Consistency;
  /** It may forget entries on its own (a size cap). */
  readonly evicts: boolean;
  /** What a resolved `put` survives: the death of the process, or the loss of power too. */
  readonly durability: 'none' | 'process' | 'power';
  /** The backend removes entries by itself once `StoredMetadata.expiresAt` has passed. */
  readonly nativeExpiry: boolean;
  /** Largest body, in bytes; `Infinity` if only the disk limits it. */
  readonly maxObjectBytes: number;
  /** Longest `StoredMetadata.encoded`, in bytes. At least 1,400. */
  readonly maxMetadataBytes: number;
  /** Shortest time between two writes of one key that the backend takes, in milliseconds; 0 = none. */
  readonly minWriteIntervalMs: number;
}

/** The least `maxMetadataBytes` an adapter may declare: what fits S3's 2 KiB with room for names. */
export const MIN_METADATA_BYTES = 1_400;
