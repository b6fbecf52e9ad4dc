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
import { Breaker } from './breaker.ts';
import { CopyTrust } from './copy-trust.ts';
import { KeyWrites } from './key-writes.ts';
import { type FarView, unwrapped, wrapped } from './near-copy.ts';
import { OperationScope } from './operation-scope.ts';
import { OPEN_PATIENCE_MS, Tier } from './tier.ts';

/** Longest time for a copy to be made, in milliseconds. */
const FILL_MS = 5_000;
/** Longest time for which a write waits for the near copy to go, in milliseconds. */
const FORGET_MS = 1_000;
/** Bytes of copies that may be under way; what exceeds it isn't copied. */
const MAX_FILL_BYTES = 64 * 1024 * 1024;
/** Copies that were given up and may turn up all the same; with more of them none are made. */
const MAX_HAUNTED = 100;

export interface TieredOptions {
  /** Bodies above this many bytes are never copied into the near tier. */
  readonly maxNearBytes?: number;
  /**
   * How long a copy is used without asking the far tier again, in milliseconds; for as long as it lies
   * there unless given. It bounds for how long what others have removed from the far tier is still seen.
   */
  readonly maxCopyMs?: number;
  /**
   * Copies that were made until then, in milliseconds since the epoch, are not used: what they are of may
   * have been removed from the far tier by others, and nobody remembers it.
   */
  readonly distrustedUntil?: () => number;
  /** Milliseconds since the epoch. */
  readonly clock?: () => number;
  /** Told why a tier cannot be opened while the other one works; of the same reason only once. */
  readonly onOpenError?: (error: unknown) => void;
}

/**
 * Two storages as one: `near` holds copies of what was read or written lately, `far` is the truth.
 *
 * Every write goes through `far`, and takes the near copy away before it can be seen there; a copy
 * is made only if no write of that key happened in between. So within one instance a reader never
 * sees an older entry after a newer one. What it cannot keep it declares: other instances' writes
 * are seen only once the copy is gone, hence consistency of scope `instance`.
 *
 * Neither tier disables the other. One that cannot be opened is tried again in the background: without
 * `near` everything is asked of `far`, without `far` what lies near is a hit and all else `unavailable`.
 * A near tier that cannot be written to costs a write a second at most, and its copies of what was
 * written meanwhile are not served (`copy-trust.ts`).
 *
 * Versions are the far tier's, also on a near hit, so conditions mean what they say.
 */
export function tiered(near: StorageAdapter, far: StorageAdapter, options: TieredOptions = {}): StorageAdapter {
  return new TieredStorage(near, far, options);
}

class TieredStorage implements StorageAdapter {
  readonly #nearTier: Tier;
  readonly #farTier: Tier;
  readonly #near: StorageAdapter;
  readonly #maxNearBytes: number;
  readonly #maxCopyMs: number;
  readonly #distrustedUntil: () => number;
  readonly #clock: () => number;
  readonly #writes = new KeyWrites();
  readonly #trust = new CopyTrust();
  readonly #views = new WeakMap<StoredMetadata, FarView>();
  readonly #fills = new Set<Promise<void>>();
  #fillBytes = 0;
  /** For the deletion of near copies, which a write would wait for. */
  readonly #forgetting = new Breaker({ now: () => performance.now(), onChange: () => undefined });
  #closing = false;

  constructor(near: StorageAdapter, far: StorageAdapter, options: TieredOptions) {
    const { maxNearBytes = 1024 * 1024, maxCopyMs = Number.POSITIVE_INFINITY, onOpenError = () => undefined } = options;
    this.#nearTier = new Tier(near, onOpenError);
    this.#farTier = new Tier(far, onOpenError);
    this.#near = near;
    this.#maxNearBytes = maxNearBytes;
    this.#maxCopyMs = maxCopyMs;
    this.#distrustedUntil = options.distrustedUntil ?? (() => Number.NEGATIVE_INFINITY);
    this.#clock = options.clock ?? Date.now;
  }

  get capabilities(): StorageCapabilities {
    const near = this.#near.capabilities;
    const far = this.#farTier.adapter.capabilities;
    return {
      ...far,
      nativeExpiry: near.nativeExpiry && far.nativeExpiry,
      readConsistency: withinInstance(far.readConsistency),
    };
  }

