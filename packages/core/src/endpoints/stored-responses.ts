import { type CacheEntry, type FieldPair, type Policy, selectEntry, varyMatches } from '@tintype/http-cache';
import { LRUCache } from 'lru-cache';
import type { Body } from '../contracts/body.ts';
import type { PurgeAnnouncement } from '../contracts/coordinator.ts';
import type { ProxyEvent } from '../contracts/observer.ts';
import type { BodySource, CacheStorage, GetHit } from '../contracts/storage.ts';
import type { Version } from '../contracts/storage-adapter.ts';
import { StorageError } from '../contracts/storage-error.ts';
import type { StorageKey } from '../contracts/storage-key.ts';
import { bytesWithin, READ_WHOLE_BYTES } from '../pipeline/whole-body.ts';
import type { PurgeBook } from '../purges/purge-book.ts';
import { isAllOwn } from '../storage/own-storage.ts';
import { putAgain } from '../storage/put-again.ts';
import { fromMetadata, toMetadata } from './entry-record.ts';
import { isOfResponses, responseKey } from './response-key.ts';
import {
  candidates,
  indexMetadata,
  isIndex,
  readIndex,
  type VariantIndex,
  withEntry,
  writeIndex,
} from './variant-index.ts';

/** Longest time for a put without progress, in milliseconds. */
const PUT_DEADLINE_MS = 10_000;

/** Longest time for each step of an invalidation, which its client waits for, in milliseconds. */
const INVALIDATION_DEADLINE_MS = 2_000;

export interface StoredResponsesOptions {
  readonly storage: CacheStorage;
  /** Longest time that a lookup may take before it counts as a miss, in milliseconds. */
  readonly lookupDeadlineMs: number;
  /** Whether the storage is left alone at the moment: of its failures was told already. */
  readonly isPaused: () => boolean;
  readonly clock: () => number;
  readonly emit: (event: ProxyEvent) => void;
  /** Tells all of an invalidation, this one included; see `Coordinator`. */
  readonly announce: (purge: PurgeAnnouncement) => Promise<void>;
  readonly purges: PurgeBook;
}

/** Keys of which it is remembered what was stored there last. */
const REMEMBERED_KEYS = 10_000;

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

/** Responses of endpoints in a storage, which may fail without anybody going without an answer. */
export class StoredResponses {
  readonly #options: StoredResponsesOptions;
  readonly #pending = new Set<Promise<unknown>>();
  /** Work on the index of a URL, one after the other. */
  readonly #indexing = new Map<string, Promise<unknown>>();
  /** When the origin was asked for what this process has stored last under a key, in milliseconds since the epoch. */
  readonly #latest = new LRUCache<string, number>({ max: REMEMBERED_KEYS });
  /** The same of the index of variants under a key. */
  readonly #latestOfIndex = new LRUCache<string, number>({ max: REMEMBERED_KEYS });
  /** What was announced here. */
  readonly #announced = new WeakSet<PurgeAnnouncement>();

  constructor(options: StoredResponsesOptions) {
    this.#options = options;
  }

  /** Bytes that a response may have. */
  get maxBytes(): number {
    return this.#options.storage.capabilities.maxObjectBytes;
  }

