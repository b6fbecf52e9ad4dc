import { decideServe, fieldLines, parseCacheControl, remainingTtl } from '@tintype/http-cache';
import { RequestError } from '../contracts/dialect.ts';
import type { EntryMetadata } from '../contracts/entry-metadata.ts';
import type { CacheOutcome } from '../contracts/observer.ts';
import type { ProxyRequest } from '../contracts/proxy.ts';
import type { GetHit } from '../contracts/storage.ts';
import type { StorageKey } from '../contracts/storage-key.ts';
import { mayStandIn } from '../freshness/failure.ts';
import type { FreshnessPolicy } from '../freshness/policy.ts';
import { type Previous, previousOf } from '../freshness/previous.ts';
import { readRecord } from '../freshness/record.ts';
import { detailOf, staleOutcome } from './cache-outcome.ts';
import { onward } from './hops.ts';
import type { Made } from './make.ts';
import { Making, type MakingOptions, type Wish } from './making.ts';
import type { Payload } from './respond.ts';

/** What an answer is made of; or a failure that is remembered. */
export type Supplied =
  | {
      readonly kind: 'image';
      readonly metadata: EntryMetadata;
      readonly payload: Payload;
      readonly cache: CacheOutcome;
    }
  | { readonly kind: 'failure'; readonly error: unknown; readonly cache: CacheOutcome };

/**
 * Answers what is not fresh in the cache: with what is stale where that is allowed, else by one flight
 * per key for all who ask meanwhile.
 */
export class Supplier {
  readonly #shop: MakingOptions;
  readonly making: Making;

  constructor(shop: MakingOptions) {
    this.#shop = shop;
    this.making = new Making(shop);
  }

  /** @param hit the entry that was found and is not fresh. */
  async supply(wish: Wish, hit: GetHit | undefined, now: number): Promise<Supplied> {
    const { key, image, policy, request } = wish;
    const record = hit && readRecord(hit.metadata);
    if (hit && record && decideServe(record.freshness, [], now, policy.http).action === 'serve') {
      const previous = previousOf(hit, record);
      this.making.refresh(wish, previous);
      return this.#used(wish, hit, 'swr', now);
    }
    const previous = hit && previousOf(hit, record);
    // What is still on its way is given up, and asked for again if it is needed: nobody knows how long this takes.
    if (hit && hit.body.buffered === undefined) hit.body.discard().catch(() => undefined);
    const negative = this.#shop.negatives.get(image, now);
    if (negative !== undefined) {
      const stale = await this.#standIn(wish, previous, negative.error);
      if (stale !== undefined) return stale;
      const ttl = remainingTtl(negative.until, now);
      return { kind: 'failure', error: negative.error, cache: { kind: 'hit', ttl, detail: 'negative' } };
    }
    if (onlyIfCached(request)) {
      throw new RequestError(
        504,
        'only-if-cached',
        'There is no stored image that may be used, and no other is wanted.',
      );
    }
    // Before it joins: its own flight may be what it came from.
    onward(request.headers, this.#shop.pseudonym);
    this.#shop.results?.asked(key, hit !== undefined);
    const replaced = previous ?? this.making.replacedBy(key);
    try {
      const joined = await this.making.join(wish, replaced);
      const supplied = await this.#made(wish, replaced !== undefined, joined.value, joined.collapsed);
      if (supplied !== undefined) return supplied;
      // What was right a moment ago is gone from the storage.
      const { value } = await this.making.alone(wish, undefined);
      const made = await this.#made(wish, replaced !== undefined, value, false);
      if (made === undefined) throw new Error('A flight without an entry brought none.');
      return made;
    } catch (error) {
      if (request.signal.aborted) throw error;
      const stale = await this.#standIn(wish, replaced, error);
      if (stale === undefined) throw error;
      return stale;
    }
  }

  /** The answer with what a flight brought; `undefined` if the storage has lost it. */
  async #made(wish: Wish, known: boolean, made: Made, collapsed: boolean): Promise<Supplied | undefined> {
    const { stored, originStatus } = made;
    const cache: CacheOutcome = this.isCaching(wish.policy)
      ? {
          kind: 'miss',
          reason: known ? 'stale' : 'uri-miss',
          collapsed,
          stored,
          ...(known ? { fwdStatus: originStatus } : {}),
          ...detailOf(made),
        }
      : { kind: 'bypass' };
    if (made.kind === 'variant') {
      const payload = { body: made.bytes, size: made.bytes.length };
      return { kind: 'image', metadata: made.metadata, payload, cache };
    }
    if (made.kind === 'raw') {
      const payload = { body: () => made.spool.read(wish.request.signal), size: made.size };
      return { kind: 'image', metadata: made.metadata, payload, cache };
    }
    const hit = await this.#shop.results?.lookup(wish.key);
    if (hit === undefined) return undefined;
    const metadata = hit.metadata.etag === made.metadata.etag ? made.metadata : hit.metadata;
    return { kind: 'image', metadata, payload: this.payloadOf(wish.key, hit), cache };
  }

  /** Whether an entry answers although it is too old, because asking failed with `error`; and with it, if so. */
  async #standIn(wish: Wish, previous: Previous | undefined, error: unknown): Promise<Supplied | undefined> {
    const now = this.#shop.clock();
    if (previous === undefined || !mayStandIn(previous.record, error, now, wish.policy)) return undefined;
    const { bytes, metadata } = previous;
    if (bytes !== undefined) {
      const payload = { body: bytes, size: bytes.length };
      return { kind: 'image', metadata, payload, cache: staleOutcome(metadata, 'sie', now) };
    }
    const hit = await this.#shop.results?.lookup(wish.key);
    return hit && this.#used(wish, hit, 'sie', now);
  }

  #used({ key }: Wish, hit: GetHit, detail: 'swr' | 'sie', now: number): Supplied {
    const { metadata } = hit;
    return { kind: 'image', metadata, payload: this.payloadOf(key, hit), cache: staleOutcome(metadata, detail, now) };
  }

  /** @param expendable whether nobody needs the bytes once they were sent. */
  payloadOf(key: StorageKey, hit: GetHit, expendable = false): Payload {
    return {
      expendable,
      body: hit.body.buffered ?? (() => this.#shop.results?.streamOf(key, hit) ?? hit.body.stream()),
      size: hit.size,
      discard: () => void hit.body.discard().catch(() => undefined),
    };
  }

  isCaching(policy: FreshnessPolicy): boolean {
    return this.#shop.results !== undefined && policy.cached;
  }
}

/** RFC 9111 §5.2.1.7: this one always counts, whatever else of a client's wishes is ignored. */
function onlyIfCached({ headers }: ProxyRequest): boolean {
  const lines = fieldLines(headers, 'cache-control');
  return lines.length > 0 && parseCacheControl(lines).onlyIfCached;
}
