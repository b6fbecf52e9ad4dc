import { type CacheEntry, type FieldPair, type Policy, selectEntry, varyMatches } from '@tintype/http-cache';
import type { Body } from '../contracts/body.ts';
import type { PurgeAnnouncement } from '../contracts/coordinator.ts';
import type { ProxyEvent } from '../contracts/observer.ts';
import type { BodySource, GetHit } from '../contracts/storage.ts';
import type { Version } from '../contracts/storage-adapter.ts';
import { StorageError } from '../contracts/storage-error.ts';
import type { StorageKey } from '../contracts/storage-key.ts';
import { wasRefused } from '../pipeline/results.ts';
import { bytesWithin, READ_WHOLE_BYTES } from '../pipeline/whole-body.ts';
import { PurgedRemovals } from '../purges/purged-removals.ts';
import { isAllOwn } from '../storage/own-storage.ts';
import { putAgain } from '../storage/put-again.ts';
import { fromMetadata, toMetadata } from './entry-record.ts';
import { Invalidations, type InvalidationsOptions } from './invalidations.ts';
import { LatestStored } from './latest-stored.ts';
import { responseKey } from './response-key.ts';
import { indexIn, StoredIndexes } from './stored-indexes.ts';
import { candidates, isIndex, type VariantIndex } from './variant-index.ts';

/** Longest time for a put without progress, in milliseconds. */
const PUT_DEADLINE_MS = 10_000;

export interface StoredResponsesOptions extends InvalidationsOptions {
  /** Longest time that a lookup may take before it counts as a miss, in milliseconds. */
  readonly lookupDeadlineMs: number;
  /** The storage that is left alone at the moment: of its failures was told already. */
  readonly paused: () => string | undefined;
  /** Whether a lookup that fails fails its request, instead of being a miss. */
  readonly reportErrors: boolean;
  readonly emit: (event: ProxyEvent) => void;
}

/** Longest time for the removal of one response, which a client may wait for, in milliseconds. */
const REMOVAL_DEADLINE_MS = 2_000;

/** A stored response that a request may use. Its body must be consumed or discarded. */
export interface StoredResponse {
  readonly key: StorageKey;
  readonly entry: CacheEntry;
  /** Bytes of the body. */
  readonly size: number;
  readonly version: Version;
  readonly body: Body;
  /** The URL that it is from. */
  readonly source: string;
}

/** What a lookup found: a response, or only that there are some for other requests. */
export type Found = { readonly kind: 'response'; readonly response: StoredResponse } | { readonly kind: 'others' };

/** Responses of endpoints in a storage, which may fail without anybody going without an answer, unless errors shall be reported. */
export class StoredResponses {
  readonly #options: StoredResponsesOptions;
  readonly #removals: PurgedRemovals;
  readonly #pending = new Set<Promise<unknown>>();
  readonly #invalidations: Invalidations;
  readonly #indexes: StoredIndexes;
  readonly #latest: LatestStored;

  constructor(options: StoredResponsesOptions) {
    this.#options = options;
    const { clock, storage } = options;
    this.#removals = new PurgedRemovals(storage);
    this.#invalidations = new Invalidations(options, (operation, error) => this.#failed(operation, error));
    this.#indexes = new StoredIndexes(storage, clock);
    this.#latest = new LatestStored(clock);
  }

  /** Bytes that a response may have. */
  get maxBytes(): number {
    return this.#options.storage.capabilities.maxObjectBytes;
  }

  /**
   * The response under `primary` that a request may use, fresh or not. RFC 9111 §4.
   *
   * @throws StorageError only where errors shall be reported.
   */
  async find(primary: StorageKey, request: readonly FieldPair[], policy: Policy): Promise<Found | undefined> {
    const hit = await this.#get(primary);
    if (hit === undefined) return undefined;
    if (!isIndex(hit.metadata)) {
      const response = this.#responseOf(primary, hit);
      if (response === undefined) return undefined;
      // A 304 may have brought a `Vary` that it had not when it was stored.
      if (varyMatches(response.entry.vary, request, policy.normalise)) return { kind: 'response', response };
      response.body.discard().catch(() => undefined);
      return { kind: 'others' };
    }
    const index = await this.#readIndex(primary, hit);
    const lookups = await Promise.allSettled(
      candidates(primary, index, request, policy).map(async (key) => {
        const found = await this.#get(key);
        return found === undefined ? undefined : this.#responseOf(key, found);
      }),
    );
    const responses = lookups.flatMap((lookup) => (lookup.status === 'fulfilled' ? (lookup.value ?? []) : []));
    const failed = lookups.find((lookup) => lookup.status === 'rejected');
    if (failed !== undefined) {
      for (const { body } of responses) body.discard().catch(() => undefined);
      throw failed.reason;
    }
    const byEntry = new Map(responses.map((response) => [response.entry, response]));
    const selected = selectEntry([...byEntry.keys()], request, policy);
    for (const response of responses) if (response.entry !== selected) response.body.discard().catch(() => undefined);
    const response = selected === undefined ? undefined : byEntry.get(selected);
    return response === undefined ? { kind: 'others' } : { kind: 'response', response };
  }

