import {
  type CacheEntry,
  decideFailure,
  decideStore,
  type FieldPair,
  type FreshenDecision,
  fieldValue,
  freshen,
  hasField,
  jittered,
  type Policy,
  type RequestHead,
  revalidationFields,
  unconditionalFields,
  withoutFields,
} from '@tintype/http-cache';
import { OriginError } from '../contracts/origin.ts';
import type { StorageKey } from '../contracts/storage-key.ts';
import { TransformError } from '../contracts/transformer.ts';
import { firstOf } from '../pipeline/first-of.ts';
import type { FlightControl, FlightWork } from '../pipeline/flight.ts';
import { watchPace } from '../pipeline/pace.ts';
import { pump } from '../pipeline/pump.ts';
import { Spool } from '../pipeline/spool.ts';
import type { SpoolMemory } from '../pipeline/spool-memory.ts';
import { type EndpointPolicies, policyFor } from './endpoint.ts';
import { saysHowLong } from './failures.ts';
import type { Landing } from './landing.ts';
import { discard, type OriginAnswer, type OriginChain } from './origin-chain.ts';
import type { StoredResponse, StoredResponses } from './stored-responses.ts';

/** What fetching for an endpoint needs. */
export interface FetchingParts {
  readonly endpoint: EndpointPolicies;
  readonly chain: OriginChain;
  readonly stored: StoredResponses;
  readonly spoolMemory: SpoolMemory;
  /** Bytes that a response to be kept may have. */
  readonly maxBytes: number;
  /** How long a response to be kept may take from its header on, however slowly it comes, in milliseconds. */
  readonly timeoutMs: number;
  /** After how long without an answer origins that several wait for are asked once more; `Infinity` for never. */
  readonly askAgainMs: number;
  /** Share of a lifetime by which it is shortened at random. */
  readonly jitter: number;
  readonly clock: () => number;
}

/** A request for which the origins must be asked. */
export interface Wanted {
  readonly rest: string;
  readonly primary: StorageKey;
  /** As they will be passed on. */
  readonly fields: readonly FieldPair[];
  readonly hadCookies: boolean;
  /** The stored response that isn't fresh enough; its body is left alone. */
  readonly stale: StoredResponse | undefined;
  /** Ask exactly what the client asked, its conditions and ranges too, so that the answer is for it alone. */
  readonly verbatim: boolean;
  /** Nobody waits for it but requests that have joined it meanwhile: unless there are some it waits for no place. */
  readonly isBackground?: boolean;
}

/** Asks the origins, and stores what others may have. */
export function fetching(wanted: Wanted, parts: FetchingParts, control: FlightControl): FlightWork<Landing> {
  const { promise: settled, resolve: settle } = Promise.withResolvers<void>();
  const work = async (): Promise<Landing> => {
    let ended: Promise<unknown> = Promise.resolve();
    try {
      return await new Fetch(wanted, parts, control, (end) => {
        ended = end;
      }).run();
    } finally {
      ended.catch(() => undefined).then(() => settle());
    }
  };
  return { result: work(), settled };
}

class Fetch {
  readonly #wanted: Wanted;
  readonly #parts: FetchingParts;
  readonly #control: FlightControl;
  readonly #goesOn: (end: Promise<unknown>) => void;
  readonly #asked: RequestHead & { readonly fields: readonly FieldPair[] };

  constructor(wanted: Wanted, parts: FetchingParts, control: FlightControl, goesOn: (end: Promise<unknown>) => void) {
    this.#wanted = wanted;
    this.#parts = parts;
    this.#control = control;
    this.#goesOn = goesOn;
    this.#asked = { method: 'GET', fields: wanted.verbatim ? wanted.fields : unconditionalFields(wanted.fields) };
  }