  /** The response under `primary` that a request may use, fresh or not. RFC 9111 §4. */
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
    const index = await this.#readIndex(hit);
    const hits = await Promise.all(
      candidates(primary, index, request, policy).map(async (key) => {
        const found = await this.#get(key);
        return found === undefined ? undefined : this.#responseOf(key, found);
      }),
    );
    const responses = hits.filter((response) => response !== undefined);
    const byEntry = new Map(responses.map((response) => [response.entry, response]));
    const selected = selectEntry([...byEntry.keys()], request, policy);
    for (const response of responses) if (response.entry !== selected) response.body.discard().catch(() => undefined);
    const response = selected === undefined ? undefined : byEntry.get(selected);
    return response === undefined ? { kind: 'others' } : { kind: 'response', response };
  }

  /**
   * Bytes of a response, both ends inclusive, the small ones whole; `unavailable` where only the whole
   * body can be had, `undefined` if they don't come or it is not the one that was found any more.
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
      this.#failed('get', error);
    }
    return undefined;
  }

  /** Stores a response in place of the one before. Failing is no error; resolves with whether it did. */
  store(primary: StorageKey, entry: CacheEntry, body: BodySource, size: number, source: string): Promise<boolean> {
    return this.#track(this.#store(primary, entry, body, size, source));
  }

  /** Replaces what is known of a stored response, after a 304. Another that took its place stays. */
  async freshen({ key, version, size, body, source }: StoredResponse, entry: CacheEntry): Promise<void> {
    const { storage, lookupDeadlineMs } = this.#options;
    if (this.#isPurged(key, entry, source)) return;
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
      if (this.#isPurged(key, entry, source)) await storage.delete(key);
    };
    await this.#track(
      update().catch((error: unknown) => {
        // Somebody else was faster: theirs is as good.
        if (!(StorageError.is(error) && error.code === 'precondition-failed')) this.#failed('setMetadata', error);
      }),
    );
  }

  /** All of a small body within the time of a lookup; `undefined` if it doesn't come, or is damaged. */
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
    const removed = this.#options.storage.delete(key).then(
      () => undefined,
      (error: unknown) => this.#failed('delete', error),
    );
    return this.#track(removed);
  }

  /**
   * Removes every response under a prefix of `urlPrefix`, and keeps out those that were asked for
   * before: also those that can't be removed are never found again, neither by this process nor by others
   * that hear of it. RFC 9111 §4.4.
   *
   * @param primaries keys under it that are removed whether a listing knows of them or not.
   */
  async invalidate(prefix: string, primaries: readonly StorageKey[]): Promise<void> {
    const { announce, clock, purges } = this.#options;
    const purge: PurgeAnnouncement = { scope: 'key', value: prefix, at: clock() };
    purges.note(purge, true);
    this.#announced.add(purge);
    const told = inTime(announce(purge)).catch((error: unknown) => this.#failed('announce', error));
    const removed = this.#removeAll(prefix, primaries).then((all) => {
      if (all) purges.removed(prefix, purge.at);
    });
    await Promise.all([told, this.#track(removed)]);
  }

  /** Others have invalidated something: what only this one sees nobody else can remove. */
  hear(purge: PurgeAnnouncement): void {
    // What it has announced itself it is removing already.
    if (purge.scope !== 'key' || this.#announced.has(purge) || !isOwn(this.#options.storage)) return;
    void this.#track(this.#removeOld(purge.value, purge.at));
  }

  /** Resolves with whether nothing failed. */
  async #removeAll(prefix: string, primaries: readonly StorageKey[]): Promise<boolean> {
    const { storage } = this.#options;
    const limits = { deadlineMs: INVALIDATION_DEADLINE_MS };
    let all = true;
    const remove = async (key: StorageKey): Promise<void> => {
      try {
        await storage.delete(key, limits);
      } catch (error) {
        all = false;
        this.#failed('delete', error);
      }
    };
    await Promise.all(primaries.map(remove));
    try {
      for await (const { key } of storage.list(prefix, limits)) await remove(key);
    } catch (error) {
      all = false;
      this.#failed('list', error);
    }
    return all;
  }

  /** Removes what was asked for before `at`: what is newer may lie in a tier that other processes have as well. */
  async #removeOld(prefix: string, at: number): Promise<void> {
    const { storage, purges } = this.#options;
    const limits = { deadlineMs: INVALIDATION_DEADLINE_MS };
    try {
      for await (const { key } of storage.list(prefix, limits)) {
        const found = await storage.stat(key, limits);
        if (found === undefined) continue;
        const requestedAt = fromMetadata(found.metadata)?.freshness.requestedAt ?? found.metadata.storedAt;
        if (requestedAt <= at) await storage.delete(key, limits);
      }
      // A near copy may lie there that the list of the far tier does not have any more.
      if (isAllOwn(storage) && isOfResponses(prefix)) purges.removed(prefix, at);
    } catch (error) {
      this.#failed('delete', error);
    }
  }

  /** Changes with each invalidation of a key's URL: what was asked for in another era is no answer in this one. */
  eraOf(key: StorageKey): number {
    return this.#options.purges.eraOf(key);
  }

  /** Resolves when everything that was begun has settled. */
  async flush(): Promise<void> {
    while (this.#pending.size > 0) await Promise.allSettled(this.#pending);
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
    if (this.#isPurged(key, entry, source) || this.#isOvertaken(primary, key, entry)) return false;
    const started = performance.now();
    try {
      // One that doesn't vary takes the place of an index, and those in it are never found again.
      const before = entry.vary.length === 0 ? await this.#indexAt(primary) : undefined;
      await storage.put(key, body, toMetadata(entry, source), { deadlineMs: PUT_DEADLINE_MS });
      if (entry.vary.length > 0) await this.#addToIndex(primary, entry, source);
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

  /** RFC 9111 §4: of two responses the later one counts, and one that comes slowly may be the earlier one. */
  #isOvertaken(primary: StorageKey, key: StorageKey, { freshness: { requestedAt } }: CacheEntry): boolean {
    const isVariant = key !== primary;
    // One that doesn't vary and an index lie in the same place: the earlier must not take it. Variants of
    // one index leave each other be.
    const others = isVariant ? this.#latest.get(primary) : this.#latestOfIndex.get(primary);
    const now = this.#options.clock();
    for (const latest of [this.#latest.get(key), others]) {
      // What lies in the future was noted by a clock that has gone back since, and says nothing.
      if (latest !== undefined && latest > requestedAt && latest <= now) return true;
    }
    this.#latest.set(key, requestedAt);
    if (isVariant) this.#latestOfIndex.set(primary, Math.max(requestedAt, this.#indexedAt(primary, now)));
    return false;
  }

  /** When the origin was asked for the latest variant; nothing of a clock that has gone back since. */
  #indexedAt(primary: StorageKey, now: number): number {
    const latest = this.#latestOfIndex.get(primary);
    return latest === undefined || latest > now ? Number.NEGATIVE_INFINITY : latest;
  }

  /** @throws StorageError */
  #addToIndex(primary: StorageKey, entry: CacheEntry, source: string): Promise<void> {
    const { storage, clock } = this.#options;
    const add = async (): Promise<void> => {
      const before = (await this.#indexAt(primary)) ?? [];
      const { index, dropped } = withEntry(before, entry);
      if (JSON.stringify(index) === JSON.stringify(before)) return;
      await storage.put(primary, writeIndex(index), indexMetadata(source, clock()), { deadlineMs: PUT_DEADLINE_MS });
      for (const vary of dropped) await storage.delete(responseKey(primary, vary));
    };
    const turn = (this.#indexing.get(primary) ?? Promise.resolve()).catch(() => undefined).then(add);
    this.#indexing.set(primary, turn);
    return turn.finally(() => {
      if (this.#indexing.get(primary) === turn) this.#indexing.delete(primary);
    });
  }

  /** The index under a key; `undefined` if there is none there. */
  async #indexAt(primary: StorageKey): Promise<VariantIndex | undefined> {
    const hit = await this.#get(primary);
    if (hit === undefined) return undefined;
    if (isIndex(hit.metadata)) return this.#readIndex(hit);
    drop(hit);
    return undefined;
  }

  async #readIndex(hit: GetHit): Promise<VariantIndex> {
    try {
      return readIndex(await bytesWithin(hit.body, this.#options.lookupDeadlineMs));
    } catch (error) {
      this.#failed('get', error);
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
    if (!(StorageError.is(error) && error.code === 'corrupt')) {
      this.#failed('get', error);
      return;
    }
    const { storage, lookupDeadlineMs: deadlineMs, emit } = this.#options;
    emit({ type: 'entry-dropped', reason: 'corrupt' });
    await storage.delete(key, { deadlineMs }).catch(() => undefined);
  }

  /** `undefined` if it is of another kind, or is only left because it could not be removed everywhere. */
  #responseOf(key: StorageKey, hit: GetHit): StoredResponse | undefined {
    const entry = fromMetadata(hit.metadata);
    if (entry === undefined || this.#isPurged(key, entry, hit.metadata.source)) {
      drop(hit);
      return undefined;
    }
    const { size, version, body } = hit;
    return { key, entry, size, version, body, source: hit.metadata.source };
  }

  /** Whether a response was asked for before its URL was invalidated, or it was purged. */
  #isPurged(key: StorageKey, { freshness }: CacheEntry, source: string): boolean {
    const { purges, storage } = this.#options;
    if (purges.isEmpty) return false;
    return purges.isPurged({ key, source, requestedAt: freshness.requestedAt }, isAllOwn(storage));
  }

  #notStored(error: unknown): void {
    const code = StorageError.is(error) ? error.code : undefined;
    if (code === 'invalid-argument') this.#options.emit({ type: 'store-dropped', reason: 'metadata-too-large' });
    else if (code === 'too-large') this.#options.emit({ type: 'store-dropped', reason: 'object-too-large' });
    else this.#failed('put', error);
  }

  #failed(operation: string, error: unknown): void {
    const { emit, isPaused } = this.#options;
    if (isPaused()) return;
    const code = StorageError.is(error) ? error.code : 'internal';
    emit({ type: 'cache-error', operation, code, message: error instanceof Error ? error.message : String(error) });
  }

  #track<T>(work: Promise<T>): Promise<T> {
    this.#pending.add(work);
    return work.finally(() => this.#pending.delete(work));
  }
}

/** @throws StorageError `timeout` where a step of an invalidation takes too long; what it throws itself. */
async function inTime(step: Promise<void>): Promise<void> {
  const { promise: late, reject } = Promise.withResolvers<never>();
  const message = `Nothing came of it within ${INVALIDATION_DEADLINE_MS} ms.`;
  const timer = setTimeout(() => reject(new StorageError({ code: 'timeout', message })), INVALIDATION_DEADLINE_MS);
  try {
    await Promise.race([step, late]);
  } finally {
    clearTimeout(timer);
  }
}

/** Whether only this process sees all of a storage: it has entries in memory, or copies of them. */
function isOwn({ capabilities }: CacheStorage): boolean {
  return capabilities.readConsistency.scope === 'instance';
}

function drop({ body }: GetHit): void {
  body.discard().catch(() => undefined);
}
