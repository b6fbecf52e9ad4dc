import { createHash } from 'node:crypto';
import type { ImageRequest } from '../contracts/dialect.ts';
import { RequestError } from '../contracts/dialect.ts';
import type { EntryMetadata } from '../contracts/entry-metadata.ts';
import type { ProxyEvent } from '../contracts/observer.ts';
import type { OriginResponse } from '../contracts/origin.ts';
import type { StorageKey } from '../contracts/storage-key.ts';
import { TransformError, type Transformer, type TransformLimits } from '../contracts/transformer.ts';
import { entryOf } from './entry-of.ts';
import type { FlightControl, FlightWork } from './flight.ts';
import type { Intake, Place } from './intake.ts';
import type { MemoryGate } from './memory-gate.ts';
import { originProblem } from './problem.ts';
import { giveUp, pump, until } from './pump.ts';
import { passOn, type RawSource, type Relay } from './raw-source.ts';
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

/** What making a variant needs. */
export interface Workshop extends Relay {
  readonly sources: Sources;
  readonly transformer: Transformer;
  /** Images in the making, and downloads from each host. */
  readonly intake: Intake;
  readonly transforms: Semaphore;
  /** What transforms in this process may take together. */
  readonly memory: MemoryGate;
  readonly limits: TransformLimits;
  /** Answer only after the put has settled, and fail with it. */
  readonly reportErrors: boolean;
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
  let waitedMs = 0;
  const onTimeout = () => deadline.abort(waits > 0 ? noRoom() : tooSlow());
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
    let place: Place | undefined;
    let isRaw = false;
    try {
      place = await waiting(shop.intake.enter(request.source, request.mode, signal));
      const response = await until(signal, shop.sources.fetch(request.source, signal), giveUp);
      if (response.status !== 200) {
        giveUp(response);
        throw answeredWith(response.status);
      }
      control.commit();
      if (request.mode === 'raw') {
        const raw = passOn({ key, request, response, place, signal, control }, shop);
        isRaw = true;
        ended = raw.ended;
        return raw.made;
      }
      const { bytes, metadata } = await transformed(request, shop, response, place, waiting, signal);
      let stored = false;
      // What is stale at once would be stored for nothing.
      if (shop.results && shop.ttlMs > 0) {
        stored = shop.results.objection(key, bytes.length) === undefined;
        ended = shop.results.store(key, bytes, bytes.length, metadata);
      }
      if (shop.reportErrors) await ended;
      return { kind: 'variant', stored, bytes, metadata };
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
  const spool = new Spool({ memory: shop.spoolMemory });
  try {
    const downloading = performance.now();
    await pump(response, spool, signal);
    place.downloaded();
    shop.emit({ type: 'downloaded', ms: performance.now() - downloading, bytes: spool.size });
    const leave = await waiting(shop.transforms.enter(signal));
    const transform = async () => {
      try {
        const input = await spool.bytes();
        dispose(spool);
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
      ...entryOf(request, response, shop.clock(), shop.ttlMs),
      contentType: result.contentType,
      etag,
      width: result.width,
      height: result.height,
    };
    return { bytes: result.body, metadata };
  } finally {
    dispose(spool);
  }
}

/** Nobody waits for a disk. */
function dispose(spool: Spool): void {
  spool.dispose().catch(() => undefined);
}

function answeredWith(status: number): RequestError {
  const { status: answer, code, message } = originProblem(status);
  return new RequestError(answer, code, message);
}
