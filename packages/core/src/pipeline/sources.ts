import type { HttpFields } from '../contracts/http-fields.ts';
import type { ProxyEvent } from '../contracts/observer.ts';
import { type Origin, OriginError, type OriginResponse } from '../contracts/origin.ts';
import type { SourceUse } from '../sources/original.ts';
import type { SourceCache } from '../sources/source-cache.ts';
import { firstOf, type Waiting } from './first-of.ts';
import { giveUp } from './pump.ts';

/** An origin's answer, and when it was asked and answered, in milliseconds since the epoch. */
export interface Fetched {
  readonly response: OriginResponse;
  readonly requestedAt: number;
  readonly receivedAt: number;
}

export interface FetchOptions {
  readonly signal: AbortSignal;
  /** Asks whether a known state of the source is still right. */
  readonly conditions?: HttpFields | undefined;
  /** What a web origin is told of the proxies on the way. */
  readonly hops?: HttpFields | undefined;
  /** Who waits for the answer: for several it is worth asking twice. */
  readonly waiting?: Waiting | undefined;
  /** Whether a file may be named instead of read; not where copies are kept, which are made of the bytes. */
  readonly takesFile?: boolean | undefined;
  /** What the source is wanted for: decides about copies of it. */
  readonly use: SourceUse;
}

export interface SourcesOptions {
  /** `TINTYPE_MAX_SRC_FILE_SIZE`; 0 = unlimited. */
  readonly maxBytes: number;
  /** After how long without an answer a source that others wait for is asked once more; `Infinity` for never. */
  readonly askAgainMs: number;
  /** Copies of originals, if they are kept. */
  readonly cache?: SourceCache | undefined;
  readonly clock: () => number;
  readonly emit: (event: ProxyEvent) => void;
}

/** Asks the origin of a source, under these conditions. */
export type AskOrigin = (conditions: HttpFields, signal: AbortSignal) => Promise<Fetched>;

/** Finds the origin for a source, and fetches. */
export class Sources {
  readonly #byScheme: ReadonlyMap<string, Origin>;
  readonly #options: SourcesOptions;

  /** @throws Error if two origins take the same scheme. */
  constructor(origins: readonly Origin[], options: SourcesOptions) {
    const byScheme = new Map<string, Origin>();
    for (const origin of origins) {
      for (const scheme of origin.schemes) {
        if (byScheme.has(scheme)) throw new Error(`Two origins take ${scheme}:// sources.`);
        byScheme.set(scheme, origin);
      }
    }
    this.#byScheme = byScheme;
    this.#options = options;
  }

  /** @throws OriginError where there was no answer; a missing source is an answer. */
  async fetch(source: string, options: FetchOptions): Promise<Fetched> {
    const takesFile = options.takesFile === true && this.#options.cache === undefined;
    const { scheme, origin } = this.#originOf(source);
    const ask: AskOrigin = (asked, until) =>
      this.#ask(origin, scheme, source, { ...asked, ...options.hops }, until, takesFile);
    return this.fetchBy(ask, source, options);
  }

  /** The same of a source that is asked for in another way: by its copy, and once more where others wait for it. */
  async fetchBy(
    askOrigin: AskOrigin,
    source: string,
    { signal, conditions, waiting, use }: Omit<FetchOptions, 'hops' | 'takesFile'>,
  ): Promise<Fetched> {
    const { askAgainMs, cache } = this.#options;
    const ask = (asked: HttpFields = {}, until: AbortSignal = signal): Promise<Fetched> => {
      const attempt = (own: AbortSignal) => askOrigin(asked, own);
      if (waiting === undefined || !Number.isFinite(askAgainMs)) return attempt(until);
      const release = (late: Fetched) => void giveUp(late.response);
      return firstOf(attempt, { signal: until, afterMs: askAgainMs, waiting, release });
    };
    return cache === undefined ? ask(conditions) : cache.fetch(source, { conditions, signal, use }, ask);
  }

  /** Resolves when no original is on its way into the cache. */
  async flush(): Promise<void> {
    await this.#options.cache?.flush();
  }

  #originOf(source: string): { readonly scheme: string; readonly origin: Origin } {
    const scheme = /^([a-z][a-z0-9+.-]*):/i.exec(source)?.[1]?.toLowerCase();
    if (scheme === undefined) {
      throw new OriginError(
        'invalid-source',
        'The source has no scheme; expected something like https://… or local:///….',
      );
    }
    const origin = this.#byScheme.get(scheme);
    if (origin === undefined) {
      const known = [...this.#byScheme.keys()].map((name) => `${name}://`).join(', ');
      throw new OriginError('refused', `Sources with ${scheme}:// are not served here; what is: ${known || 'none'}.`);
    }
    return { scheme, origin };
  }

  async #ask(
    origin: Origin,
    scheme: string,
    source: string,
    headers: HttpFields,
    signal: AbortSignal,
    takesFile: boolean,
  ): Promise<Fetched> {
    const { clock, emit, maxBytes } = this.#options;
    const requestedAt = clock();
    const started = performance.now();
    const limit = maxBytes === 0 ? Number.POSITIVE_INFINITY : maxBytes;
    const response = await origin.fetch(source, { headers, maxBytes: limit, takesFile, signal });
    emit({ type: 'fetched', scheme, status: response.status, ms: performance.now() - started });
    return { response, requestedAt, receivedAt: clock() };
  }
}
