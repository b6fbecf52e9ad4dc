import { refreshEarly } from '@tintype/http-cache';
import { LRUCache } from 'lru-cache';
import type { ImageRequest } from '../contracts/dialect.ts';
import type { ProxyRequest } from '../contracts/proxy.ts';
import type { GetHit } from '../contracts/storage.ts';
import type { StorageKey } from '../contracts/storage-key.ts';
import type { FreshnessPolicy } from '../freshness/policy.ts';
import { type Previous, previousOf, servableUntil } from '../freshness/previous.ts';
import { readRecord } from '../freshness/record.ts';
import type { PurgeBook } from '../purges/purge-book.ts';
import { ShedError } from './background.ts';
import { type FlightControl, Flights, type FlightWork } from './flight.ts';
import { onward, saysItsWay } from './hops.ts';
import { type Made, makeVariant, type Workshop } from './make.ts';

/** What is asked for. */
export interface Wish {
  readonly request: ProxyRequest;
  readonly image: ImageRequest;
  readonly key: StorageKey;
  readonly policy: FreshnessPolicy;
}

export interface MakingOptions extends Workshop {
  /** This proxy's name towards others. */
  readonly pseudonym: string;
  /** Entries that may be refreshed at a time while they are still in use. */
  readonly maxBackground: number;
  readonly purges: PurgeBook;
}

/** How long it is remembered that a key's answers are for one client each, in milliseconds. */
const UNSHARED_MS = 10_000;

/** One flight per key for all who ask for what has to be made, and refreshes of what is in use behind their backs. */
export class Making {
  readonly #shop: MakingOptions;
  readonly flights: Flights<Made> = new Flights();
  /** The entries that flights in the air are to replace or confirm. */
  readonly #replacing = new Map<string, Previous>();
  /** Keys whose answers must not be shared: their requests do not wait for one another. */
  readonly #unshared = new LRUCache<string, true>({ max: 10_000, ttl: UNSHARED_MS });
  #solo = 0;
  #background = 0;

  constructor(shop: MakingOptions) {
    this.#shop = shop;
  }

  /** The flight for a key that a request may join: none that was begun before it was purged. */
  flightOf(key: StorageKey): string {
    const { purges } = this.#shop;
    const era = purges.isEmpty ? 0 : purges.eraOf(key);
    return era === 0 ? key : `${key}|${era}`;
  }

  /** Whether there is nothing to look for: it is being made just now, and nothing may be used meanwhile. */
  isFilling(key: StorageKey): boolean {
    if (this.flights.isIdle) return false;
    const flight = this.flightOf(key);
    if (!this.flights.has(flight)) return false;
    const replaced = this.#replacing.get(flight);
    return replaced === undefined || servableUntil(replaced) <= this.#shop.clock();
  }

  /** The entry that the flight for a key is to replace or confirm. */
  replacedBy(key: StorageKey): Previous | undefined {
    return this.#replacing.get(this.flightOf(key));
  }

  /**
   * Refreshes an entry while it is in use. Nobody waits for it: it is left to a later request where it is
   * already under way, its source failed a moment ago, or there is no room.
   */
  refresh(wish: Wish, previous: Previous): void {
    const { key, image } = wish;
    const { clock, emit, maxBackground, negatives, transforms } = this.#shop;
    const flight = this.flightOf(key);
    if (this.flights.has(flight) || negatives.get(image, clock()) !== undefined) return;
    if (this.#background >= maxBackground || !transforms.hasRoom) {
      emit({ type: 'revalidated', outcome: 'shed', background: true });
      return;
    }
    this.#background++;
    this.#shop.results?.asked(key, true);
    const nobody = new AbortController().signal;
    this.flights
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

  /** Joins the flight that makes it, or begins one. */
  async join(
    wish: Wish,
    previous: Previous | undefined,
  ): Promise<{ readonly value: Made; readonly collapsed: boolean }> {
    const { key, request } = wish;
    if (this.#unshared.has(key)) return this.alone(wish, previous);
    const flight = this.flightOf(key);
    const isLate = this.flights.hasResult(flight);
    const joined = await this.flights
      .join(flight, request.signal, (control) => this.#start(wish, flight, previous, control))
      .catch((error: unknown) => {
        if (!(error instanceof ShedError)) throw error;
        // It was nobody's request that there was no room for; this one may wait.
        this.flights.close(flight);
        return undefined;
      });
    if (joined === undefined) return this.join(wish, previous);
    const { shareable, metadata } = joined.value;
    // What must be asked about at each use is no answer to who asks after it came.
    if (isLate && metadata.freshUntil <= this.#shop.clock()) return this.alone(wish, previous);
    if (shareable) return joined;
    this.#unshared.set(key, true);
    // RFC 9111 §4: what turns out to be for one request only must be fetched again for the others.
    return joined.collapsed ? this.alone(wish, previous) : joined;
  }

  /** A flight that nobody joins. */
  async alone(
    wish: Wish,
    previous: Previous | undefined,
  ): Promise<{ readonly value: Made; readonly collapsed: false }> {
    const name = `${wish.key}#${++this.#solo}`;
    const start = (control: FlightControl) => this.#start(wish, name, previous, control);
    const { value } = await this.flights.join(name, wish.request.signal, start);
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
}

/** What became of an entry that was refreshed. */
function outcomeOf({ originStatus }: Made): 'same' | 'changed' {
  return originStatus === 304 ? 'same' : 'changed';
}
