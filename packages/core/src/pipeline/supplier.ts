import { decideServe, fieldLines, isNoCache, parseCacheControl, refreshEarly, remainingTtl } from '@tintype/http-cache';
import { LRUCache } from 'lru-cache';
import { type ImageRequest, RequestError } from '../contracts/dialect.ts';
import type { EntryMetadata } from '../contracts/entry-metadata.ts';
import type { CacheOutcome } from '../contracts/observer.ts';
import type { ProxyRequest } from '../contracts/proxy.ts';
import type { GetHit } from '../contracts/storage.ts';
import type { StorageKey } from '../contracts/storage-key.ts';
import { mayStandIn } from '../freshness/failure.ts';
import type { FreshnessPolicy } from '../freshness/policy.ts';
import { type Previous, previousOf, servableUntil } from '../freshness/previous.ts';
import { readRecord } from '../freshness/record.ts';
import type { PurgeBook } from '../purges/purge-book.ts';
import { ShedError } from './background.ts';
import { type FlightControl, Flights, type FlightWork } from './flight.ts';
import { onward, saysItsWay } from './hops.ts';
import { type Made, makeVariant, type Workshop } from './make.ts';
import type { Payload } from './respond.ts';

/** What is asked for. */
export interface Wish {
  readonly request: ProxyRequest;
  readonly image: ImageRequest;
  readonly key: StorageKey;
  readonly policy: FreshnessPolicy;
}

/** What an answer is made of; or a failure that is remembered. */
export type Supplied =
  | {
      readonly kind: 'image';
      readonly metadata: EntryMetadata;
      readonly payload: Payload;
      readonly cache: CacheOutcome;
    }
  | { readonly kind: 'failure'; readonly error: unknown; readonly cache: CacheOutcome };

export interface SupplierOptions extends Workshop {
  /** This proxy's name towards others. */
  readonly pseudonym: string;
  /** Entries that may be refreshed at a time while they are still in use. */
  readonly maxBackground: number;
  readonly purges: PurgeBook;
}

/** How long it is remembered that a key's answers are for one client each, in milliseconds. */
const UNSHARED_MS = 10_000;

/**
 * Answers what is not fresh in the cache: with what is stale where that is allowed, else by one flight
 * per key for all who ask meanwhile.
 */
export class Supplier {
  readonly #shop: SupplierOptions;
  readonly #flights = new Flights<Made>();
  /** The entries that flights in the air are to replace or confirm. */
  readonly #replacing = new Map<string, Previous>();
  /** Keys whose answers must not be shared: their requests do not wait for one another. */
  readonly #unshared = new LRUCache<string, true>({ max: 10_000, ttl: UNSHARED_MS });
  #solo = 0;
  #background = 0;

  constructor(shop: SupplierOptions) {
    this.#shop = shop;
  }

  get flights(): Flights<Made> {
    return this.#flights;
  }

  /** The flight for a key that a request may join: none that was begun before it was purged. */
  flightOf(key: StorageKey): string {
    const { purges } = this.#shop;
    const era = purges.isEmpty ? 0 : purges.eraOf(key);
    return era === 0 ? key : `${key}|${era}`;
  }

