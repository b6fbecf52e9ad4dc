import { createHash, type Hash } from 'node:crypto';
import type { ImageRequest } from '../contracts/dialect.ts';
import { RequestError } from '../contracts/dialect.ts';
import type { EntryMetadata } from '../contracts/entry-metadata.ts';
import type { ProxyEvent } from '../contracts/observer.ts';
import type { OriginResponse } from '../contracts/origin.ts';
import type { StorageKey } from '../contracts/storage-key.ts';
import { TransformError, type Transformer, type TransformLimits } from '../contracts/transformer.ts';
import type { FlightControl, FlightWork } from './flight.ts';
import type { Intake, Place } from './intake.ts';
import type { MemoryGate } from './memory-gate.ts';
import { originProblem } from './problem.ts';
import type { ResultCache } from './results.ts';
import type { Semaphore } from './semaphore.ts';
import type { Sources } from './sources.ts';
import { Spool } from './spool.ts';

/** A variant that was just made: all of it in memory, or a source still on its way. */
export type Made = Variant | RawSource;

interface Variant {
  readonly kind: 'variant';
  /** Whether it was handed to the storage. */
  readonly stored: boolean;
  readonly bytes: Uint8Array;
  readonly metadata: EntryMetadata;
}

interface RawSource {
  readonly kind: 'raw';
  /** Whether it may be stored at all. */
  readonly storable: boolean;
  /** Whether it will be handed to the storage, as far as that is known before its end. */
  readonly stored: boolean;
  readonly spool: Spool;
  /** Bytes, where the origin told. */
  readonly size: number | undefined;
  /** With an empty `etag` where the origin gave none. */
  readonly metadata: EntryMetadata;
  /** The origin's, or made of a digest, once all of it has come; rejects if it doesn't. */
  readonly etag: Promise<string>;
}

/** What making a variant needs. */
export interface Workshop {
  readonly sources: Sources;
  readonly transformer: Transformer;
  /** Images in the making, and downloads from each host. */
  readonly intake: Intake;
  readonly transforms: Semaphore;
  /** What transforms in this process may take together. */
  readonly memory: MemoryGate;
  readonly results: ResultCache | undefined;
  readonly limits: TransformLimits;
  /** How long a result stays fresh, in milliseconds. */
  readonly ttlMs: number;
  /** Longest time from the start of the flight to its result, in milliseconds. */
  readonly timeoutMs: number;
  /** Answer only after the put has settled, and fail with it. */
  readonly reportErrors: boolean;
  readonly clock: () => number;
  readonly emit: (event: ProxyEvent) => void;
}

/** Starts making the variant `key`: fetch, transform, store. */
export function makeVariant(
  key: StorageKey,
  request: ImageRequest,
  shop: Workshop,
  control: FlightControl,
): FlightWork<Made> {
  const deadline = new AbortController();
  let waits = 0;
  const timer = setTimeout(() => deadline.abort(waits > 0 ? noRoom() : tooSlow()), shop.timeoutMs);
  const waiting: Waiting = async (room) => {
    waits++;
    try {
      return await room;
    } finally {
      waits--;
    }
  };
  const signal = AbortSignal.any([control.signal, deadline.signal]);
  const { promise: settled, resolve: settle } = Promise.withResolvers<void>();

  const make = async (): Promise<Made> => {
    let ended: Promise<unknown> = Promise.resolve();
    let place: Place | undefined;
    let isRaw = false;
    try {
      place = await waiting(shop.intake.enter(request.source, signal));
      const response = await until(signal, shop.sources.fetch(request.source, signal), discardLate);
      if (response.status !== 200) {
        await response.body.discard();
        throw answeredWith(response.status);
      }
      control.commit();
      if (request.mode === 'raw') {
        isRaw = true;
        const made = raw(key, request, shop, response, place);
        ended = keep(key, made, made.storable ? shop.results : undefined);
        return made;
      }
      const { bytes, metadata } = await transformed(request, shop, response, place, waiting, signal);
      let stored = false;
      if (shop.results) {
        stored = shop.results.objection(key, bytes.length) === undefined;
        ended = shop.results.store(key, bytes, bytes.length, metadata);
      }
      if (shop.reportErrors) await ended;
      return { kind: 'variant', stored, bytes, metadata };
    } finally {
      clearTimeout(timer);
      // A raw source keeps its place until all of it has come.
      if (!isRaw) place?.done();
      ended.catch(() => undefined).then(() => settle());
    }
  };
  return { result: make(), settled };
}

/** Counts the time until there is room as waiting: if it runs out meanwhile, too much was asked of us. */
type Waiting = <T>(room: Promise<T>) => Promise<T>;

function noRoom(): TransformError {
  return new TransformError('overloaded', 'There was no room to make the image in time; try again later.');
}

function tooSlow(): RequestError {
  return new RequestError(504, 'timeout', 'The image could not be made in time; try again later.');
}