  /**
   * Bytes of a response, both ends inclusive, the small ones whole; `unavailable` where only the whole
   * body can be had, `undefined` if they don't come or it is not the one that was found any more.
   *
   * @throws StorageError only where errors shall be reported.
   */
  async part(
    { key, version }: StoredResponse,
    first: number,
    last: number,
  ): Promise<Uint8Array | Body | 'unavailable' | undefined> {
    const { storage, lookupDeadlineMs: deadlineMs } = this.#options;
    if (!storage.capabilities.ranges) return 'unavailable';
    try {
      const found = await storage.get(key, { range: { first, last }, deadlineMs });
      if (found?.kind !== 'entry') return undefined;
      if (found.version === version) {
        return last - first < READ_WHOLE_BYTES ? await bytesWithin(found.body, deadlineMs) : found.body;
      }
      drop(found);
    } catch (error) {
      await this.#lookupFailed(key, error);
    }
    return undefined;
  }

  /** Stores a response in place of the one before. Failing is no error; resolves with whether it did. */
  store(primary: StorageKey, entry: CacheEntry, body: BodySource, size: number, source: string): Promise<boolean> {
    return this.#track(this.#store(primary, entry, body, size, source));
  }

  /** Replaces what is known of a stored response, after a 304. Another that took its place stays. */
  async freshen({ key, entry: before, version, size, body, source }: StoredResponse, entry: CacheEntry): Promise<void> {
    const { storage, lookupDeadlineMs } = this.#options;
    // By what it was: with the time of the answer it would not be purged any more.
    if (this.#isPurged(key, before, source)) return;
    const metadata = toMetadata(entry, source);
    const limits = { deadlineMs: PUT_DEADLINE_MS };
    const update = async (): Promise<void> => {
      if (storage.capabilities.conditionalMetadata) {
        await storage.setMetadata(key, metadata, { condition: { ifVersion: version }, ...limits });
        return;
      }
      const again = await putAgain(storage, key, { version, bytes: body.buffered }, lookupDeadlineMs);
      if (again === undefined) return;
      const { condition, discard } = again;
      await storage.put(key, again.body, metadata, { condition, size, ...limits }).finally(discard);
      if (this.#isPurged(key, before, source)) await storage.delete(key);
    };
    await this.#track(
      update().catch((error: unknown) => {
        // Somebody else was faster: theirs is as good.
        if (!(StorageError.is(error) && error.code === 'precondition-failed')) this.#failed('setMetadata', error);
      }),
    );
  }

  /**
   * All of a small body within the time of a lookup; `undefined` if it doesn't come, or is damaged.
   *
   * @throws StorageError only where errors shall be reported.
   */
  async whole({ key, body }: StoredResponse): Promise<Uint8Array | undefined> {
    try {
      return await bytesWithin(body, this.#options.lookupDeadlineMs);
    } catch (error) {
      await this.#lookupFailed(key, error);
      return undefined;
    }
  }

  /** Removes one response. */
  remove(key: StorageKey): Promise<void> {
    const removed = this.#options.storage.delete(key, { deadlineMs: REMOVAL_DEADLINE_MS }).then(
      () => undefined,
      (error: unknown) => this.#failed('delete', error),
    );
    return this.#track(removed);
  }

  /** See `Invalidations`. */
  invalidate(prefix: string, primaries: readonly StorageKey[]): Promise<void> {
    return this.#invalidations.invalidate(prefix, primaries);
  }

  /** See `Invalidations`. */
  hear(purge: PurgeAnnouncement): void {
    this.#invalidations.hear(purge);
  }

  /** Changes with each invalidation of a key's URL: what was asked for in another era is no answer in this one. */
  eraOf(key: StorageKey): number {
    return this.#options.purges.eraOf(key);
  }

  /** Resolves when everything that was begun has settled. */
  async flush(): Promise<void> {
    while (this.#pending.size > 0) await Promise.allSettled(this.#pending);
    await this.#invalidations.flush();
    await this.#removals.flush();
  }

  async #store(
    primary: StorageKey,
    entry: CacheEntry,
    body: BodySource,
    size: number,
    source: string,
  ): Promise<boolean> {
    const { storage, emit } = this.#options;
    if (size > this.maxBytes) {
      emit({ type: 'store-dropped', reason: 'object-too-large' });
      return false;
    }
    const key = responseKey(primary, entry.vary);
    if (this.#isPurged(key, entry, source) || this.#latest.isOvertaken(primary, key, entry)) return false;
    const started = performance.now();
    try {
      // One that doesn't vary takes the place of an index, and those in it are never found again.
      const before = entry.vary.length === 0 ? await this.#indexAt(primary) : undefined;
      await storage.put(key, body, toMetadata(entry, source), { deadlineMs: PUT_DEADLINE_MS });
      if (entry.vary.length > 0) await this.#indexes.add(primary, entry, source);
      for (const { vary } of before ?? []) await storage.delete(responseKey(primary, vary));
      emit({ type: 'stored', ms: performance.now() - started, bytes: size });
    } catch (error) {
      this.#notStored(error);
      return false;
    }
    // The URL may have been invalidated while this was on its way into the storage.
    if (this.#isPurged(key, entry, source)) await storage.delete(key).catch(() => undefined);
    return true;
  }

  /** The index under a key; `undefined` if there is none there. */
  async #indexAt(primary: StorageKey): Promise<VariantIndex | undefined> {
    const hit = await this.#get(primary);
    if (hit === undefined) return undefined;
    if (isIndex(hit.metadata)) return this.#readIndex(primary, hit);
    drop(hit);
    return undefined;
  }

  async #readIndex(primary: StorageKey, hit: GetHit): Promise<VariantIndex> {
    try {
      return await indexIn(hit, this.#options.lookupDeadlineMs);
    } catch (error) {
      await this.#lookupFailed(primary, error);
      return [];
    }
  }

  async #get(key: StorageKey): Promise<GetHit | undefined> {
    const { storage, lookupDeadlineMs: deadlineMs } = this.#options;
    try {
      const found = await storage.get(key, { deadlineMs });
      return found?.kind === 'entry' ? found : undefined;
    } catch (error) {
      await this.#lookupFailed(key, error);
      return undefined;
    }
  }

  /** A damaged one is removed: what comes in its place must not be. */
  async #lookupFailed(key: StorageKey, error: unknown): Promise<void> {
    const { storage, lookupDeadlineMs: deadlineMs, emit, reportErrors } = this.#options;
    if (!(StorageError.is(error) && error.code === 'corrupt')) {
      this.#failed('get', error);
      if (reportErrors) throw error;
      return;
    }
    emit({ type: 'entry-dropped', reason: 'corrupt' });
    await storage.delete(key, { deadlineMs }).catch(() => undefined);
  }

