import { createHash } from 'node:crypto';
import { BufferedBody, StreamedBody } from '../bodies.ts';
import type { EntryMetadata } from '../contracts/entry-metadata.ts';
import type { HttpFields } from '../contracts/http-fields.ts';
import type { GetHit } from '../contracts/storage.ts';
import { type StorageKey, storageKey } from '../contracts/storage-key.ts';
import { assess, refresh } from '../freshness/assess.ts';
import { mayStandIn } from '../freshness/failure.ts';
import type { FreshnessPolicy } from '../freshness/policy.ts';
import { conditionsOf, type Previous, previousOf } from '../freshness/previous.ts';
import { type FreshnessRecord, readRecord } from '../freshness/record.ts';
import { type FlightControl, Flights, type FlightWork } from '../pipeline/flight.ts';
import { giveUp, pump } from '../pipeline/pump.ts';
import type { Fetched } from '../pipeline/sources.ts';
import { Spool } from '../pipeline/spool.ts';
import type { SpoolMemory } from '../pipeline/spool-memory.ts';
import { answer, freshUntil, type Head, isImageFor, metadataOf, requestedAt, type SourceUse } from './original.ts';
import { SCHEMA } from './original-key.ts';
import { StoredOriginals, type StoredOriginalsOptions } from './stored-originals.ts';

export interface SourceCacheOptions extends StoredOriginalsOptions {
  /**
   * Which origins there are and what they may reach: under other rules nothing is found that was fetched
   * under these.
   */
  readonly identity: string;
  /** Bytes of the largest original that is stored. */
  readonly maxBytes: number;
  readonly spoolMemory: SpoolMemory;
  readonly clock: () => number;
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

/**
 * Copies of originals, so that several variants of a source fetch it once. Each is asked about by its
 * own validators when its time is over; what must not be stored, is too large or broken is passed on.
 * A storage that fails costs a fetch and nothing else. ImageKit: save a copy of original images (IK11).
 */
export class SourceCache {
  readonly #options: SourceCacheOptions;
  readonly #flights = new Flights<Brought>();
  readonly #stored: StoredOriginals;

  constructor(options: SourceCacheOptions) {
    this.#options = options;
    this.#stored = new StoredOriginals(options);
  }

  /** @throws what `ask` throws, where no original may stand in. */
  async fetch(source: string, { conditions, signal, use }: SourceQuestion, ask: Ask): Promise<Fetched> {
    if (!use.policy.cached) return ask(conditions, signal);
    const key = this.#keyOf(source, use);
    const flight = this.#flightOf(key);
    const hit = this.#flights.has(flight) ? undefined : await this.#stored.find(key);
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
    const again = await this.#stored.find(key);
    // It was lost between two questions.
    if (again === undefined) return ask(undefined, signal);
    const { head } = value;
    return this.#found(again, conditions, head !== undefined && isSame(head, again) ? head : undefined);
  }

  /** Resolves when everything that was begun has ended. */
  async flush(): Promise<void> {
    await this.#flights.settled();
    await this.#stored.flush();
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
            ended = this.#stored.remove(key, previous);
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
    const isWorthIt = refreshed.action === 'update' && metadata.freshUntil > metadata.storedAt;
    return { head, ended: isWorthIt ? this.#stored.refresh(key, previous, metadata) : Promise.resolve() };
  }

  /** Moves an original into its spool, from which all read, and then into the storage. */
  async #arrive(
    key: StorageKey,
    { response }: Fetched,
    metadata: EntryMetadata,
    spool: Spool,
    signal: AbortSignal,
  ): Promise<void> {
    const { maxBytes } = this.#options;
    try {
      await pump(response, spool, signal);
      if (spool.size > Math.min(maxBytes, this.#stored.maxBytes)) return;
      await this.#stored.store(key, { size: spool.size, open: () => spool.read() }, metadata);
    } finally {
      setImmediate(() => spool.dispose().catch(() => undefined));
    }
  }

  #found(hit: GetHit, conditions: HttpFields | undefined, head?: Head): Fetched {
    const known = head ?? { metadata: hit.metadata, requestedAt: requestedAt(hit.metadata) };
    const { buffered } = hit.body;
    const found = answer(known, conditions, () => (buffered === undefined ? hit.body : new BufferedBody(buffered)));
    if (found.response.status === 304) hit.body.discard().catch(() => undefined);
    return found;
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
    return storageKey(`${SCHEMA}/${hash.slice(0, 2)}/${hash.slice(2)}`);
  }
}

/** Whether what was confirmed is still what lies there: another may have taken its place. */
function isSame({ metadata }: Head, { metadata: found }: GetHit): boolean {
  return metadata.etag === found.etag && metadata.sourceLastModified === found.sourceLastModified;
}