  /** Resolves once a tier is open, having given the other one some time. Rejects if none can be opened. */
  async open(context: OperationContext): Promise<void> {
    const tiers = [this.#farTier, this.#nearTier];
    const began = performance.now();
    const attempts = tiers.map((tier) => tier.open(context.signal));
    try {
      await Promise.any(attempts);
    } catch (error) {
      throw error instanceof AggregateError ? error.errors[0] : error;
    }
    let timer: NodeJS.Timeout | undefined;
    const waited = new Promise<void>((resolve) => {
      timer = setTimeout(resolve, began + OPEN_PATIENCE_MS - performance.now());
    });
    await Promise.race([Promise.allSettled(attempts), waited]);
    clearTimeout(timer);
    for (const tier of tiers) if (!tier.isOpen) tier.keepOpening();
  }

  async close(): Promise<void> {
    this.#closing = true;
    await Promise.all(this.#fills);
    const results = await Promise.allSettled([this.#nearTier.close(), this.#farTier.close()]);
    const failed = results.find((result) => result.status === 'rejected');
    if (failed) throw failed.reason;
  }

  get(key: StorageKey, range: ByteRange | undefined, context: OperationContext): Awaitable<GetOutcome> {
    if (
      !this.#nearTier.isOpen ||
      this.#trust.isDoubted(key) ||
      (range !== undefined && !this.#near.capabilities.ranges)
    ) {
      return this.#getFar(key, range, context);
    }
    // The far tier has it as well: copies that can't be read cost a longer way.
    const failed = (error: unknown) =>
      context.signal.aborted ? Promise.reject(error) : this.#getFar(key, range, context);
    const found = (copy: GetOutcome) => {
      const seen = copy && this.#seen(key, copy);
      if (seen !== undefined) return seen;
      if (copy?.kind === 'entry') copy.body.discard().catch(() => undefined);
      return this.#getFar(key, range, context);
    };
    try {
      const near = this.#near.get(key, range, context);
      return near instanceof Promise ? near.then(found, failed) : found(near);
    } catch (error) {
      return failed(error);
    }
  }

  stat(key: StorageKey, context: OperationContext): Awaitable<EntryInfo | undefined> {
    const far = () => this.#far.stat(key, context);
    if (!this.#nearTier.isOpen || this.#trust.isDoubted(key)) return far();
    const failed = (error: unknown) => (context.signal.aborted ? Promise.reject(error) : far());
    const found = (copy: EntryInfo | undefined) => (copy && this.#seen(key, copy)) ?? far();
    try {
      const near = this.#near.stat(key, context);
      return near instanceof Promise ? near.then(found, failed) : found(near);
    } catch (error) {
      return failed(error);
    }
  }

  async put(
    key: StorageKey,
    body: PutBody,
    metadata: StoredMetadata,
    condition: PutCondition | undefined,
    context: OperationContext,
  ): Promise<Version> {
    const madeAt = this.#clock();
    const { value: version, mark } = await this.#write(key, (far) => far.put(key, body, metadata, condition, context));
    // Copied, since its owner may change it once this has resolved.
    const read = () => body.bytes?.slice();
    if (mark !== undefined) this.#fill(key, mark, body.bytes?.length, read, { metadata, version, madeAt });
    return version;
  }

  async setMetadata(
    key: StorageKey,
    metadata: StoredMetadata,
    condition: VersionCondition | undefined,
    context: OperationContext,
  ): Promise<Version | undefined> {
    return (await this.#write(key, (far) => far.setMetadata(key, metadata, condition, context))).value;
  }

  async delete(key: StorageKey, condition: VersionCondition | undefined, context: OperationContext): Promise<void> {
    await this.#write(key, (far) => far.delete(key, condition, context));
  }

  async *list(prefix: string, after: StorageKey | undefined, context: OperationContext): AsyncGenerator<ListedEntry> {
    yield* this.#far.list(prefix, after, context);
  }

  async check(context: OperationContext): Promise<CheckResult> {
    const near = await this.#nearTier.check(context);
    const far = await this.#farTier.check(context);
    const summary = `${near.summary}, then ${far.summary}`;
    const problem = !far.ok ? far.problem : !near.ok ? near.problem : undefined;
    if (problem !== undefined) return { ok: false, summary, problem };
    const warning = [near, far].flatMap((check) => (check.ok ? (check.warning ?? []) : [])).join(' ');
    return { ok: true, summary, ...(warning !== '' && { warning }) };
  }

  /** @throws StorageError `unavailable` while it is not open. */
  get #far(): StorageAdapter {
    if (!this.#farTier.isOpen) throw this.#farTier.unopened;
    return this.#farTier.adapter;
  }

  async #write<T>(
    key: StorageKey,
    write: (far: StorageAdapter) => Promise<T>,
  ): Promise<{ value: T; mark: number | undefined }> {
    const far = this.#far;
    const finish = this.#writes.begin(key);
    try {
      // The copy goes first: nobody may find it once the new entry can be seen in the far tier.
      await this.#forget(key);
      const value = await write(far);
      return { value, mark: finish() };
    } finally {
      finish();
    }
  }

  /** Deletes the near copy, or at least sees to it that it is not served. */
  async #forget(key: StorageKey): Promise<void> {
    this.#trust.doubt(key);
    if (!this.#nearTier.isOpen) return;
    const passage = this.#forgetting.enter();
    if (passage === 'skip') return;
    const deleting = this.#writes.inTurn(key, async () => {
      const scope = new OperationScope('delete', FORGET_MS, undefined);
      await scope.race(this.#near.delete(key, undefined, scope));
      // Right also if its turn came so late that nobody waits any more: copies are made in turn as well.
      this.#trust.settle(key);
    });
    try {
      await new OperationScope('delete', FORGET_MS, undefined).race(deleting);
      this.#forgetting.succeeded(passage);
    } catch {
      this.#forgetting.failed(passage, '');
    }
  }

  async #getFar(key: StorageKey, range: ByteRange | undefined, context: OperationContext): Promise<GetOutcome> {
    const mark = this.#writes.mark();
    const madeAt = this.#clock();
    const outcome = await this.#far.get(key, range, context);
    if (outcome?.kind !== 'entry' || range !== undefined || outcome.size > this.#maxNearBytes) return outcome;
    const bytes = outcome.body.buffered ?? (await outcome.body.bytes());
    const { metadata, version } = outcome;
    this.#fill(key, mark, bytes.length, () => bytes, { metadata, version, madeAt });
    return { ...outcome, body: new BufferedBody(bytes) };
  }

  /** Begins to copy an entry into the near tier, if it fits. Nobody waits for it, and failing is no harm. */
  #fill(
    key: StorageKey,
    mark: number,
    size: number | undefined,
    read: () => Uint8Array | undefined,
    entry: Omit<FarView, 'generation'>,
  ): void {
    if (size === undefined || this.#closing || !this.#nearTier.isOpen || this.#trust.haunted > MAX_HAUNTED) return;
    const { maxObjectBytes, maxMetadataBytes } = this.#near.capabilities;
    if (size > Math.min(this.#maxNearBytes, maxObjectBytes) || this.#fillBytes + size > MAX_FILL_BYTES) return;
    const copy = wrapped({ ...entry, generation: this.#trust.generation });
    const bytes = read();
    if (copy.encoded.length > maxMetadataBytes || bytes === undefined) return;
    this.#fillBytes += size;
    const fill = this.#writes
      .inTurn(key, () => this.#copy(key, mark, bytes, copy))
      .catch(() => undefined)
      .finally(() => {
        this.#fillBytes -= size;
        this.#fills.delete(fill);
      });
    this.#fills.add(fill);
  }

  /** Makes the copy, unless the entry was written since `mark`. */
  async #copy(key: StorageKey, mark: number, bytes: Uint8Array, metadata: StoredMetadata): Promise<void> {
    if (!this.#writes.untouchedSince(key, mark) || this.#trust.isHaunted(key)) return;
    const body: PutBody = {
      bytes,
      size: bytes.length,
      replayable: true,
      stream: () => new BufferedBody(bytes).stream(),
    };
    const scope = new OperationScope('put', FILL_MS, undefined);
    const putting = this.#near.put(key, body, metadata, undefined, scope);
    try {
      await scope.race(putting);
    } catch (error) {
      if (scope.ended) this.#trust.haunt(key, putting);
      throw error;
    }
    // A write that began meanwhile has doubted it anew.
    if (this.#writes.untouchedSince(key, mark)) this.#trust.settle(key);
  }

  /** A near copy as the far tier would show it; `undefined` if it may not be served. */
  #seen<T extends EntryInfo | Entry>(key: StorageKey, copy: T): T | undefined {
    let view = this.#views.get(copy.metadata);
    if (view === undefined) {
      view = unwrapped(copy.metadata);
      if (view === undefined) return undefined;
      this.#views.set(copy.metadata, view);
    }
    if (!this.#trust.trusts(key, view.generation) || view.madeAt <= this.#distrustedUntil()) return undefined;
    if (this.#maxCopyMs !== Number.POSITIVE_INFINITY && !this.#isRecent(view)) return undefined;
    return { ...copy, metadata: view.metadata, version: view.version };
  }

  /** A clock that went back makes no copy last longer. */
  #isRecent({ madeAt }: FarView): boolean {
    const age = this.#clock() - madeAt;
    return age >= 0 && age < this.#maxCopyMs;
  }
}

function withinInstance(far: Consistency): Consistency {
  return { ...far, scope: 'instance' };
}