  /** `undefined` if it is of another kind, or is only left because it could not be removed everywhere. */
  #responseOf(key: StorageKey, hit: GetHit): StoredResponse | undefined {
    const entry = fromMetadata(hit.metadata);
    const { size, version, body } = hit;
    const isPurged = entry !== undefined && this.#isPurged(key, entry, hit.metadata.source);
    if (isPurged) this.#removals.remove(key, version);
    if (entry === undefined || isPurged) {
      drop(hit);
      return undefined;
    }
    return { key, entry, size, version, body, source: hit.metadata.source };
  }

  /** Whether a response was asked for before its URL was invalidated, or it was purged. */
  #isPurged(key: StorageKey, { freshness }: CacheEntry, source: string): boolean {
    const { purges, storage } = this.#options;
    if (purges.isEmpty) return false;
    return purges.isPurged({ key, source, requestedAt: freshness.requestedAt }, isAllOwn(storage));
  }

  #notStored(error: unknown): void {
    const { emit, paused } = this.#options;
    const code = StorageError.is(error) ? error.code : undefined;
    const storage = paused();
    if (code === 'invalid-argument') emit({ type: 'store-dropped', reason: 'metadata-too-large' });
    else if (code === 'too-large') emit({ type: 'store-dropped', reason: 'object-too-large' });
    else if (storage !== undefined && wasRefused(error)) emit({ type: 'store-dropped', reason: 'paused', storage });
    else this.#failed('put', error);
  }

  #failed(operation: string, error: unknown): void {
    const { emit, paused } = this.#options;
    if (paused() !== undefined && wasRefused(error)) return;
    const code = StorageError.is(error) ? error.code : 'internal';
    emit({ type: 'cache-error', operation, code, message: error instanceof Error ? error.message : String(error) });
  }

  #track<T>(work: Promise<T>): Promise<T> {
    this.#pending.add(work);
    return work.finally(() => this.#pending.delete(work));
  }
}

function drop({ body }: GetHit): void {
  body.discard().catch(() => undefined);
}