  async run(): Promise<Landing> {
    const { stale } = this.#wanted;
    const { policy } = this.#parts.endpoint;
    try {
      let answer = await this.#ask(stale);
      if (answer.status === 304 && answer.validated && stale !== undefined) {
        const validated = this.#validated(stale, answer);
        if (validated !== undefined) return validated;
        // It spoke of another representation.
        answer = await this.#ask(undefined);
      }
      const { fields } = this.#asked;
      const failed = decideFailure(stale?.entry.freshness, answer.status, fields, answer.receivedAt, policy);
      if (failed.action === 'serve') {
        discard(answer);
        return { kind: 'failed', failure: answer.status, saysHowLong: saysHowLong(answer.fields) };
      }
      return this.#land(answer);
    } catch (error) {
      if (this.#control.signal.aborted) throw error;
      // Our own overload is a 503 like any other: what is stale may stand in for it.
      if (TransformError.is(error)) return { kind: 'failed', failure: 503, error };
      if (!OriginError.is(error)) throw error;
      return { kind: 'failed', failure: 'disconnected', error };
    }
  }

  #ask(stale: StoredResponse | undefined): Promise<OriginAnswer> {
    const { rest } = this.#wanted;
    const { fields } = this.#asked;
    const validators =
      stale === undefined ? undefined : { source: stale.source, fields: revalidationFields(stale.entry.fields) };
    const { chain, askAgainMs } = this.#parts;
    const { signal } = this.#control;
    // The wait for a place at the origin says nothing of the origin.
    const { promise: begun, resolve: onTurn } = Promise.withResolvers<void>();
    const mayWait = this.#wanted.isBackground === true ? () => this.#control.waiters > 1 : undefined;
    const question = { method: 'GET', rest, fields, validators, onTurn, mayWait };
    const attempt = (own: AbortSignal) => chain.ask({ ...question, signal: own });
    if (!Number.isFinite(askAgainMs)) return attempt(signal);
    return firstOf(attempt, { signal, afterMs: askAgainMs, begun, waiting: this.#control, release: discard });
  }

  /** `undefined` if the 304 isn't about the stored response. RFC 9111 §4.3.4. */
  #validated(stale: StoredResponse, answer: OriginAnswer): Landing | undefined {
    discard(answer);
    const { stored } = this.#parts;
    const { requestedAt, receivedAt } = answer;
    // Asked about a single tag, the origin has said that it is still the one: another beside that is a
    // contradiction, and no reason to fetch everything again.
    const fields = hasField(stale.entry.fields, 'etag') ? withoutFields(answer.fields, TAG) : answer.fields;
    const validation = { request: this.#asked, fields, requestedAt, receivedAt };
    const { endpoint } = this.#parts;
    const decision = freshen(stale.entry, validation, this.#policyFor(stale.entry.fields));
    if (decision.action === 'mismatch') return undefined;
    if (decision.action === 'update') {
      const entry = this.#jittered(decision.entry);
      this.#control.commit();
      this.#goesOn(stored.freshen(stale, entry));
      return { kind: 'validated', key: stale.key, version: stale.version, entry };
    }
    const { entry } = decision;
    // That a client sent cookies is no reason to take a response from those who send none.
    const others = (): boolean =>
      mustGo(freshen(stale.entry, validation, policyFor(endpoint, stale.entry.fields, false)));
    if (mustGo(decision) && (!this.#wanted.hadCookies || others())) this.#goesOn(stored.remove(stale.key));
    return { kind: 'once', entry, reason: decision.reason };
  }

  #land(answer: OriginAnswer): Landing {
    const { stored, maxBytes, spoolMemory, timeoutMs } = this.#parts;
    const { status, fields, requestedAt, receivedAt } = answer;
    const exchange = { request: this.#asked, response: { status, fields }, requestedAt, receivedAt };
    const decision = decideStore(exchange, this.#policyFor(fields));
    if (!decision.store) return { kind: 'private', answer, reason: decision.reason };
    const length = Number(fieldValue(fields, 'content-length') ?? Number.NaN);
    const size = Number.isSafeInteger(length) && length >= 0 ? length : undefined;
    const limit = Math.min(maxBytes, stored.maxBytes);
    if (size !== undefined && size > limit) {
      return { kind: 'private', answer, reason: 'too-large' };
    }
    const entry = this.#jittered(decision.entry);
    this.#control.commit();
    const isTooLong = (): boolean => spool.isOpen && spool.size > limit;
    // What is too long to be kept is for those alone who read it by now.
    const lookLater = (): void => {
      if (!isTooLong()) return;
      this.#control.close();
      // Not at once: who waits for the header begins to read before the next turn.
      setImmediate(() => {
        if (!isTooLong()) return;
        if (spool.readers > 0) {
          spool.follow();
          // From here on it comes at the pace of those readers, and others needn't wait for them.
          answer.leave();
        } else this.#control.cancel(new Error('Nobody reads this response, and it is too long to be kept.'));
      });
    };
    const spool = new Spool({ memory: spoolMemory, onUnread: lookLater });
    const tooSlow = new OriginError('timeout', 'The response comes too slowly.');
    const stopWatching = watchPace(spool, timeoutMs, () => this.#control.cancel(tooSlow));
    const arrive = async (): Promise<void> => {
      try {
        const response = { status, headers: {}, body: answer.body };
        await pump(response, spool, this.#control.signal, { update: lookLater }).finally(stopWatching);
        const { part } = entry;
        // A part must be as long as its place says, and nothing longer than allowed is kept.
        const isWhole = part === undefined || part.last - part.first + 1 === spool.size;
        if (!isWhole || spool.size > limit) return;
        const body = { size: spool.size, open: () => spool.read() };
        await stored.store(this.#wanted.primary, entry, body, spool.size, answer.source);
      } finally {
        // Only after the flight is forgotten and its last waiter has begun to read.
        setImmediate(() => spool.dispose().catch(() => undefined));
      }
    };
    this.#goesOn(arrive());
    return { kind: 'shared', answer, entry, spool, size };
  }

  /** So that what came together does not expire together. */
  #jittered(entry: CacheEntry): CacheEntry {
    const { jitter } = this.#parts;
    return jitter === 0 ? entry : { ...entry, freshness: jittered(entry.freshness, jitter, Math.random()) };
  }

  #policyFor(fields: readonly FieldPair[]): Policy {
    return policyFor(this.#parts.endpoint, fields, this.#wanted.hadCookies);
  }
}

/** Whether nobody may have the stored response any more. */
export function mustGo(decision: FreshenDecision | undefined): boolean {
  return decision === undefined || (decision.action === 'serve-once' && decision.evict);
}

const TAG: ReadonlySet<string> = new Set(['etag']);
