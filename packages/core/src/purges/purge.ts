import type { Coordinator, PurgeAnnouncement } from '../contracts/coordinator.ts';
import type { CacheStorage } from '../contracts/storage.ts';
import { SCHEMA as RESPONSES } from '../endpoints/response-key.ts';
import { SCHEMA as RESULTS, sourcePrefix } from '../pipeline/variant-key.ts';
import { SCHEMA as ORIGINALS } from '../sources/original-key.ts';
import { isAllOwn } from '../storage/own-storage.ts';
import { type PurgedCount, type PurgedEntries, type PurgeProgress, purgeEntries } from './purge-entries.ts';

/**
 * What is to be purged: a `source` (its absolute URL: all that was made of it, copies of it, and responses from
 * it), a `key` (a prefix of keys that ends with a slash, or a whole key), or `all`.
 */
export type PurgeSelection = { readonly scope: 'source' | 'key'; readonly value: string } | { readonly scope: 'all' };

export interface PurgeOptions {
  /** Only count what would be removed; nobody is told. */
  readonly dryRun?: boolean;
  readonly signal?: AbortSignal;
  readonly onProgress?: (part: PurgedPart['part'], progress: PurgeProgress) => void;
}

/** What was removed from one of the storages. */
export interface PurgedPart extends PurgedCount {
  /** Results and responses, or copies of sources. */
  readonly part: 'cache' | 'sources';
  /** The name of the storage. */
  readonly storage: string;
  /** It is all in the memory of this process: what others have in theirs they have to be told of. */
  readonly inProcess: boolean;
}

export interface PurgeReport {
  /** Whether the coordinator has told all that it reaches; they use nothing any more that was asked for before. */
  readonly announced: boolean;
  /** Why not. */
  readonly problem?: string;
  readonly parts: readonly PurgedPart[];
}

/** What a purge needs of a proxy. */
export interface PurgedProxy {
  readonly coordinator: Pick<Coordinator, 'announce'>;
  readonly storage: CacheStorage | undefined;
  readonly sourceStorage: CacheStorage | undefined;
  /** Prefixes of keys under which responses of a URL lie. */
  readonly responsesOf: (url: string) => readonly string[];
  readonly clock: () => number;
}

/**
 * Tells everybody first, so that nothing that is on its way is stored behind its back, and then removes what lies
 * in the storages.
 */
export async function purge(
  proxy: PurgedProxy,
  selection: PurgeSelection,
  { dryRun = false, signal, onProgress }: PurgeOptions = {},
): Promise<PurgeReport> {
  let problem: string | undefined;
  if (!dryRun) {
    const value = selection.scope === 'all' ? '' : selection.value;
    const announcement: PurgeAnnouncement = { scope: selection.scope, value, at: proxy.clock() };
    await proxy.coordinator.announce(announcement).catch((error: unknown) => {
      problem = error instanceof Error ? error.message : String(error);
    });
  }
  const parts: PurgedPart[] = [];
  for (const [part, entries] of entriesOf(proxy, selection)) {
    const count = await purgeEntries(entries, {
      dryRun,
      signal,
      onProgress: (progress) => onProgress?.(part, progress),
    });
    // Metrics tell `sources fs` from `fs`; here the part does.
    const storage = entries.storage.name.replace(/^sources /, '');
    parts.push({ part, storage, inProcess: isAllOwn(entries.storage), ...count });
  }
  return { announced: !dryRun && problem === undefined, ...(problem === undefined ? {} : { problem }), parts };
}

function entriesOf(
  { storage, sourceStorage, responsesOf }: PurgedProxy,
  selection: PurgeSelection,
): readonly (readonly [PurgedPart['part'], PurgedEntries])[] {
  const ofOriginals = (key: string): boolean => key.startsWith(`${ORIGINALS}/`);
  const found: (readonly [PurgedPart['part'], PurgedEntries])[] = [];
  const { scope } = selection;
  if (storage !== undefined) {
    // Nothing but what lies under keys of ours: there may be more in a bucket.
    if (scope === 'all') found.push(['cache', { storage, keys: [`${RESULTS}/`, `${RESPONSES}/`] }]);
    else if (scope === 'source') {
      found.push(['cache', { storage, keys: [sourcePrefix(selection.value), ...responsesOf(selection.value)] }]);
    } else if (!ofOriginals(selection.value)) found.push(['cache', { storage, keys: [selection.value] }]);
  }
  if (sourceStorage !== undefined) {
    const keys = [`${ORIGINALS}/`];
    if (scope === 'all') found.push(['sources', { storage: sourceStorage, keys }]);
    else if (scope === 'source') {
      // Their keys tell also under which rules they were fetched, and those may have changed since.
      const matches = ({ source }: { readonly source: string }): boolean => source === selection.value;
      found.push(['sources', { storage: sourceStorage, keys, matches }]);
    } else if (ofOriginals(selection.value)) {
      found.push(['sources', { storage: sourceStorage, keys: [selection.value] }]);
    }
  }
  return found;
}
