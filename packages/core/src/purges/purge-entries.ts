import type { EntryMetadata } from '../contracts/entry-metadata.ts';
import type { CacheStorage, OperationOptions } from '../contracts/storage.ts';

/** Which of a storage's entries are meant. */
export interface PurgedEntries {
  readonly storage: CacheStorage;
  /** Prefixes of keys that end with a slash, or whole keys. */
  readonly keys: readonly string[];
  /** Of those the ones with such metadata, which then are read, one by one; all of them without it. */
  readonly matches?: (metadata: EntryMetadata) => boolean;
}

/** How far a purge has come. */
export interface PurgeProgress {
  /** Entries that were looked at. */
  readonly seen: number;
  /** Entries that are meant. */
  readonly found: number;
  /** Of those, entries that are gone. */
  readonly removed: number;
}

export interface PurgeEntriesOptions {
  /** Only count. */
  readonly dryRun?: boolean;
  readonly signal?: AbortSignal | undefined;
  readonly onProgress?: (progress: PurgeProgress) => void;
}

/** What became of the entries. */
export interface PurgedCount extends PurgeProgress {
  /** Bytes of the bodies of what was found. */
  readonly bytes: number;
  /** Why not all of it is gone, in a sentence: the first thing that went wrong. */
  readonly problem?: string;
}

/** Entries at a time. */
const AT_A_TIME = 16;

/** A storage that has failed so often is not tried any further. */
const MAX_FAILURES = 20;

interface Found {
  readonly key: string;
  readonly size: number;
}

/**
 * Removes entries from a storage. A failure keeps it from none but the entry that it is about, unless there
 * are many.
 *
 * @throws The signal's reason, if it is aborted.
 */
export async function purgeEntries(
  { storage, keys, matches }: PurgedEntries,
  { dryRun = false, signal, onProgress }: PurgeEntriesOptions = {},
): Promise<PurgedCount> {
  const limits: OperationOptions = { signal };
  const count = { seen: 0, found: 0, removed: 0, bytes: 0 };
  let failures = 0;
  let problem: string | undefined;
  const failed = (error: unknown): void => {
    failures += 1;
    problem ??= error instanceof Error ? error.message : String(error);
  };
  /** Never rejects. */
  const purge = async ({ key, size }: Found): Promise<void> => {
    try {
      count.seen += 1;
      if (matches !== undefined) {
        const entry = await storage.stat(key, limits);
        if (entry === undefined || !matches(entry.metadata)) return;
      }
      count.found += 1;
      count.bytes += size;
      if (dryRun) return;
      await storage.delete(key, limits);
      count.removed += 1;
    } catch (error) {
      failed(error);
    }
  };
  let batch: Promise<void>[] = [];
  try {
    for await (const one of listed(storage, keys, limits)) {
      if (failures >= MAX_FAILURES || signal?.aborted) break;
      batch.push(purge(one));
      if (batch.length < AT_A_TIME) continue;
      await Promise.all(batch);
      batch = [];
      onProgress?.(count);
    }
  } catch (error) {
    failed(error);
  }
  // Also where the listing has failed: they go on, and count.
  await Promise.all(batch);
  signal?.throwIfAborted();
  onProgress?.(count);
  return { ...count, ...(problem === undefined ? {} : { problem }) };
}

async function* listed(
  storage: CacheStorage,
  keys: readonly string[],
  limits: OperationOptions,
): AsyncGenerator<Found> {
  for (const key of keys) {
    if (key === '' || key.endsWith('/')) yield* storage.list(key, limits);
    else {
      const entry = await storage.stat(key, limits);
      if (entry !== undefined) yield { key, size: entry.size };
    }
  }
}
