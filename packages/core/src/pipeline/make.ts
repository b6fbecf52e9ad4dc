import type { ImageRequest } from '../contracts/dialect.ts';
import { RequestError } from '../contracts/dialect.ts';
import type { EntryMetadata } from '../contracts/entry-metadata.ts';
import type { HttpFields } from '../contracts/http-fields.ts';
import type { ProxyEvent } from '../contracts/observer.ts';
import type { StorageKey } from '../contracts/storage-key.ts';
import { TransformError, type Transformer, type TransformLimits } from '../contracts/transformer.ts';
import { assess } from '../freshness/assess.ts';
import { withOriginStatus } from '../freshness/failure.ts';
import { type Negatives, negativeOf, negativeUntil } from '../freshness/negatives.ts';
import type { FreshnessPolicy } from '../freshness/policy.ts';
import { conditionsOf, type Previous } from '../freshness/previous.ts';
import { withCost } from '../freshness/record.ts';
import { ALWAYS } from './background.ts';
import { confirmed } from './confirmed.ts';
import type { FlightControl, FlightWork } from './flight.ts';
import type { Intake, Place } from './intake.ts';
import type { MemoryGate } from './memory-gate.ts';
import { originError } from './problem.ts';
import { giveUp, until } from './pump.ts';
import { isImageType, passOn, type RawSource, type Relay } from './raw-source.ts';
import type { Semaphore } from './semaphore.ts';
import type { Fetched, Sources } from './sources.ts';
import { transformed, type Waiting } from './transformed.ts';

/** What a flight brings: all of it in memory, a source still on its way, or word that an entry is still right. */
export type Made = Variant | RawSource | Kept;

/** What is known of everything that was made. */
export interface Provenance {
  /** Whether others that waited for it may have it. RFC 9111 §4. */
  readonly shareable: boolean;
  /** Why it isn't stored, in a word, where the origin forbids it. */
  readonly refusal?: string | undefined;
  readonly originStatus: 200 | 304;
}

interface Variant extends Provenance {
  readonly kind: 'variant';
  /** Whether it was handed to the storage. */
  readonly stored: boolean;
  readonly bytes: Uint8Array;
  readonly metadata: EntryMetadata;
}

/** The storage's entry is right, and too large to be held in memory: it is to be read from there. */
interface Kept extends Provenance {
  readonly kind: 'kept';
  readonly stored: boolean;
  readonly metadata: EntryMetadata;
}

/** What is to be made. */
export interface Order {
  readonly key: StorageKey;
  readonly request: ImageRequest;
  readonly policy: FreshnessPolicy;
  /** The entry that is too old: its source is asked whether it has changed. */
  readonly previous?: Previous | undefined;
  /** What the source is told of the proxies on the way. */
  readonly hops: HttpFields;
  /**
   * Some of `hops` are the client's own words: a source may fail because of them. Only that it has nothing
   * is then remembered for others, which is what it says behind every CDN, too.
   */
  readonly isMarked?: boolean;
  /** Nobody waits for it but requests that have joined it meanwhile: unless there are some it waits for no place. */
  readonly isBackground?: boolean;
}

/** What making a variant needs. */
export interface Workshop extends Relay {
  readonly sources: Pick<Sources, 'fetch' | 'fetchBy' | 'flush'>;
  /** Sources that failed lately. */
  readonly negatives: Negatives;
  readonly transformer: Transformer;
  /** Images in the making, and downloads from each host. */
  readonly intake: Intake;
  readonly transforms: Semaphore;
  /** What all transforms may take together, wherever they are made. */
  readonly memory: MemoryGate;
  readonly limits: TransformLimits;
  /** Answer only after the put has settled, and fail with it. */
  readonly reportErrors: boolean;
  readonly emit: (event: ProxyEvent) => void;
}

