import { decideStore, type ExchangeTimes, type OriginFailure, secondsFor } from '@tintype/http-cache';
import { LRUCache } from 'lru-cache';
import type { ImageRequest } from '../contracts/dialect.ts';
import { OriginError } from '../contracts/origin.ts';
import type { PurgeBook } from '../purges/purge-book.ts';
import type { FreshnessPolicy } from './policy.ts';

/** What all remembered failures may take in memory, in bytes, estimated. */
const MAX_BYTES = 4 * 1024 * 1024;
const ENTRY_BYTES = 300;

/** A source that could not be had lately. */
export interface Negative {
  /** The origin's status, or that there was no answer. */
  readonly failure: OriginFailure;
  /** When the origin was asked, in milliseconds since the epoch. */
  readonly at: number;
  /** What whoever asked for the image was told, and is told again. */
  readonly error: unknown;
  /** Milliseconds since the epoch. */
  readonly until: number;
}

/** Failures of an origin that soon may be over, by the status that clients get. */
const STATUS_OF: { readonly [code in OriginError['code']]?: number } = {
  unavailable: 502,
  timeout: 504,
  'too-many-redirects': 502,
};

/**
 * Sources that failed lately: whoever asks again within a short time gets the same answer, and the
 * origin is left alone. For all variants of a source at once, in memory, and gone with the process.
 */
export class Negatives {
  readonly #bySource = new LRUCache<string, Negative>({
    maxSize: MAX_BYTES,
    sizeCalculation: (_negative, source) => ENTRY_BYTES + 2 * source.length,
  });
  readonly #purges: Pick<PurgeBook, 'isPurged'>;

  constructor(purges: Pick<PurgeBook, 'isPurged'>) {
    this.#purges = purges;
  }

  get(request: ImageRequest, now: number): Negative | undefined {
    if (this.#bySource.size === 0) return undefined;
    const name = nameOf(request);
    const negative = this.#bySource.get(name);
    if (negative === undefined) return undefined;
    const { at: requestedAt, until } = negative;
    const { source } = request;
    if (until > now && !this.#purges.isPurged({ key: '', source, requestedAt }, false)) return negative;
    this.#bySource.delete(name);
    return undefined;
  }

  /** An origin answered with another status than 200. `until`: see {@link negativeUntil}. */
  note(request: ImageRequest, negative: Negative): void {
    this.#bySource.set(nameOf(request), negative);
  }

  /** The source answered well. */
  clear(request: ImageRequest): void {
    if (this.#bySource.size > 0) this.#bySource.delete(nameOf(request));
  }
}

/** A cache buster asks past what is remembered. */
function nameOf({ source, cachebuster }: ImageRequest): string {
  return cachebuster === '' ? source : `${source}\n${cachebuster}`;
}

/** Until when an origin's status is remembered: by its own word, else by the operator's lifetimes. RFC 9111 §4.2.2. */
export function negativeUntil(
  response: { readonly status: number; readonly headers: Readonly<Record<string, string | undefined>> },
  { requestedAt, receivedAt }: ExchangeTimes,
  policy: FreshnessPolicy,
): number {
  // A least lifetime is meant for images.
  const http = { ...policy.http, minTtl: 0 };
  const { status, headers: fields } = response;
  const request = { method: 'GET', fields: [] };
  const decision = decideStore({ request, response: { status, fields }, requestedAt, receivedAt }, http);
  return decision.store ? decision.entry.freshness.freshUntil : 0;
}

/** What is remembered of an origin without an answer; `undefined` of errors that are none of the origin's. */
export function negativeOf(error: unknown, now: number, policy: FreshnessPolicy): Negative | undefined {
  const status = OriginError.is(error) ? STATUS_OF[error.code] : undefined;
  if (status === undefined) return undefined;
  const seconds = secondsFor(policy.http.defaultTtl, status) ?? 0;
  return { failure: 'disconnected', error, at: now, until: now + seconds * 1_000 };
}
