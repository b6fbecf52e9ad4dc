import { createHash } from 'node:crypto';
import { currentAge } from '@tintype/http-cache';
import { BufferedBody, StreamedBody } from '../bodies.ts';
import type { ImageRequest } from '../contracts/dialect.ts';
import type { EntryMetadata } from '../contracts/entry-metadata.ts';
import type { HttpFields } from '../contracts/http-fields.ts';
import type { ProxyEvent } from '../contracts/observer.ts';
import type { CacheStorage, GetHit } from '../contracts/storage.ts';
import { StorageError } from '../contracts/storage-error.ts';
import { type StorageKey, storageKey } from '../contracts/storage-key.ts';
import { assess, refresh, type SourceState } from '../freshness/assess.ts';
import { mayStandIn } from '../freshness/failure.ts';
import type { FreshnessPolicy } from '../freshness/policy.ts';
import { conditionsOf, type Previous, previousOf } from '../freshness/previous.ts';
import { type FreshnessRecord, readRecord, requestedAtOf } from '../freshness/record.ts';
import { type FlightControl, Flights, type FlightWork } from '../pipeline/flight.ts';
import { giveUp, pump } from '../pipeline/pump.ts';
import { isImageType } from '../pipeline/raw-source.ts';
import type { Fetched } from '../pipeline/sources.ts';
import { Spool } from '../pipeline/spool.ts';
import type { SpoolMemory } from '../pipeline/spool-memory.ts';
import type { PurgeBook } from '../purges/purge-book.ts';
import { putAgain } from '../storage/put-again.ts';

/** Longest time for a put of bytes, in milliseconds, and for a stream without progress. */
const PUT_DEADLINE_MS = 10_000;

export interface SourceCacheOptions {
  readonly storage: CacheStorage;
  /**
   * Which origins there are and what they may reach: under other rules nothing is found that was fetched
   * under these.
   */
  readonly identity: string;
  /** Bytes of the largest original that is stored. */
  readonly maxBytes: number;
  readonly lookupDeadlineMs: number;
  readonly spoolMemory: SpoolMemory;
  readonly clock: () => number;
  readonly emit: (event: ProxyEvent) => void;
  readonly purges: PurgeBook;
}

/** What an original is wanted for. */
export interface SourceUse extends Pick<ImageRequest, 'mode' | 'cachebuster'> {
  /** That of the image: how long a copy may be used for it, and whether it may at all. */
  readonly policy: FreshnessPolicy;
}

/** How an original is asked for. */
export interface SourceQuestion {
  /** Asks whether a known state of the source is still right. */
  readonly conditions: HttpFields | undefined;
  readonly signal: AbortSignal;
  readonly use: SourceUse;
}

/** Asks the origin. */
export type Ask = (conditions: HttpFields | undefined, signal: AbortSignal) => Promise<Fetched>;

/** What a flight brings: an original on its way, word that the stored one is to be used, or an answer for one only. */
type Brought =
  | { readonly kind: 'coming'; readonly head: Head; readonly spool: Spool }
  | { readonly kind: 'stored'; readonly head: Head | undefined }
  | { readonly kind: 'answer'; readonly fetched: Fetched };

/** What a flight is for. */
interface Errand {
  readonly key: StorageKey;
  readonly source: string;
  readonly previous: Previous | undefined;
  readonly ask: Ask;
  readonly use: SourceUse;
}

/** An original without its body. */
interface Head {
  readonly metadata: EntryMetadata;
  readonly requestedAt: number;
}

/**
 * Copies of originals, so that several variants of a source fetch it once. Each is asked about by its
 * own validators when its time is over; what must not be stored, is too large or broken is passed on.
 * A storage that fails costs a fetch and nothing else. ImageKit: save a copy of original images (IK11).
 */
export class SourceCache {
  readonly #options: SourceCacheOptions;
  readonly #flights = new Flights<Brought>();
  readonly #pending = new Set<Promise<unknown>>();

  constructor(options: SourceCacheOptions) {
    this.#options = options;
  }

