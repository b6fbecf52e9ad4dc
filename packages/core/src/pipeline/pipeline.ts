import { LRUCache } from 'lru-cache';
import type { Dialect, ImageRequest, KeyRing } from '../contracts/dialect.ts';
import type { CacheOutcome } from '../contracts/observer.ts';
import type { ProxyRequest, ProxyResponse } from '../contracts/proxy.ts';
import type { GetHit } from '../contracts/storage.ts';
import type { Awaitable } from '../contracts/storage-adapter.ts';
import type { StorageKey } from '../contracts/storage-key.ts';
import type { FreshnessPolicy } from '../freshness/policy.ts';
import type { PolicyOf } from '../freshness/rules.ts';
import type { ClientVariants, Negotiator } from './client-variants.ts';
import { checkExpiry, guardedParse } from './guard.ts';
import type { MakingOptions, Wish } from './making.ts';
import { problemOf } from './problem.ts';
import { imageResponse, problemResponse } from './respond.ts';
import { Supplier } from './supplier.ts';
import { type KeyContext, variantKey } from './variant-key.ts';

/**
 * URLs whose parsing, signature and key are remembered: they depend on nothing that changes. Bounded
 * in bytes as well, estimated, because a URL may be long.
 */
const REMEMBERED_URLS = { max: 20_000, maxSize: 48 * 1024 * 1024 };
const REMEMBERED_URL_BYTES = 1_500;

export interface PipelineOptions extends MakingOptions {
  readonly dialect: Dialect;
  readonly keys: KeyRing | undefined;
  readonly isAllowed: (source: string) => boolean;
  readonly key: KeyContext;
  /** How long what a URL asks for may be used. Called once for each URL that is remembered. */
  readonly policyOf: PolicyOf;
  /** What depends on header fields of the client; `undefined` if nothing does. */
  readonly negotiator: Negotiator | undefined;
  /** The status of answers that there is no room for: 503 or 429. */
  readonly overloadStatus: number;
}

/** A URL that was parsed and has passed the guard, with its key if no request header is part of it. */
interface Resolved {
  readonly image: ImageRequest;
  readonly key: StorageKey | undefined;
  readonly policy: FreshnessPolicy;
  /** What it is for different clients, where it is not the same for all. */
  readonly clients?: ClientVariants<Resolved> | undefined;
}

type Found = Pick<Wish, 'key' | 'policy'>;

/**
 * The way of a request: parse, guard, key, look up, and on a miss one flight per key that fetches,
 * transforms and stores. A fresh hit is `handle` → `#resolve` → `lookup` → `#hit` and nothing more.
 */
