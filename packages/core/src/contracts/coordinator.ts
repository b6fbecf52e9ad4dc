/**
 * A purge that every node must hear of. It removes nothing by itself: what is found to be purged is removed
 * where the storage deletes on condition, and all else is kept out for as long as the purge is remembered. Who
 * announces one that must hold for ever removes the entries from the storages that are shared.
 */
export interface PurgeAnnouncement {
  /**
   * | scope | value |
   * |---|---|
   * | `key` | a prefix of keys that ends with a slash, such as that of all responses of a URL; or a whole key |
   * | `source` | the absolute URL that results, copies and responses are of |
   * | `tag` | a tag that an entry carries in its metadata |
   * | `all` | nothing: everything is meant |
   */
  readonly scope: 'key' | 'source' | 'tag' | 'all';
  readonly value: string;
  /** Milliseconds since the epoch: what was asked for before it must not be used. */
  readonly at: number;
}

/** A lease that was granted. */
export interface Lease {
  release(): Promise<void>;
}

/**
 * What several nodes agree upon: who does a piece of work, and what was purged. The default works
 * within one process.
 */
export interface Coordinator {
  open(): Promise<void>;
  close(): Promise<void>;
  /** The right to do `name` alone for `ttlMs` milliseconds; `undefined` if another holds it. */
  acquire(name: string, ttlMs: number): Promise<Lease | undefined>;
  /** Resolves when all that can be reached have heard of it: they use nothing older from then on. */
  announce(purge: PurgeAnnouncement): Promise<void>;
  /** Calls `listener` for each announcement, own ones included; returns how to stop. */
  subscribe(listener: (purge: PurgeAnnouncement) => void): () => void;
}
