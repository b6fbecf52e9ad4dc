import { BufferedBody } from '../bodies.ts';
import type { Consistency, StorageCapabilities } from '../contracts/capabilities.ts';
import type {
  Awaitable,
  ByteRange,
  CheckResult,
  Entry,
  EntryInfo,
  GetOutcome,
  ListedEntry,
  OperationContext,
  PutBody,
  PutCondition,
  StorageAdapter,
  StoredMetadata,
  Version,
  VersionCondition,
} from '../contracts/storage-adapter.ts';
import type { StorageKey } from '../contracts/storage-key.ts';
import { KeyWrites } from './key-writes.ts';

/** Bytes that a copy in the near tier costs at most beyond the far tier's metadata: its version. */
const VERSION_ROOM = 512;

export interface TieredOptions {
  /** Bodies above this many bytes are never copied into the near tier. */
  readonly maxNearBytes?: number;
}

/**
 * Two storages as one: `near` holds copies of what was read or written lately, `far` is the truth.
 *
 * Every write goes through `far`, and takes the near copy away before it can be seen there; a copy
 * is made only if no write of that key happened in between. So within one instance a reader never
 * sees an older entry after a newer one. What it cannot keep it declares: other instances' writes
 * are seen only once the copy is gone, hence consistency of scope `instance`.
 *
 * Versions are the far tier's, also on a near hit, so conditions mean what they say.
 */
export function tiered(near: StorageAdapter, far: StorageAdapter, options: TieredOptions = {}): StorageAdapter {
  return new TieredStorage(near, far, options.maxNearBytes ?? 1024 * 1024);
}

interface FarView {
  readonly metadata: StoredMetadata;
  readonly version: Version;
}

class TieredStorage implements StorageAdapter {
  readonly #near: StorageAdapter;
  readonly #far: StorageAdapter;
  readonly #maxNearBytes: number;
  readonly #writes = new KeyWrites();
  readonly #views = new WeakMap<StoredMetadata, FarView>();
  readonly #fills = new Set<Promise<void>>();
  readonly #life = new AbortController();

  constructor(near: StorageAdapter, far: StorageAdapter, maxNearBytes: number) {
    this.#near = near;
    this.#far = far;
    this.#maxNearBytes = maxNearBytes;
  }

  get capabilities(): StorageCapabilities {
    const near = this.#near.capabilities;
    const far = this.#far.capabilities;
    return {
      ...far,
      nativeExpiry: near.nativeExpiry && far.nativeExpiry,
      readConsistency: withinInstance(far.readConsistency),
      maxMetadataBytes: Math.min(far.maxMetadataBytes, near.maxMetadataBytes - VERSION_ROOM),
    };
  }

  async open(context: OperationContext): Promise<void> {
    await this.#near.open(context);
    try {
      await this.#far.open(context);
    } catch (error) {
      await this.#near.close();
      throw error;
    }
  }