  /** @throws what `ask` throws, where no original may stand in. */
  async fetch(source: string, { conditions, signal, use }: SourceQuestion, ask: Ask): Promise<Fetched> {
    if (!use.policy.cached) return ask(conditions, signal);
    const key = this.#keyOf(source, use);
    const flight = this.#flightOf(key);
    const hit = this.#flights.has(flight) ? undefined : await this.#lookup(key);
    if (hit !== undefined && freshUntil(hit.metadata, use) > this.#options.clock()) return this.#found(hit, conditions);
    const record = hit && readRecord(hit.metadata);
    const previous = hit && previousOf(hit, record);
    if (hit?.body.buffered === undefined) hit?.body.discard().catch(() => undefined);
    const { value, collapsed } = await this.#flights.join(flight, signal, (control) =>
      this.#bring({ key, source, previous, ask, use }, control),
    );
    if (value.kind === 'coming') {
      const { spool } = value;
      return answer(
        value.head,
        conditions,
        () =>
          new StreamedBody(
            () => spool.read(signal),
            () => undefined,
          ),
      );
    }
    if (value.kind === 'answer' && !collapsed) return value.fetched;
    if (value.kind === 'answer') return ask(conditions, signal);
    const again = await this.#lookup(key);
    // It was lost between two questions.
    if (again === undefined) return ask(undefined, signal);
    const { head } = value;
    const isSame = head !== undefined && head.metadata.etag === again.metadata.etag;
    return this.#found(again, conditions, isSame ? head : undefined);
  }

  /** Resolves when everything that was begun has ended. */
  async flush(): Promise<void> {
    await this.#flights.settled();
    while (this.#pending.size > 0) await Promise.allSettled(this.#pending);
  }

  #bring({ key, source, previous, ask, use }: Errand, control: FlightControl): FlightWork<Brought> {
    const { policy } = use;
    const { promise: settled, resolve: settle } = Promise.withResolvers<void>();
    let ended: Promise<unknown> = Promise.resolve();
    const bring = async (): Promise<Brought> => {
      try {
        let fetched = await this.#askOrStandIn(previous, ask, policy, control.signal);
        if (fetched === undefined) return { kind: 'stored', head: undefined };
        if (fetched.response.status === 304 && previous?.record !== undefined) {
          await giveUp(fetched.response);
          const head = this.#confirmed(key, previous, previous.record, fetched, policy);
          if (head !== undefined) {
            ended = head.ended;
            return { kind: 'stored', head: head.head };
          }
          fetched = await ask(undefined, control.signal);
        }
        const { response, requestedAt } = fetched;
        const { maxBytes, spoolMemory } = this.#options;
        const isImage = isImageFor(use, response.headers['content-type']);
        const assessment = response.status === 200 ? assess(response, fetched, policy, { isImage }) : undefined;
        const length = Number(response.headers['content-length'] ?? 0);
        // A copy does not say that it came with a cookie: no policy that refuses those could tell.
        const isPersonal = response.setsCookie === true && policy.http.setCookie === 'refuse';
        if (assessment === undefined || !assessment.storable || isPersonal || length > maxBytes) {
          if (previous !== undefined && (response.status === 404 || response.status === 410 || response.status === 200))
            ended = this.#remove(key, previous);
          return { kind: 'answer', fetched };
        }
        control.commit();
        const metadata = metadataOf(source, response.headers, assessment.state);
        const spool = new Spool({ memory: spoolMemory });
        ended = this.#arrive(key, fetched, metadata, spool, control.signal);
        return { kind: 'coming', head: { metadata, requestedAt }, spool };
      } finally {
        ended.catch(() => undefined).then(() => settle());
      }
    };
    return { result: bring(), settled };
  }