export class Pipeline {
  readonly #options: PipelineOptions;
  readonly #supplier: Supplier;
  readonly #resolved = new LRUCache<string, Resolved>({
    ...REMEMBERED_URLS,
    sizeCalculation: (_resolved, target) => REMEMBERED_URL_BYTES + 2 * target.length,
  });
  readonly #vary: string;
  readonly #keyed: boolean;

  constructor(options: PipelineOptions) {
    this.#options = options;
    this.#supplier = new Supplier(options);
    const { keyHeaders, keyCookies } = options.key;
    this.#keyed = keyHeaders.length + keyCookies.length > 0;
    this.#vary = [...keyHeaders, ...(keyCookies.length > 0 ? ['cookie'] : [])].join(', ');
  }

  /** Requests that wait for an image to be made. */
  get waiting(): number {
    return this.#supplier.making.flights.waiters;
  }

  /** Answers; never rejects. */
  async handle(request: ProxyRequest): Promise<ProxyResponse> {
    let reason: MissReason | undefined;
    let caches = true;
    try {
      const { clock } = this.#options;
      const { image, key: known, policy } = this.#resolve(request);
      const now = clock();
      checkExpiry(image, now);
      const key = known ?? variantKey(image, request.headers, this.#options.key);
      caches = policy.cached;
      const hit = caches ? await this.#lookup(key) : undefined;
      if (hit !== undefined && hit.metadata.freshUntil > now) {
        if (policy.earlyRefresh > 0) this.#supplier.making.maybeRefresh({ request, image, key, policy }, hit, now);
        return this.#hit(request, image, { key, policy }, hit, now);
      }
      reason = hit === undefined ? 'uri-miss' : 'stale';
      return await this.#supply({ request, image, key, policy }, hit, now);
    } catch (error) {
      const problem = problemOf(error, this.#options.overloadStatus);
      return problemResponse(request, problem, this.#outcome(reason, caches));
    }
  }

  /**
   * What the storage has, unless it is being made just now: then there is nothing to look for. A lookup
   * that took longer than a whole flight is done again, or the same would be made twice.
   */
  #lookup(key: StorageKey): Awaitable<GetHit | undefined> {
    const { results } = this.#options;
    const { making } = this.#supplier;
    const { flights } = making;
    if (results === undefined || making.isFilling(key)) return undefined;
    const { mark } = flights;
    const found = results.lookup(key);
    if (!(found instanceof Promise)) return found;
    return found.then((hit) => {
      const isMissed = hit === undefined && flights.endedSince(making.flightOf(key), mark);
      return isMissed ? results.lookup(key) : hit;
    });
  }

  /**
   * Resolves when nothing is in flight and nothing waits for the storage. What is still on its way after
   * the time that an image may take is aborted: a raw source, which may go on for much longer.
   */
  async close(): Promise<void> {
    const onTimeout = () => this.#supplier.making.flights.abort(new Error('The proxy was closed.'));
    const timer = setTimeout(onTimeout, this.#options.timeoutMs);
    await this.#supplier.making.flights.settled();
    clearTimeout(timer);
    await this.#options.sources.flush();
    await this.#options.results?.flush();
  }

  #resolve(request: ProxyRequest): Resolved {
    let resolved = this.#resolved.get(request.target);
    if (resolved === undefined) {
      const image = guardedParse(request.target, this.#options);
      const policy = this.#options.policyOf(image, request.target, this.#options.dialect);
      resolved = this.#resolvedAs(image, policy);
      const clients = this.#options.negotiator?.variantsOf(image, (own) => this.#resolvedAs(own, policy));
      if (clients !== undefined) resolved = { ...resolved, clients };
      this.#resolved.set(request.target, resolved);
    }
    return resolved.clients === undefined ? resolved : resolved.clients.of(request.headers);
  }

  #resolvedAs(image: ImageRequest, policy: FreshnessPolicy): Resolved {
    return { image, key: this.#keyed ? undefined : variantKey(image, {}, this.#options.key), policy };
  }

  #hit(request: ProxyRequest, image: ImageRequest, { key, policy }: Found, hit: GetHit, now: number): ProxyResponse {
    // An early refresh may still need the bytes.
    const expendable = hit.body.expendable === true && policy.earlyRefresh === 0;
    const payload = this.#supplier.payloadOf(key, hit, expendable);
    const ttl = Math.max(0, Math.floor((hit.metadata.freshUntil - now) / 1_000));
    return imageResponse(request, image, hit.metadata, payload, { kind: 'hit', ttl }, this.#vary, now);
  }

  async #supply(wish: Wish, hit: GetHit | undefined, now: number): Promise<ProxyResponse> {
    const { request, image } = wish;
    const supplied = await this.#supplier.supply(wish, hit, now);
    if (supplied.kind === 'failure') {
      return problemResponse(request, problemOf(supplied.error, this.#options.overloadStatus), supplied.cache);
    }
    const { metadata, payload, cache } = supplied;
    return imageResponse(request, image, metadata, payload, cache, this.#vary, this.#options.clock());
  }

  /** @param reason `undefined` if it never came to a lookup. */
  #outcome(reason: MissReason | undefined, caches: boolean): CacheOutcome {
    if (reason === undefined) return { kind: 'refused' };
    const isCaching = this.#options.results !== undefined && caches;
    return isCaching ? { kind: 'miss', reason, collapsed: false, stored: false } : { kind: 'bypass' };
  }
}

type MissReason = 'uri-miss' | 'stale';
