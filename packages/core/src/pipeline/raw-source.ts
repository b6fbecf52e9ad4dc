import { createHash } from 'node:crypto';
import type { ImageRequest } from '../contracts/dialect.ts';
import type { EntryMetadata } from '../contracts/entry-metadata.ts';
import { OriginError, type OriginResponse } from '../contracts/origin.ts';
import type { StorageKey } from '../contracts/storage-key.ts';
import type { Assessment } from '../freshness/assess.ts';
import { entryOf } from './entry-of.ts';
import type { FlightControl } from './flight.ts';
import type { Place } from './intake.ts';
import { watchPace } from './pace.ts';
import { pump } from './pump.ts';
import type { ResultCache } from './results.ts';
import { Spool } from './spool.ts';
import type { SpoolMemory } from './spool-memory.ts';

/**
 * Bytes of a raw source that stay in memory. Its readers and the storage follow it at their own pace, so
 * what was kept lives as long as the slowest of them; the rest is in the page cache all the same.
 */
const KEPT_BYTES = 1024 * 1024;

/** A source that is passed on unchanged, while it is still on its way. */
export interface RawSource {
  readonly kind: 'raw';
  /** Whether it will be handed to the storage, as far as that is known before its end. */
  readonly stored: boolean;
  readonly spool: Spool;
  /** Bytes, where the origin told. */
  readonly size: number | undefined;
  /** With an empty `etag` where the origin gave none. */
  readonly metadata: EntryMetadata;
  readonly shareable: boolean;
  readonly refusal?: string | undefined;
  readonly originStatus: 200;
}

/** What passing a source on needs. */
export interface Relay {
  readonly spoolMemory: SpoolMemory;
  readonly results: ResultCache | undefined;
  /**
   * Longest time from the start of a flight to its result, in milliseconds; and how long a raw source may
   * take from then on, however slowly it comes.
   */
  readonly timeoutMs: number;
  readonly clock: () => number;
}

/** A source whose header has come. */
export interface Arrival {
  readonly key: StorageKey;
  readonly request: ImageRequest;
  readonly response: OriginResponse;
  readonly assessment: Assessment;
  /** Left when all of it has come, or nothing more will. */
  readonly place: Place;
  readonly signal: AbortSignal;
  readonly control: Pick<FlightControl, 'cancel'>;
}

/**
 * Passes a source on to its readers, and then to the storage. It is cancelled when it comes more slowly
 * than `watchPace` allows, and when its last reader has left unless the storage will take it: what was
 * begun is then finished for those who come next.
 *
 * @returns `ended` settles when it has come and was stored; it rejects where either fails.
 */
export function passOn(
  { key, request, response, assessment, place, signal, control }: Arrival,
  relay: Relay,
): { readonly made: RawSource; readonly ended: Promise<void> } {
  const contentType = response.headers['content-type'] ?? 'application/octet-stream';
  const results = assessment.storable ? relay.results : undefined;
  const originEtag = response.headers.etag;
  const metadata: EntryMetadata = {
    ...entryOf(request, assessment.state),
    contentType,
    // A strong tag of the origin is a strong tag of what we pass on unchanged. Without one the digest
    // is known only at the end, and takes this place when the entry is stored.
    etag: originEtag?.startsWith('"') ? originEtag : '',
  };
  const length = Number(response.headers['content-length'] ?? Number.NaN);
  const size = Number.isSafeInteger(length) ? length : undefined;

  const willBeStored = (bytes: number) => results !== undefined && results.objection(key, bytes) === undefined;
  const stopIfUnwanted = () => {
    if (!spool.isOpen || spool.readers > 0 || willBeStored(spool.size)) return;
    control.cancel(new Error('Nobody reads this source any more.'));
  };
  // Not at once: who has joined by now begins to read before the next turn. The first look is for those
  // who left before it came, or wanted nothing but its header.
  const lookLater = () => void setImmediate(stopIfUnwanted);
  const spool = new Spool({ memory: relay.spoolMemory, memoryBytes: KEPT_BYTES, onUnread: lookLater });
  lookLater();

  const hash = metadata.etag === '' ? createHash('sha256') : undefined;
  const stopWatching = watchPace(spool, relay.timeoutMs, () => control.cancel(tooSlow()));
  const arrive = async (): Promise<void> => {
    try {
      await pump(response, spool, signal, hash);
    } finally {
      stopWatching();
      place.done();
    }
  };
  const ended = async (): Promise<void> => {
    try {
      await arrive();
      const etag = hash === undefined ? metadata.etag : `"${hash.digest('base64url').slice(0, 27)}"`;
      const body = { size: spool.size, open: () => spool.read() };
      await results?.store(key, body, spool.size, { ...metadata, etag });
    } finally {
      // Only after the flight is forgotten and its last waiter has begun to read.
      setImmediate(() => spool.dispose().catch(() => undefined));
    }
  };
  const { shareable, refusal } = assessment;
  const stored = willBeStored(size ?? 0);
  const made: RawSource = { kind: 'raw', stored, spool, size, metadata, shareable, refusal, originStatus: 200 };
  return { made, ended: ended() };
}

/**
 * Whether a source says that it is an image. A page or a feed that answers by an image's path may be
 * somebody's own: it gets no lifetime that its origin has not given it.
 */
export function isImageType(contentType: string | undefined): boolean {
  return contentType?.toLowerCase().startsWith('image/') ?? false;
}

function tooSlow(): OriginError {
  return new OriginError('timeout', 'The source comes too slowly.');
}