  /** The origin's answer; `undefined` if it has none, and the stored original may be used all the same. */
  async #askOrStandIn(
    previous: Previous | undefined,
    ask: Ask,
    policy: FreshnessPolicy,
    signal: AbortSignal,
  ): Promise<Fetched | undefined> {
    const { clock } = this.#options;
    try {
      const fetched = await ask(conditionsOf(previous), signal);
      const { status } = fetched.response;
      if (status < 500 || !mayStandIn(previous?.record, status, clock(), policy)) return fetched;
      await giveUp(fetched.response);
      return undefined;
    } catch (error) {
      if (signal.aborted || !mayStandIn(previous?.record, error, clock(), policy)) throw error;
      return undefined;
    }
  }

  #confirmed(
    key: StorageKey,
    previous: Previous,
    record: FreshnessRecord,
    fetched: Fetched,
    policy: FreshnessPolicy,
  ): { readonly head: Head; readonly ended: Promise<unknown> } | undefined {
    const refreshed = refresh(record, fetched.response, fetched, policy);
    if (refreshed.action === 'mismatch') return undefined;
    const { status, contentType, etag, source } = previous.metadata;
    const metadata: EntryMetadata = { status, contentType, etag, source, ...refreshed.state };
    const head = { metadata, requestedAt: fetched.requestedAt };
    const { storage } = this.#options;
    const isWorthIt = refreshed.action === 'update' && metadata.freshUntil > metadata.storedAt;
    if (!isWorthIt) return { head, ended: Promise.resolve() };
    const condition = { ifVersion: previous.version };
    if (!storage.capabilities.conditionalMetadata) return { head, ended: this.#putAgain(key, previous, metadata) };
    const update = storage.setMetadata(key, metadata, { condition, deadlineMs: PUT_DEADLINE_MS });
    return { head, ended: this.#watched('setMetadata', update) };
  }

  async #putAgain(key: StorageKey, previous: Previous, metadata: EntryMetadata): Promise<void> {
    const { storage, lookupDeadlineMs } = this.#options;
    const again = await putAgain(storage, key, previous, lookupDeadlineMs).catch((error: unknown) =>
      this.#failed('get', error),
    );
    if (again === undefined) return;
    const { body, condition, discard } = again;
    const { size } = previous;
    const put = storage.put(key, body, metadata, { condition, size, deadlineMs: PUT_DEADLINE_MS });
    await this.#watched('put', put.finally(discard));
  }

  /** Moves an original into its spool, from which all read, and then into the storage. */
  async #arrive(
    key: StorageKey,
    { response }: Fetched,
    metadata: EntryMetadata,
    spool: Spool,
    signal: AbortSignal,
  ): Promise<void> {
    const { storage, maxBytes } = this.#options;
    try {
      await pump(response, spool, signal);
      if (spool.size > maxBytes || spool.size > storage.capabilities.maxObjectBytes) return;
      if (this.#isPurged(key, metadata)) return;
      const body = { size: spool.size, open: () => spool.read() };
      await this.#watched('put', storage.put(key, body, metadata, { deadlineMs: PUT_DEADLINE_MS }));
      // It may have been purged while it was on its way into the storage.
      if (this.#isPurged(key, metadata)) await this.#watched('delete', storage.delete(key));
    } finally {
      setImmediate(() => spool.dispose().catch(() => undefined));
    }
  }

  async #remove(key: StorageKey, { version }: Previous): Promise<void> {
    const { storage } = this.#options;
    const condition = storage.capabilities.conditionalDelete ? { condition: { ifVersion: version } } : {};
    await this.#watched('delete', storage.delete(key, condition));
  }

  #found(hit: GetHit, conditions: HttpFields | undefined, head?: Head): Fetched {
    const known = head ?? { metadata: hit.metadata, requestedAt: requestedAt(hit.metadata) };
    const { buffered } = hit.body;
    const found = answer(known, conditions, () => (buffered === undefined ? hit.body : new BufferedBody(buffered)));
    if (found.response.status === 304) hit.body.discard().catch(() => undefined);
    return found;
  }

  async #lookup(key: StorageKey): Promise<GetHit | undefined> {
    const { storage, lookupDeadlineMs } = this.#options;
    try {
      const outcome = await storage.get(key, { deadlineMs: lookupDeadlineMs });
      if (outcome?.kind !== 'entry') return undefined;
      if (!this.#isPurged(key, outcome.metadata)) return outcome;
      outcome.body.discard().catch(() => undefined);
      return undefined;
    } catch (error) {
      this.#failed('get', error);
      return undefined;
    }
  }

  async #watched(operation: string, work: Promise<unknown>): Promise<void> {
    this.#pending.add(work);
    try {
      await work;
    } catch (error) {
      if (!(StorageError.is(error) && error.code === 'precondition-failed')) this.#failed(operation, error);
    } finally {
      this.#pending.delete(work);
    }
  }

  #failed(operation: string, error: unknown): void {
    const code = StorageError.is(error) ? error.code : 'internal';
    const message = error instanceof Error ? error.message : String(error);
    this.#options.emit({ type: 'cache-error', operation: `source ${operation}`, code, message });
  }

  /** Whether an original was asked for before it was purged. */
  #isPurged(key: StorageKey, metadata: EntryMetadata): boolean {
    const { purges, storage } = this.#options;
    if (purges.isEmpty) return false;
    const isOwn = storage.capabilities.readConsistency.scope === 'instance';
    return purges.isPurged({ key, source: metadata.source, requestedAt: requestedAtOf(metadata) }, isOwn);
  }

  /** The flight for a key that may be joined: none that was begun before it was purged. */
  #flightOf(key: StorageKey): string {
    const era = this.#options.purges.eraOf(key);
    return era === 0 ? key : `${key}|${era}`;
  }

  /** A cache buster asks past the copies that were made without it. */
  #keyOf(source: string, { cachebuster }: SourceUse): StorageKey {
    const parts = [this.#options.identity, source, ...(cachebuster === '' ? [] : [cachebuster])];
    const hash = createHash('sha256').update(parts.join('\n')).digest('hex').slice(0, 40);
    return storageKey(`originals/v1/${hash.slice(0, 2)}/${hash.slice(2)}`);
  }
}

