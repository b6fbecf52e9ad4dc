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
import type { StorageSubject } from '../storage/harness.ts';
import { CappedReference } from './capped-reference.ts';
import { diskSubject } from './disk-subject.ts';
import { httpSubject } from './http-reference.ts';
import { ReferenceData, ReferenceStorage, type Stored } from './reference-storage.ts';
import { referenceSubject } from './reference-subject.ts';

/** A storage that keeps the contract in its own way: what the suite must let pass. */
export interface SoundVariant {
  readonly name: string;
  create(): StorageSubject | Promise<StorageSubject>;
}

/** Short: the suite waits it out after most writes. */
const SETTLE_MS = 20;

/** Reads and listings show what was, for a while: as different servers of one store do. */
class EventualStorage extends ReferenceStorage {
  readonly #before = new Map<string, { readonly stored: Stored | undefined; readonly until: number }>();

  override async get(key: StorageKey, range: ByteRange | undefined, context: OperationContext): Promise<GetOutcome> {
    const old = this.#stale(key);
    if (old === undefined) return super.get(key, range, context);
    const view = new ReferenceStorage(new ReferenceData(), this.capabilities);
    if (old.stored) view.data.entries.set(key, old.stored);
    return view.get(key, range, context);
  }

  override async stat(key: StorageKey, context: OperationContext): Promise<EntryInfo | undefined> {
    const old = this.#stale(key);
    if (old === undefined) return super.stat(key, context);
    const { stored } = old;
    return stored && { metadata: stored.metadata, size: stored.bytes.length, version: stored.version };
  }

  override async delete(
    key: StorageKey,
    condition: VersionCondition | undefined,
    context: OperationContext,
  ): Promise<void> {
    const before = this.data.entries.get(this.full(key));
    await super.delete(key, condition, context);
    if (before) this.#remember(key, before);
  }

  override commit(key: StorageKey, bytes: Uint8Array, metadata: StoredMetadata): Version {
    this.#remember(key, this.data.entries.get(this.full(key)));
    return super.commit(key, bytes, metadata);
  }

  override async *list(
    prefix: string,
    after: StorageKey | undefined,
    context: OperationContext,
  ): AsyncGenerator<ListedEntry, void> {
    const rows = new Map<string, ListedEntry>();
    for await (const row of super.list(prefix, after, context)) rows.set(row.key, row);
    for (const key of this.#before.keys()) {
      if (!key.startsWith(prefix) || (after !== undefined && key <= after)) continue;
      const old = this.#stale(key as StorageKey);
      if (old === undefined) continue;
      const { stored } = old;
      if (stored === undefined) rows.delete(key);
      else {
        const { bytes, version, modifiedAt } = stored;
        rows.set(key, { key: key as StorageKey, size: bytes.length, version, modifiedAt });
      }
    }
    yield* [...rows.values()].sort((a, b) => (a.key < b.key ? -1 : 1));
  }

  #remember(key: string, stored: Stored | undefined): void {
    this.#before.set(key, { stored, until: performance.now() + Math.random() * SETTLE_MS * 0.8 });
  }

  /** What a server that has not heard of the last write would show, every other time. */
  #stale(key: StorageKey): { readonly stored: Stored | undefined } | undefined {
    const old = this.#before.get(key);
    if (old === undefined) return undefined;
    if (performance.now() < old.until) return Math.random() < 0.5 ? old : undefined;
    this.#before.delete(key);
    return undefined;
  }
}

/** Every operation takes its time, and not always the same. */
class SlowStorage extends ReferenceStorage {
  override async stat(key: StorageKey, context: OperationContext): Promise<EntryInfo | undefined> {
    await wander();
    const info = await super.stat(key, context);
    await wander();
    return info;
  }

  override async get(key: StorageKey, range: ByteRange | undefined, context: OperationContext): Promise<GetOutcome> {
    await wander();
    const outcome = await super.get(key, range, context);
    await wander();
    return outcome;
  }

  override async delete(
    key: StorageKey,
    condition: VersionCondition | undefined,
    context: OperationContext,
  ): Promise<void> {
    await wander();
    await super.delete(key, condition, context);
    await wander();
  }
}

async function wander(): Promise<void> {
  for (let i = Math.floor(Math.random() * 4); i > 0; i--) await new Promise((resolve) => setImmediate(resolve));
}

const eventual = { kind: 'eventual', scope: 'store', settleMs: SETTLE_MS } as const;

export const soundVariants: readonly SoundVariant[] = [
  { name: 'the reference', create: () => referenceSubject() },
  { name: 'a slow one', create: () => referenceSubject(SlowStorage) },
  {
    name: 'one that declares as little as it can',
    create: () =>
      referenceSubject(ReferenceStorage, {
        conditionalCreate: false,
        conditionalReplace: false,
        conditionalMetadata: false,
        conditionalDelete: false,
        ranges: false,
        versionCoversMetadata: false,
        nativeExpiry: false,
        maxMetadataBytes: 1_400,
        maxObjectBytes: 9 * 1024 * 1024,
      }),
  },
  { name: 'one over HTTP', create: () => httpSubject() },
  { name: 'one on disk', create: () => diskSubject() },
  {
    name: 'one with a limit',
    create: () => ({ ...referenceSubject(), capped: (maxBytes) => ({ adapter: new CappedReference(maxBytes) }) }),
  },
  {
    name: 'an eventual one',
    create: () => referenceSubject(EventualStorage, { readConsistency: eventual, listConsistency: eventual }),
  },
];
