import { LRUCache } from 'lru-cache';
import type { Dialect, ImageRequest, KeyRing } from '../contracts/dialect.ts';
import type { CacheOutcome } from '../contracts/observer.ts';
import type { ProxyRequest, ProxyResponse } from '../contracts/proxy.ts';
import type { GetHit } from '../contracts/storage.ts';
import type { Awaitable } from '../contracts/storage-adapter.ts';
import type { StorageKey } from '../contracts/storage-key.ts';
import { Flights } from './flight.ts';
import { checkExpiry, guardedParse } from './guard.ts';
import { type Made, makeVariant, type Workshop } from './make.ts';
import { problemOf } from './problem.ts';
import { imageResponse, problemResponse } from './respond.ts';
import { type KeyContext, variantKey } from './variant-key.ts';

/**
 * URLs whose parsing, signature and key are remembered: they depend on nothing that changes. Bounded
 * in bytes as well, estimated, because a URL may be long.
 */
const REMEMBERED_URLS = { max: 20_000, maxSize: 48 * 1024 * 1024 };
const REMEMBERED_URL_BYTES = 1_500;

export interface PipelineOptions extends Workshop {
  readonly dialect: Dialect;
  readonly keys: KeyRing | undefined;
  readonly isAllowed: (source: string) => boolean;
  readonly key: KeyContext;
  /** The status of answers that there is no room for: 503 or 429. */
  readonly overloadStatus: number;
}

/** A URL that was parsed and has passed the guard, with its key if no request header is part of it. */
interface Resolved {
  readonly image: ImageRequest;
  readonly key: StorageKey | undefined;
}

/**
 * The way of a request: parse, guard, key, look up, and on a miss one flight per key that fetches,
 * transforms and stores. A fresh hit is `handle` → `#resolve` → `lookup` → `#hit` and nothing more.
 */
export class Pipeline {
  readonly #options: PipelineOptions;
  readonly #flights = new Flights<Made>();
  readonly #resolved = new LRUCache<string, Resolved>({
    ...REMEMBERED_URLS,
    sizeCalculation: (_resolved, target) => REMEMBERED_URL_BYTES + 2 * target.length,
  });
  readonly #vary: string;
  readonly #keyed: boolean;

  constructor(options: PipelineOptions) {
    this.#options = options;
    const { keyHeaders, keyCookies } = options.key;
    this.#keyed = keyHeaders.length + keyCookies.length > 0;
    this.#vary = [...keyHeaders, ...(keyCookies.length > 0 ? ['cookie'] : [])].join(', ');
  }

  /** Requests that wait for an image to be made. */
  get waiting(): number {
    return this.#flights.waiters;
  }

  /** Answers; never rejects. */
  async handle(request: ProxyRequest): Promise<ProxyResponse> {
    let reason: MissReason | undefined;
    try {
      const { clock, results } = this.#options;
      const { image, key: known } = this.#resolve(request);
      const now = clock();
      checkExpiry(image, now);
      const key = known ?? variantKey(image, request.headers, this.#options.key);
      const hit = await this.#lookup(key);
      if (hit !== undefined) {
        if (hit.metadata.freshUntil > now) return this.#hit(request, image, key, hit, now);
        hit.body.discard().catch(() => undefined);
      }
      reason = hit === undefined ? 'uri-miss' : 'stale';
      results?.asked(key, hit !== undefined);
      return await this.#miss(request, image, key, reason);
    } catch (error) {
      const problem = problemOf(error, this.#options.overloadStatus);
      return problemResponse(request, problem, this.#outcome(reason, false, false));
    }
  }

  /**
   * What the storage has, unless it is being made just now: then there is nothing to look for. A lookup
   * that took longer than a whole flight is done again, or the same would be made twice.
   */
  #lookup(key: StorageKey): Awaitable<GetHit | undefined> {
    const { results } = this.#options;
    if (results === undefined || this.#flights.has(key)) return undefined;
    const { mark } = this.#flights;
    const found = results.lookup(key);
    if (!(found instanceof Promise)) return found;
    return found.then((hit) => (hit === undefined && this.#flights.endedSince(key, mark) ? results.lookup(key) : hit));
  }

  /**
   * Resolves when nothing is in flight and nothing waits for the storage. What is still on its way after
   * the time that an image may take is aborted: a raw source, which may go on for much longer.
   */
  async close(): Promise<void> {
    const onTimeout = () => this.#flights.abort(new Error('The proxy was closed.'));
    const timer = setTimeout(onTimeout, this.#options.timeoutMs);
    await this.#flights.settled();
    clearTimeout(timer);
    await this.#options.results?.flush();
  }

  #resolve(request: ProxyRequest): Resolved {
    let resolved = this.#resolved.get(request.target);
    if (resolved === undefined) {
      const image = guardedParse(request.target, this.#options);
      resolved = { image, key: this.#keyed ? undefined : variantKey(image, {}, this.#options.key) };
      this.#resolved.set(request.target, resolved);
    }
    return resolved;
  }

  #hit(request: ProxyRequest, image: ImageRequest, key: StorageKey, hit: GetHit, now: number): ProxyResponse {
    const { buffered } = hit.body;
    const payload = {
      body: buffered ?? (() => this.#options.results?.streamOf(key, hit) ?? hit.body.stream()),
      size: hit.size,
      discard: () => void hit.body.discard().catch(() => undefined),
    };
    const ttl = Math.max(0, Math.floor((hit.metadata.freshUntil - now) / 1_000));
    return imageResponse(request, image, hit.metadata, payload, { kind: 'hit', ttl }, this.#vary, now);
  }

  async #miss(request: ProxyRequest, image: ImageRequest, key: StorageKey, reason: MissReason): Promise<ProxyResponse> {
    const { value: made, collapsed } = await this.#flights.join(key, request.signal, (control) =>
      makeVariant(key, image, this.#options, control),
    );
    const cache = this.#outcome(reason, collapsed, made.stored);
    const payload =
      made.kind === 'variant'
        ? { body: made.bytes, size: made.bytes.length }
        : { body: () => made.spool.read(request.signal), size: made.size };
    return imageResponse(request, image, made.metadata, payload, cache, this.#vary, this.#options.clock());
  }

  /** @param reason `undefined` if it never came to a lookup. */
  #outcome(reason: MissReason | undefined, collapsed: boolean, stored: boolean): CacheOutcome {
    if (reason === undefined) return { kind: 'refused' };
    return this.#options.results ? { kind: 'miss', reason, collapsed, stored } : { kind: 'bypass' };
  }
}

type MissReason = 'uri-miss' | 'stale';