/** Starts making a variant: fetch, transform, store. An entry whose source is the same costs its metadata only. */
export function makeVariant(order: Order, shop: Workshop, control: FlightControl): FlightWork<Made> {
  const { key, request, policy, previous, hops, isMarked = false, isBackground = false } = order;
  const mayWait = isBackground ? () => control.waiters > 1 : ALWAYS;
  const deadline = new AbortController();
  let waits = 0;
  let waitedMs = 0;
  let place: Place | undefined;
  const onTimeout = () => deadline.abort(waits > 0 ? noRoom(place) : tooSlow(place));
  const timer = setTimeout(onTimeout, shop.timeoutMs);
  const waiting: Waiting = async (room) => {
    const since = performance.now();
    waits++;
    try {
      return await room;
    } finally {
      waits--;
      waitedMs += performance.now() - since;
    }
  };
  const signal = AbortSignal.any([control.signal, deadline.signal]);
  const { promise: settled, resolve: settle } = Promise.withResolvers<void>();

  const make = async (): Promise<Made> => {
    let ended: Promise<unknown> = Promise.resolve();
    let isRaw = false;
    try {
      place = await waiting(shop.intake.enter(request.source, request.mode, signal, mayWait));
      const { mode, cachebuster } = request;
      const use = { mode, cachebuster, policy };
      const takesFile = mode === 'transform' && shop.transformer.transformFile !== undefined;
      const ask = (conditions: HttpFields | undefined): Promise<Fetched> =>
        until(
          signal,
          shop.sources.fetch(request.source, { signal, conditions, waiting: control, hops, takesFile, use }),
          (late) => giveUp(late.response),
        );
      let fetched = await ask(conditionsOf(previous));
      if (fetched.response.status === 304 && previous !== undefined) {
        const kept = confirmed(order, previous, fetched, shop);
        giveUp(fetched.response);
        if (kept !== undefined) {
          shop.negatives.clear(request);
          ended = kept.ended;
          if (shop.reportErrors) await ended;
          return kept.made;
        }
        // It speaks of something else than was asked about: RFC 9111 §4.3.4.
        fetched = await ask(undefined);
      }
      const { response } = fetched;
      if (response.status !== 200) {
        giveUp(response);
        const { status } = response;
        const error = withOriginStatus(originError(response, shop.clock()), status);
        const notedUntil = negativeUntil(response, fetched, policy);
        const isGone = status === 404 || status === 410;
        if (notedUntil > shop.clock() && (isGone || !isMarked))
          shop.negatives.note(request, { failure: status, error, at: fetched.requestedAt, until: notedUntil });
        if (previous !== undefined && isGone) {
          ended = shop.results?.remove(key, previous.version, 'gone') ?? ended;
        }
        throw error;
      }
      control.commit();
      shop.negatives.clear(request);
      const isImage = request.mode === 'transform' || isImageType(response.headers['content-type']);
      const assessment = assess(response, fetched, policy, { isImage, random: Math.random() });
      if (previous !== undefined && !assessment.storable) {
        ended = shop.results?.remove(key, previous.version, 'forbidden') ?? ended;
      }
      const untouched = assessment.noTransform && policy.noTransform !== 'ignore';
      if (request.mode === 'raw' || untouched) {
        if (request.mode !== 'raw' && policy.noTransform === 'refuse') {
          giveUp(response);
          throw new RequestError(422, 'no-transform', 'The source forbids that this image is changed.');
        }
        const raw = passOn({ key, request, response, assessment, place, signal, control }, shop);
        isRaw = true;
        ended = raw.ended;
        return raw.made;
      }
      const started = performance.now();
      const room = { place, waiting, mayWait };
      const { bytes, metadata } = await transformed(request, shop, response, assessment, room, signal);
      const { shareable, refusal } = assessment;
      let stored = false;
      if (shop.results && assessment.storable) {
        const costMs = fetched.receivedAt - fetched.requestedAt + performance.now() - started;
        stored = shop.results.objection(key, bytes.length) === undefined;
        ended = shop.results.store(key, bytes, bytes.length, {
          ...metadata,
          policy: withCost(metadata.policy, costMs),
        });
      }
      if (shop.reportErrors) await ended;
      return { kind: 'variant', stored, bytes, metadata, shareable, refusal, originStatus: 200 };
    } catch (error) {
      const negative = isMarked ? undefined : negativeOf(error, shop.clock(), policy);
      if (negative !== undefined && negative.until > shop.clock()) shop.negatives.note(request, negative);
      throw error;
    } finally {
      clearTimeout(timer);
      shop.emit({ type: 'waited', ms: waitedMs });
      // A raw source keeps its place until all of it has come.
      if (!isRaw) place?.done();
      ended.catch(() => undefined).then(() => settle());
    }
  };
  return { result: make(), settled };
}

/** @param place what it had of the intake: without one it waited for its host. The cause is for the log. */
function noRoom(place: Place | undefined): TransformError {
  return new TransformError('overloaded', 'There was no room to make the image in time; try again later.', {
    cause:
      place === undefined
        ? 'it waited for its host, of which TINTYPE_MAX_DOWNLOADS_PER_HOST are asked at a time'
        : 'it waited for a worker or for memory, of which TINTYPE_WORKERS and TINTYPE_MEMORY_BUDGET are the limits',
  });
}

function tooSlow(place: Place | undefined): RequestError {
  if (place?.isDownloading !== true)
    return new RequestError(504, 'timeout', 'The image could not be made in time; try again later.');
  return new RequestError(504, 'timeout', 'The source did not come in time; try again later.', {
    cause: 'TINTYPE_TIMEOUT was over before all of it had come',
  });
}
