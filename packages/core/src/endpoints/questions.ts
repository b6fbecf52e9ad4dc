import type { StatusSeconds } from '@tintype/http-cache';
import { hasField } from '@tintype/http-cache';
import { LRUCache } from 'lru-cache';
import type { ProxyEvent } from '../contracts/observer.ts';
import { PERSONAL } from '../freshness/assess.ts';
import { ShedError } from '../pipeline/background.ts';
import { Flights } from '../pipeline/flight.ts';
import type { Endpoint } from './endpoint.ts';
import { type Asked, Failures, type RememberedFailure } from './failures.ts';
import { type FetchingParts, fetching, type Wanted } from './fetching.ts';
import type { Landing } from './landing.ts';
import { discard } from './origin-chain.ts';
import { among, groupOf, type Passing } from './passing.ts';
import type { StoredResponse } from './stored-responses.ts';

/** Flights whose last response was for one client alone, and for how long nobody waits for another's, in milliseconds. */
const UNSHARED = { max: 10_000, ttl: 60_000 };

export interface QuestionsOptions extends FetchingParts {
  readonly endpoint: Endpoint;
  /** For how many seconds failures of the origins are remembered, by status, where the endpoint doesn't say. */
  readonly failureTtl: StatusSeconds;
  readonly emit: (event: ProxyEvent) => void;
}

/** What was asked, by which of the requests for the same. */
type Asking = Pick<Passing, 'primary' | 'hadCookies'>;

/** Questions to an endpoint's origins: those under way, which others may wait for, and those that failed lately. */
export class Questions {
  readonly #options: QuestionsOptions;
  readonly flights: Flights<Landing> = new Flights();
  readonly #unshared = new LRUCache<string, true>(UNSHARED);
  readonly #failures: Failures;
  #alone = 0;

  constructor(options: QuestionsOptions) {
    this.#options = options;
    this.#failures = new Failures(options.endpoint.policy, options.failureTtl);
  }

  /** Resolves when nothing is in flight and nothing waits for the storage. */
  async close(timeoutMs: number): Promise<void> {
    const timer = setTimeout(() => this.flights.abort(new Error('The proxy was closed.')), timeoutMs);
    await this.flights.settled();
    clearTimeout(timer);
  }

  /** The flight for a key that this request may join: none that was begun before its URL was invalidated. RFC 9111 §4.4. */
  keyOf({ primary, hadCookies }: Asking, key: string): string {
    const era = this.#options.stored.eraOf(primary);
    return among({ hadCookies }, era === 0 ? key : `${key}|${era}`);
  }

  /** Whether a request must not wait for others, nor others for it: what it brings is expected to be its own. */
  isOwn(passing: Passing): boolean {
    return hasField(passing.fields, 'authorization') || this.#unshared.has(groupOf(passing));
  }

  failedLately(passing: Passing): RememberedFailure | undefined {
    return this.#failures.get(this.#asked(passing), this.#options.clock());
  }

  /** @param group what is remembered as unshared if the answer is for one alone; none for who asked alone. */
  join(
    key: string,
    wanted: Wanted,
    signal: AbortSignal,
    group?: string,
  ): Promise<{ readonly value: Landing; readonly collapsed: boolean }> {
    const asked = this.#asked(wanted);
    return this.flights.join(key, signal, (control) => {
      const work = fetching(wanted, this.#options, control);
      work.result.then(
        (landing) => {
          this.#failures.note(asked, landing, this.#options.clock());
          if (landing.kind === 'private') this.#keepPrivate(landing, signal, group);
          else if (landing.kind === 'shared' && group !== undefined) this.#unshared.delete(group);
        },
        () => undefined,
      );
      return work;
    });
  }

  /** Asks for one request alone: nobody else waits for it. */
  async joinAlone(passing: Passing, wanted: Wanted): Promise<Landing> {
    this.#alone += 1;
    const { value } = await this.join(`${passing.primary}|alone ${this.#alone}`, wanted, passing.request.signal);
    return value;
  }

  /** Gets a new response behind the back of the one that was served. RFC 5861 §3. */
  refresh(passing: Passing, response: StoredResponse): void {
    const key = this.keyOf(passing, response.key);
    if (this.flights.has(key) || this.failedLately(passing) !== undefined) return;
    const nobody = new AbortController().signal;
    const wanted = { ...wantedBy(passing, response, false), isBackground: true };
    // What is for one client's credentials says nothing of what others get.
    const group = hasField(passing.fields, 'authorization') ? undefined : groupOf(passing);
    this.join(key, wanted, nobody, group)
      .then(
        ({ value }) => {
          if (value.kind === 'private') discard(value.answer);
          return outcomeOf(value);
        },
        () => 'failed' as const,
      )
      .then((outcome) => this.#options.emit({ type: 'revalidated', outcome, background: true }));
  }

  #asked({ primary, fields, hadCookies }: Pick<Passing, 'primary' | 'fields' | 'hadCookies'>): Asked {
    return { key: this.keyOf({ primary, hadCookies }, primary), fields };
  }

  /**
   * A response for one client is given up with that client, and nobody waits for the next one if that is
   * what the origin wants: an error says nothing of what comes after it, nor does an answer to a request
   * that nobody could have waited for.
   */
  #keepPrivate(
    { answer, reason }: Landing & { kind: 'private' },
    signal: AbortSignal,
    group: string | undefined,
  ): void {
    const isLasting = reason === 'too-large' || reason === 'no-lifetime' ? answer.status < 400 : PERSONAL.has(reason);
    if (isLasting && group !== undefined) this.#unshared.set(group, true);
    answer.leave();
    if (signal.aborted) discard(answer);
    else signal.addEventListener('abort', () => discard(answer), { once: true });
  }
}

/** @param verbatim ask exactly what the client asked. */
export function wantedBy(
  { rest, primary, fields, hadCookies }: Passing,
  stale: StoredResponse | undefined,
  verbatim: boolean,
): Wanted {
  return { rest, primary, fields, hadCookies, stale, verbatim };
}

/** What a refresh in the background has come to. */
function outcomeOf(landing: Landing): (ProxyEvent & { readonly type: 'revalidated' })['outcome'] {
  switch (landing.kind) {
    case 'validated':
    case 'once':
      return 'same';
    case 'failed':
      return landing.error instanceof ShedError ? 'shed' : 'failed';
    default:
      return 'changed';
  }
}