function metadataOf(source: string, headers: HttpFields, state: SourceState): EntryMetadata {
  return {
    status: 200,
    contentType: headers['content-type'] ?? 'application/octet-stream',
    etag: headers.etag ?? '',
    source,
    ...state,
  };
}

/** Whether only an image is made of it, or it is passed on and says that it is one. */
function isImageFor({ mode }: SourceUse, contentType: string | undefined): boolean {
  return mode === 'transform' || isImageType(contentType);
}

/**
 * Until when a copy may be used for an image: by that image's own policy, whatever the one was by which the
 * copy was stored. What is made of the copy ends at the same moment, so that it is never born too old.
 */
function freshUntil(metadata: EntryMetadata, use: SourceUse): number {
  if (readRecord(metadata) === undefined) return 0;
  const head = { metadata, requestedAt: requestedAt(metadata) };
  const { response, ...times } = answer(head, undefined, () => new BufferedBody(new Uint8Array(0)));
  const isImage = isImageFor(use, metadata.contentType);
  const { storable, state } = assess(response, times, use.policy, { isImage });
  return storable ? state.freshUntil : 0;
}

function requestedAt(metadata: EntryMetadata): number {
  return readRecord(metadata)?.freshness.requestedAt ?? metadata.storedAt;
}

/**
 * An original as its origin answered it: with the times of then and the age that it had, so that what is
 * made of it lives as long as the original. Who has the same already gets 304.
 */
function answer(head: Head, conditions: HttpFields | undefined, body: () => Fetched['response']['body']): Fetched {
  const { metadata, requestedAt } = head;
  const { storedAt: receivedAt, bornAt = receivedAt, sourceEtag, sourceLastModified } = metadata;
  const fields = readRecord(metadata)?.fields ?? [];
  const headers: Record<string, string> = { ...Object.fromEntries(fields), 'content-type': metadata.contentType };
  if (bornAt < receivedAt) headers.age = String(currentAge(bornAt, receivedAt));
  if (sourceEtag !== undefined) headers.etag = sourceEtag;
  if (sourceLastModified !== undefined) headers['last-modified'] = sourceLastModified;
  const tag = conditions?.['if-none-match'];
  const date = conditions?.['if-modified-since'];
  const isSame = tag === undefined ? date !== undefined && date === sourceLastModified : tag === sourceEtag;
  const response = isSame
    ? { status: 304, headers, body: new BufferedBody(new Uint8Array(0)) }
    : { status: 200, headers, body: body() };
  return { response, requestedAt, receivedAt };
}