async function transformed(
  request: ImageRequest,
  shop: Workshop,
  response: OriginResponse,
  place: Place,
  waiting: Waiting,
  signal: AbortSignal,
): Promise<{ readonly bytes: Uint8Array; readonly metadata: EntryMetadata }> {
  const spool = new Spool();
  try {
    await until(signal, pump(response, spool));
    place.downloaded();
    const leave = await waiting(shop.transforms.enter(signal));
    const transform = async () => {
      try {
        const input = await spool.bytes();
        const started = performance.now();
        const { operations, output } = request;
        const reserve = (bytes: number) => waiting(shop.memory.reserve(bytes, signal));
        const { limits } = shop;
        const done = await shop.transformer.transform({ input, operations, output, limits, signal, reserve });
        shop.emit({
          type: 'transformed',
          ms: performance.now() - started,
          bytesIn: input.length,
          bytesOut: done.body.length,
        });
        return done;
      } finally {
        // When it has really ended, also if nobody waits for it any more.
        leave();
      }
    };
    const result = await until(signal, transform());
    const etag = `"${createHash('sha256').update(result.body).digest('base64url').slice(0, 27)}"`;
    const metadata: EntryMetadata = {
      ...baseMetadata(request, shop, response),
      contentType: result.contentType,
      etag,
      width: result.width,
      height: result.height,
    };
    return { bytes: result.body, metadata };
  } catch (error) {
    await response.body.discard();
    throw error;
  } finally {
    await spool.dispose();
  }
}

function raw(
  key: StorageKey,
  request: ImageRequest,
  shop: Workshop,
  response: OriginResponse,
  place: Place,
): RawSource {
  const spool = new Spool();
  const contentType = response.headers['content-type'] ?? 'application/octet-stream';
  // A page or a feed that answers by an image's path may be somebody's own: it gets no lifetime that
  // its origin has not given it.
  const hasLifetime = contentType.toLowerCase().startsWith('image/');
  const length = Number(response.headers['content-length'] ?? Number.NaN);
  const originEtag = response.headers.etag;
  const metadata: EntryMetadata = {
    ...baseMetadata(request, shop, response),
    contentType,
    ...(hasLifetime ? {} : { freshUntil: shop.clock() }),
    // A strong tag of the origin is a strong tag of what we pass on unchanged. Without one the digest
    // is known only at the end, and takes this place when the entry is stored.
    etag: originEtag?.startsWith('"') ? originEtag : '',
  };
  const hash = metadata.etag === '' ? createHash('sha256') : undefined;
  const arrived = pump(response, spool, hash).finally(() => place.done());
  const size = Number.isSafeInteger(length) ? length : undefined;
  const stored = hasLifetime && shop.results?.objection(key, size ?? 0) === undefined;
  const etag = async (): Promise<string> => {
    await arrived;
    return hash === undefined ? metadata.etag : `"${hash.digest('base64url').slice(0, 27)}"`;
  };
  return { kind: 'raw', storable: hasLifetime, stored, spool, size, metadata, etag: etag() };
}

/** Follows a raw source to its end, and stores it. */
async function keep(key: StorageKey, made: RawSource, results: ResultCache | undefined): Promise<void> {
  const { spool } = made;
  try {
    const etag = await made.etag;
    const body = { size: spool.size, open: () => spool.read() };
    await results?.store(key, body, spool.size, { ...made.metadata, etag });
  } finally {
    // Only after the flight is forgotten and its last waiter has begun to read.
    setImmediate(() => void spool.dispose());
  }
}

function baseMetadata(request: ImageRequest, shop: Workshop, response: OriginResponse) {
  const now = shop.clock();
  const etag = response.headers.etag;
  const lastModified = response.headers['last-modified'];
  return {
    status: 200,
    storedAt: now,
    freshUntil: now + shop.ttlMs,
    source: request.source,
    ...(etag === undefined ? {} : { sourceEtag: etag }),
    ...(lastModified === undefined ? {} : { sourceLastModified: lastModified }),
  };
}

/** Moves a response into a spool, at the origin's pace, and past a hash. */
async function pump(response: OriginResponse, spool: Spool, hash?: Hash): Promise<void> {
  try {
    for await (const chunk of response.body.stream()) {
      hash?.update(chunk);
      await spool.write(chunk);
    }
    spool.end();
  } catch (error) {
    spool.fail(error);
    throw error;
  }
}

function answeredWith(status: number): RequestError {
  const { status: answer, code, message } = originProblem(status);
  return new RequestError(answer, code, message);
}

/**
 * `promise`, or the abort reason at once: a part that ignores its signal must not hang everyone.
 *
 * @param late gets what comes after that, to release what it holds.
 */
function until<T>(signal: AbortSignal, promise: Promise<T>, late?: (value: T) => void): Promise<T> {
  return new Promise((resolve, reject) => {
    const onAbort = () => {
      reject(signal.reason);
      if (late) promise.then(late, () => undefined);
    };
    if (signal.aborted) onAbort();
    else signal.addEventListener('abort', onAbort, { once: true });
    promise.then(resolve, reject).finally(() => signal.removeEventListener('abort', onAbort));
  });
}

/** A body that nobody reads would keep its file or connection until it is collected as garbage, which is fatal. */
function discardLate({ body }: OriginResponse): void {
  body.discard().catch(() => undefined);
}
