/** A purge that every node must hear of. */
export interface PurgeAnnouncement {
  readonly scope: 'key' | 'source' | 'tag' | 'all';
  readonly value: string;
  /** Milliseconds since the epoch: entries stored before it are stale. */
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
  announce(purge: PurgeAnnouncement): Promise<void>;
  /** Calls `listener` for each announcement, own ones included; returns how to stop. */
  subscribe(listener: (purge: PurgeAnnouncement) => void): () => void;
}