  /** Whether there is nothing to look for: it is being made just now, and nothing may be used meanwhile. */
  isFilling(key: StorageKey): boolean {
    const flight = this.flightOf(key);
    if (!this.#flights.has(flight)) return false;
    const replaced = this.#replacing.get(flight);
    return replaced === undefined || servableUntil(replaced) <= this.#shop.clock();
  }

  /** @param hit the entry that was found and is not fresh. */
  async supply(wish: Wish, hit: GetHit | undefined, now: number): Promise<Supplied> {
    const { key, image, policy, request } = wish;
    const record = hit && readRecord(hit.metadata);
    if (hit && record && decideServe(record.freshness, [], now, policy.http).action === 'serve') {
      const previous = previousOf(hit, record);
      this.refresh(wish, previous);
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
    const replaced = previous ?? this.#replacing.get(this.flightOf(key));
    try {
      const joined = await this.#join(wish, replaced);
      const supplied = await this.#made(wish, replaced !== undefined, joined.value, joined.collapsed);
      if (supplied !== undefined) return supplied;
      // What was right a moment ago is gone from the storage.
      const { value } = await this.#alone(wish, undefined);
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

  /**
   * Refreshes an entry while it is in use. Nobody waits for it: it is left to a later request where it is
   * already under way, its source failed a moment ago, or there is no room.
   */
  refresh(wish: Wish, previous: Previous): void {
    const { key, image } = wish;
    const { clock, emit, maxBackground, negatives, transforms } = this.#shop;
    const flight = this.flightOf(key);
    if (this.#flights.has(flight) || negatives.get(image, clock()) !== undefined) return;
    if (this.#background >= maxBackground || !transforms.hasRoom) {
      emit({ type: 'revalidated', outcome: 'shed', background: true });
      return;
    }
    this.#background++;
    this.#shop.results?.asked(key, true);
    const nobody = new AbortController().signal;
    this.#flights
      .join(flight, nobody, (control) => this.#start(wish, flight, previous, control, true))
      .then(
        ({ value }) => outcomeOf(value),
        (error) => (error instanceof ShedError ? 'shed' : 'failed'),
      )
      .then((outcome) => {
        this.#background--;
        emit({ type: 'revalidated', outcome, background: true });
      });
  }

  /** Refreshes a fresh entry, the more likely the nearer its end and the dearer it is. XFetch. */
  maybeRefresh(wish: Wish, hit: GetHit, now: number): void {
    const record = readRecord(hit.metadata);
    if (record === undefined) return;
    const { freshness, costMs } = record;
    if (!refreshEarly(freshness, now, costMs, 1 - Math.random(), wish.policy.earlyRefresh)) return;
    this.refresh(wish, previousOf(hit, record));
  }

  async #join(
    wish: Wish,
    previous: Previous | undefined,
  ): Promise<{ readonly value: Made; readonly collapsed: boolean }> {
    const { key, request } = wish;
    if (this.#unshared.has(key)) return this.#alone(wish, previous);
    const flight = this.flightOf(key);
    const isLate = this.#flights.hasResult(flight);
    const joined = await this.#flights
      .join(flight, request.signal, (control) => this.#start(wish, flight, previous, control))
      .catch((error: unknown) => {
        if (!(error instanceof ShedError)) throw error;
        // It was nobody's request that there was no room for; this one may wait.
        this.#flights.close(flight);
        return undefined;
      });
    if (joined === undefined) return this.#join(wish, previous);
    const { shareable, metadata } = joined.value;
    // What must be asked about at each use is no answer to who asks after it came.
    if (isLate && metadata.freshUntil <= this.#shop.clock()) return this.#alone(wish, previous);
    if (shareable) return joined;
    this.#unshared.set(key, true);
    // RFC 9111 §4: what turns out to be for one request only must be fetched again for the others.
    return joined.collapsed ? this.#alone(wish, previous) : joined;
  }

  /** A flight that nobody joins. */
  async #alone(
    wish: Wish,
    previous: Previous | undefined,
  ): Promise<{ readonly value: Made; readonly collapsed: false }> {
    const name = `${wish.key}#${++this.#solo}`;
    const start = (control: FlightControl) => this.#start(wish, name, previous, control);
    const { value } = await this.#flights.join(name, wish.request.signal, start);
    if (value.shareable) this.#unshared.delete(wish.key);
    return { value, collapsed: false };
  }

  #start(
    wish: Wish,
    name: string,
    previous: Previous | undefined,
    control: FlightControl,
    isBackground = false,
  ): FlightWork<Made> {
    const { key, image, policy } = wish;
    const hops = onward(wish.request.headers, this.#shop.pseudonym);
    const isMarked = saysItsWay(wish.request.headers);
    const order = { key, request: image, policy, previous, hops, isMarked, isBackground };
    const work = makeVariant(order, this.#shop, control);
    if (previous === undefined) return work;
    this.#replacing.set(name, previous);
    const settled = work.settled.then(() => {
      if (this.#replacing.get(name) === previous) this.#replacing.delete(name);
    });
    return { result: work.result, settled };
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

  payloadOf(key: StorageKey, hit: GetHit): Payload {
    return {
      body: hit.body.buffered ?? (() => this.#shop.results?.streamOf(key, hit) ?? hit.body.stream()),
      size: hit.size,
      discard: () => void hit.body.discard().catch(() => undefined),
    };
  }

  isCaching(policy: FreshnessPolicy): boolean {
    return this.#shop.results !== undefined && policy.cached;
  }
}

/** Refusals that tell who debugs a cache something about the origin. */
const TELLING: ReadonlySet<string> = new Set([
  'no-store',
  'private',
  'no-cache',
  'must-understand',
  'authorization',
  'set-cookie',
  'vary-star',
]);

/** Why it isn't kept, or why it had to be asked about: Cloudflare C2. */
function detailOf({ originStatus, refusal, metadata }: Made): { readonly detail?: string } {
  if (refusal !== undefined) return TELLING.has(refusal) ? { detail: refusal } : {};
  if (originStatus !== 304 || metadata.freshUntil !== 0) return {};
  const freshness = readRecord(metadata)?.freshness;
  return freshness !== undefined && isNoCache(freshness) ? { detail: 'no-cache' } : {};
}

function outcomeOf({ originStatus }: Made): 'same' | 'changed' {
  return originStatus === 304 ? 'same' : 'changed';
}

function staleOutcome({ freshUntil }: EntryMetadata, detail: 'swr' | 'sie', now: number): CacheOutcome {
  return { kind: 'hit', ttl: remainingTtl(freshUntil, now), detail };
}

/** RFC 9111 §5.2.1.7: this one always counts, whatever else of a client's wishes is ignored. */
function onlyIfCached({ headers }: ProxyRequest): boolean {
  const lines = fieldLines(headers, 'cache-control');
  return lines.length > 0 && parseCacheControl(lines).onlyIfCached;
}