  async close(): Promise<void> {
    this.#life.abort(new Error('The storage was closed.'));
    await Promise.all(this.#fills);
    const results = await Promise.allSettled([this.#near.close(), this.#far.close()]);
    const failed = results.find((result) => result.status === 'rejected');
    if (failed) throw failed.reason;
  }

  get(key: StorageKey, range: ByteRange | undefined, context: OperationContext): Awaitable<GetOutcome> {
    if (range !== undefined && !this.#near.capabilities.ranges) return this.#far.get(key, range, context);
    const near = this.#near.get(key, range, context);
    if (near instanceof Promise) {
      return near.then(
        (outcome) => (outcome === undefined ? this.#getFar(key, range, context) : this.#seen(outcome)),
        // The far tier has it as well: copies that can't be read cost a longer way.
        (error) => (context.signal.aborted ? Promise.reject(error) : this.#getFar(key, range, context)),
      );
    }
    return near === undefined ? this.#getFar(key, range, context) : this.#seen(near);
  }

  stat(key: StorageKey, context: OperationContext): Awaitable<EntryInfo | undefined> {
    const near = this.#near.stat(key, context);
    if (near instanceof Promise) {
      return near.then((info) => (info === undefined ? this.#far.stat(key, context) : this.#seen(info)));
    }
    return near === undefined ? this.#far.stat(key, context) : this.#seen(near);
  }

  async put(
    key: StorageKey,
    body: PutBody,
    metadata: StoredMetadata,
    condition: PutCondition | undefined,
    context: OperationContext,
  ): Promise<Version> {
    const { value: version, mark } = await this.#write(key, context, () =>
      this.#far.put(key, body, metadata, condition, context),
    );
    if (body.bytes !== undefined && mark !== undefined) await this.#fill(key, mark, body.bytes, metadata, version);
    return version;
  }

  async setMetadata(
    key: StorageKey,
    metadata: StoredMetadata,
    condition: VersionCondition | undefined,
    context: OperationContext,
  ): Promise<Version | undefined> {
    const { value } = await this.#write(key, context, () => this.#far.setMetadata(key, metadata, condition, context));
    return value;
  }

  async delete(key: StorageKey, condition: VersionCondition | undefined, context: OperationContext): Promise<void> {
    await this.#write(key, context, () => this.#far.delete(key, condition, context));
  }

  list(prefix: string, after: StorageKey | undefined, context: OperationContext): AsyncIterable<ListedEntry> {
    return this.#far.list(prefix, after, context);
  }

  async check(context: OperationContext): Promise<CheckResult> {
    const near = await this.#near.check(context);
    const far = await this.#far.check(context);
    const summary = `${near.summary}, then ${far.summary}`;
    const problem = !far.ok ? far.problem : !near.ok ? near.problem : undefined;
    return problem === undefined ? { ok: true, summary } : { ok: false, summary, problem };
  }

  async #write<T>(
    key: StorageKey,
    context: OperationContext,
    write: () => Promise<T>,
  ): Promise<{ value: T; mark: number | undefined }> {
    const finish = this.#writes.begin(key);
    try {
      // The copy goes first: nobody may find it once the new entry can be seen in the far tier.
      await this.#writes.inTurn(key, () => this.#near.delete(key, undefined, context));
      const value = await write();
      return { value, mark: finish() };
    } finally {
      finish();
    }
  }

  async #getFar(key: StorageKey, range: ByteRange | undefined, context: OperationContext): Promise<GetOutcome> {
    const mark = this.#writes.mark();
    const outcome = await this.#far.get(key, range, context);
    if (outcome?.kind !== 'entry' || range !== undefined || outcome.size > this.#maxNearBytes) return outcome;
    const bytes = outcome.body.buffered ?? (await outcome.body.bytes());
    const fill = this.#fill(key, mark, bytes, outcome.metadata, outcome.version).finally(() => {
      this.#fills.delete(fill);
    });
    this.#fills.add(fill);
    return { ...outcome, body: new BufferedBody(bytes) };
  }

  /** Copies an entry into the near tier, unless it was written since `mark`. Failing is no harm. */
  async #fill(
    key: StorageKey,
    mark: number,
    bytes: Uint8Array,
    metadata: StoredMetadata,
    version: Version,
  ): Promise<void> {
    if (bytes.length > Math.min(this.#maxNearBytes, this.#near.capabilities.maxObjectBytes)) return;
    const encoded = `${encodeURIComponent(version)}|${metadata.encoded}`;
    if (encoded.length > this.#near.capabilities.maxMetadataBytes) return;
    const body: PutBody = {
      bytes,
      size: bytes.length,
      replayable: true,
      stream: () => new BufferedBody(bytes).stream(),
    };
    const context: OperationContext = { signal: this.#life.signal };
    await this.#writes.inTurn(key, async () => {
      if (this.#life.signal.aborted || !this.#writes.untouchedSince(key, mark)) return;
      await this.#near.put(key, body, { ...metadata, encoded }, undefined, context).catch(() => undefined);
    });
  }

  /** A near copy as the far tier would show it. */
  #seen<T extends EntryInfo | Entry>(copy: T): T {
    let view = this.#views.get(copy.metadata);
    if (view === undefined) {
      const { encoded } = copy.metadata;
      const bar = encoded.indexOf('|');
      view = {
        version: decodeURIComponent(encoded.slice(0, bar)) as Version,
        metadata: { ...copy.metadata, encoded: encoded.slice(bar + 1) },
      };
      this.#views.set(copy.metadata, view);
    }
    return { ...copy, metadata: view.metadata, version: view.version };
  }
}

function withinInstance(far: Consistency): Consistency {
  return { ...far, scope: 'instance' };
}
