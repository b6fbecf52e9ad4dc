import type {
  ByteRange,
  EntryInfo,
  GetOutcome,
  ListedEntry,
  OperationContext,
  StorageKey,
  StoredMetadata,
  Version,
  VersionCondition,
} from '@tintype/core';
import { fault, type StorageFault } from '../fault.ts';
import { ReferenceStorage } from '../reference-storage.ts';

/** How much later than declared, in milliseconds: longer than any machine stands still. */
const LATE_MS = 30_000;

type Rows = AsyncGenerator<ListedEntry, void>;

async function all(rows: Rows): Promise<ListedEntry[]> {
  const collected: ListedEntry[] = [];
  for await (const row of rows) collected.push(row);
  return collected;
}

/** Faults of what clients see at the same time, or from elsewhere. */
export const consistencyFaults: readonly StorageFault[] = [
  fault({
    name: 'stat-from-a-cache',
    breaks: '`stat` answers once more what it answered before.',
    caughtBy: ['put.version-is-current', 'metadata.set-replaces'],
    perhapsBy: ['linearizable.register', 'linearizable.metadata', 'linearizable.across-instances'],
    storage: class extends ReferenceStorage {
      readonly #seen = new Map<string, EntryInfo>();
      override async stat(key: StorageKey, context: OperationContext): Promise<EntryInfo | undefined> {
        const cached = this.#seen.get(key);
        this.#seen.delete(key);
        if (cached) return cached;
        const info = await super.stat(key, context);
        if (info) this.#seen.set(key, info);
        return info;
      }
    },
  }),
  fault({
    name: 'read-through-cache-of-one-instance',
    breaks: 'Each instance caches what it read and does not hear of the others’ writes; scope `store` is declared.',
    caughtBy: ['linearizable.across-instances', 'conditions.instances-count'],
    storage: class extends ReferenceStorage {
      readonly #seen = new Map<string, GetOutcome>();
      override async get(
        key: StorageKey,
        range: ByteRange | undefined,
        context: OperationContext,
      ): Promise<GetOutcome> {
        const stored = this.#seen.get(key);
        if (range === undefined && stored?.kind === 'entry' && this.live(key) !== undefined && stored.size < 10_000) {
          const bytes = stored.body.buffered;
          if (bytes) return { ...stored, body: this.bodyOf(bytes, context) };
        }
        const outcome = await super.get(key, range, context);
        if (range === undefined && outcome?.kind === 'entry') this.#seen.set(key, outcome);
        return outcome;
      }
      override commit(key: StorageKey, bytes: Uint8Array, metadata: StoredMetadata): Version {
        this.#seen?.delete(key);
        return super.commit(key, bytes, metadata);
      }
      override async delete(
        key: StorageKey,
        condition: VersionCondition | undefined,
        context: OperationContext,
      ): Promise<void> {
        await super.delete(key, condition, context);
        this.#seen.delete(key);
      }
    },
  }),
  fault({
    name: 'settles-later-than-declared',
    breaks: 'Reads are declared to settle within 40 ms and take half a minute.',
    caughtBy: [
      'get.large-bodies-are-exact',
      'put.overwrite-replaces',
      'put.version-is-current',
      'put.outcome-is-true',
      'atomic.overwrite-is-whole',
      'metadata.put-replaces-all',
      'metadata.set-replaces',
      'metadata.set-returns-the-version',
      'metadata.set-current',
      'metadata.set-loses-to-a-put',
      'conditions.replace-current',
      'conditions.replace-after-metadata-is-refused',
      'conditions.replace-counts',
      'linearizable.reads-converge',
    ],
    perhapsBy: [
      'conditions.instances-count',
      'errors.damage-stays-local',
      'errors.outage-is-told',
      'errors.outlives-its-sweeping',
      'list.passes-over-strangers',
      'public.replayable-put-is-retried',
    ],
    capabilities: { readConsistency: { kind: 'eventual', scope: 'store', settleMs: 40 } },
    storage: class extends ReferenceStorage {
      override async get(
        key: StorageKey,
        range: ByteRange | undefined,
        context: OperationContext,
      ): Promise<GetOutcome> {
        const stored = this.live(key);
        const stale = this.#before.get(key);
        if (stored && stale && Date.now() - stored.modifiedAt < LATE_MS && range === undefined) {
          return { kind: 'entry', ...stale.info, range: undefined, body: this.bodyOf(stale.bytes, context) };
        }
        return super.get(key, range, context);
      }
      readonly #before = new Map<string, { readonly info: EntryInfo; readonly bytes: Uint8Array }>();
      override commit(key: StorageKey, bytes: Uint8Array, metadata: StoredMetadata): Version {
        const old = this.data.entries.get(this.full(key));
        if (old) {
          const info = { metadata: old.metadata, size: old.bytes.length, version: old.version };
          this.#before?.set(key, { info, bytes: old.bytes });
        }
        return super.commit(key, bytes, metadata);
      }
    },
  }),
  fault({
    name: 'listings-settle-later-than-declared',
    breaks: 'Listings are declared to settle within 30 ms and show deleted keys for half a minute.',
    caughtBy: ['delete.removes', 'list.while-changing', 'linearizable.listings-converge', 'resources.nothing-is-left'],
    capabilities: { listConsistency: { kind: 'eventual', scope: 'store', settleMs: 30 } },
    storage: class extends ReferenceStorage {
      readonly #ghosts = new Map<string, number>();
      override async delete(
        key: StorageKey,
        condition: VersionCondition | undefined,
        context: OperationContext,
      ): Promise<void> {
        if (this.kept(key)) this.#ghosts.set(key, Date.now());
        return super.delete(key, condition, context);
      }
      override async *list(prefix: string, after: StorageKey | undefined, context: OperationContext): Rows {
        const rows = await all(super.list(prefix, after, context));
        for (const [key, at] of this.#ghosts) {
          if (Date.now() - at > LATE_MS) this.#ghosts.delete(key);
          else if (key.startsWith(prefix) && !(after && key <= after) && !rows.some((row) => row.key === key)) {
            rows.push({ key: key as StorageKey, size: 0, version: undefined, modifiedAt: at });
          }
        }
        yield* rows.sort((a, b) => (a.key < b.key ? -1 : 1));
      }
    },
  }),
];
