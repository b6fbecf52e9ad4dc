import {
  decideFailure,
  decideServe,
  type ForwardReason,
  fieldLines,
  freshenByHead,
  hasField,
  invalidationTargets,
  isNoCache,
  parseCacheControl,
  remainingTtl,
  type ServeDecision,
  type StatusSeconds,
  secondaryKey,
  varyKey,
  varyMatches,
} from '@tintype/http-cache';
import { LRUCache } from 'lru-cache';
import { RequestError } from '../contracts/dialect.ts';
import type { ProxyEvent } from '../contracts/observer.ts';
import type { ProxyRequest, ProxyResponse } from '../contracts/proxy.ts';
import { PERSONAL } from '../freshness/assess.ts';
import { ShedError } from '../pipeline/background.ts';
import { Flights } from '../pipeline/flight.ts';
import { problemOf } from '../pipeline/problem.ts';
import { Answers } from './answers.ts';
import { type Endpoint, policyFor } from './endpoint.ts';
import { type Asked, Failures, type RememberedFailure } from './failures.ts';
import { type FetchingParts, fetching, mustGo, type Wanted } from './fetching.ts';
import { forwardedFields, passedFields } from './fields.ts';
import type { Landing } from './landing.ts';
import { discard, type OriginChain } from './origin-chain.ts';
import { type Handling, passedAnswer, problemAnswer } from './passed-answer.ts';
import { among, groupOf, hasNoContent, hopsOf, insists, isParticular, type Passing } from './passing.ts';
import { primaryKey, urlPrefix } from './response-key.ts';
import type { StoredResponse, StoredResponses } from './stored-responses.ts';

/** Flights whose last response was for one client alone, and for how long nobody waits for another's, in milliseconds. */
const UNSHARED = { max: 10_000, ttl: 60_000 };

export interface PassThroughOptions extends Omit<FetchingParts, 'endpoint' | 'stored'> {
  readonly endpoint: Endpoint;
  readonly chain: OriginChain;
  /** Without it nothing is kept. */
  readonly stored: StoredResponses | undefined;
  /** This proxy's name in `Via` and `CDN-Loop`. */
  readonly pseudonym: string;
  /** For how many seconds failures of the origins are remembered, by status, where the endpoint doesn't say. */
  readonly failureTtl: StatusSeconds;
  /** The status of answers that there is no room for. */
  readonly overloadStatus: number;
  readonly emit: (event: ProxyEvent) => void;
}

/** An endpoint without a dialect: a plain HTTP cache before its origins. RFC 9111. */
export class PassThrough {
  readonly #options: PassThroughOptions;
  /** What tells this endpoint's entries from another's. */
  readonly #identity: string;
  readonly #flights = new Flights<Landing>();
  readonly #unshared = new LRUCache<string, true>(UNSHARED);
  readonly #failures: Failures;
  readonly #answers: Answers;
  #alone = 0;

  constructor(options: PassThroughOptions) {
    this.#options = options;
    this.#failures = new Failures(options.endpoint.policy, options.failureTtl);
    this.#answers = new Answers(options);
    const { prefix, origins } = options.endpoint;
    this.#identity = [prefix, ...origins.map(({ base }) => base)].join(' ');
  }

  /**
   * Answers; never rejects.
   *
   * @param rest path and query below the endpoint, beginning with a slash.
   */
  async handle(request: ProxyRequest, rest: string): Promise<ProxyResponse> {
    try {
      if (rest.includes('#')) throw new RequestError(400, 'bad-target', 'A request target has no fragment.');
      const { endpoint, stored } = this.#options;
      const forwarded = forwardedFields(request, endpoint.cookies, request.body !== undefined);
      const { cookies, hadCookies } = forwarded;
      const fields = [...forwarded.fields, ...hopsOf(request, this.#options.pseudonym)];
      const primary = primaryKey(this.#identity, rest, cookies);
      const passing = { request, rest, primary, fields, hadCookies };
      if (request.method !== 'GET' && request.method !== 'HEAD') return await this.#forward(passing);
      if (stored === undefined) return await this.#relay(passing, { fwd: 'bypass' });
      return await this.#cached(passing, stored);
    } catch (error) {
      return problemAnswer(request, problemOf(error, this.#options.overloadStatus), {});
    }
  }

  /** Resolves when nothing is in flight and nothing waits for the storage. */
  async close(timeoutMs: number): Promise<void> {
    const timer = setTimeout(() => this.#flights.abort(new Error('The proxy was closed.')), timeoutMs);
    await this.#flights.settled();
    clearTimeout(timer);
  }

  async #cached(passing: Passing, stored: StoredResponses): Promise<ProxyResponse> {
    const { request, fields, primary } = passing;
    const { policy } = this.#options.endpoint;
    const { mark } = this.#flights;
    let found = await stored.find(primary, fields, policy);
    // A lookup that took longer than a whole flight may have missed what that brought.
    if (found === undefined && this.#flights.endedSince(this.#flightKey(passing, primary), mark))
      found = await stored.find(primary, fields, policy);
    const response = found?.kind === 'response' ? found.response : undefined;
    const now = this.#options.clock();
    const decision = this.#decide(passing, response, now);
    if (decision.action === 'unavailable') {
      response?.body.discard().catch(() => undefined);
      return problemAnswer(
        request,
        { status: 504, code: 'only-if-cached', message: 'There is no stored response that may be used.' },
        { detail: 'only-if-cached' },
      );
    }
    if (decision.action === 'serve' && response !== undefined) {
      const answer = await this.#answers.fromStored(passing, response, response.entry, {
        hit: true,
        ttl: remainingTtl(response.entry.freshness.freshUntil, now),
        ...(decision.reason === 'stale-while-revalidate' ? { detail: 'swr' } : {}),
      });
      if (answer !== undefined) {
        if (decision.refresh) this.#refresh(passing, response);
        return answer;
      }
      // What is stored is another part, or damaged.
      return this.#miss(passing, undefined, 'partial');
    }
    const reason = decision.action === 'revalidate' ? decision.reason : found === undefined ? 'uri-miss' : 'vary-miss';
    return this.#miss(passing, response, reason);
  }

  /** `only-if-cached` counts also where a client's other wishes don't. RFC 9111 §5.2.1.7. */
  #decide({ fields }: Passing, response: StoredResponse | undefined, now: number): ServeDecision {
    const { policy } = this.#options.endpoint;
    const decision = decideServe(response?.entry.freshness, fields, now, policy);
    if (decision.action === 'serve' || policy.clientCacheControl === 'obey') return decision;
    const lines = fieldLines(fields, 'cache-control');
    return lines.length > 0 && parseCacheControl(lines).onlyIfCached ? { action: 'unavailable' } : decision;
  }

  /** @param response what is stored and must be validated, with its body unread. */
  async #miss(passing: Passing, response: StoredResponse | undefined, fwd: ForwardReason): Promise<ProxyResponse> {
    const { request, fields, primary } = passing;
    if (request.method === 'HEAD') return this.#head(passing, response, fwd);
    // A part can't be validated for one who wants another part.
    const stale = response?.entry.part === undefined ? response : undefined;
    if (stale === undefined) response?.body.discard().catch(() => undefined);
    const { policy } = this.#options.endpoint;
    const remembered = insists(fields, policy) ? undefined : this.#failedLately(passing);
    if (remembered !== undefined) return this.#again(passing, remembered, stale);
    const isPlain = stale !== undefined || !isParticular(fields);
    const key = this.#flightKey(passing, stale?.key ?? primary);
    const isOwn = hasField(fields, 'authorization') || this.#unshared.has(groupOf(passing));
    // Who asks for a part, or under a condition, may wait for the whole, but doesn't ask for it.
    if (isOwn || (!isPlain && !this.#flights.has(key))) return this.#askAlone(passing, stale, fwd);
    return this.#askTogether(passing, stale, key, fwd);
  }

  async #askTogether(
    passing: Passing,
    stale: StoredResponse | undefined,
    key: string,
    fwd: ForwardReason,
  ): Promise<ProxyResponse> {
    const { request, fields, primary } = passing;
    const { policy } = this.#options.endpoint;
    const wanted = this.#wanted(passing, stale, false);
    const isLate = this.#flights.hasResult(key);
    const { value: landing, collapsed } = await this.#join(key, wanted, request.signal, groupOf(passing));
    // It came before this one asked, so it must be as fresh as one from the storage. The next is waited for together.
    if (isLate && !this.#mayUse(landing, passing)) {
      if (this.#flights.hasResult(key)) this.#flights.close(key);
      return this.#askTogether(passing, stale, key, fwd);
    }
    if (!collapsed) return this.#answer(passing, landing, stale, { fwd }, false);
    switch (landing.kind) {
      case 'shared': {
        const { vary } = landing.entry;
        if (varyMatches(vary, fields, policy.normalise)) {
          return this.#answer(passing, landing, stale, { fwd, collapsed }, false);
        }
        // Those who want the same other variant wait for one of them.
        const names = vary.map(([name]) => name);
        const variant = `${primary}|${secondaryKey(varyKey(names, fields, policy.normalise))}`;
        const own = this.#flightKey(passing, variant);
        return own === key ? this.#askAlone(passing, stale, fwd) : this.#askTogether(passing, stale, own, 'vary-miss');
      }
      case 'validated':
        if (stale?.key === landing.key) return this.#answer(passing, landing, stale, { fwd, collapsed }, false);
        return this.#askAlone(passing, stale, fwd);
      case 'failed':
        // It was nobody's request that there was no room for; this one may wait.
        if (landing.error instanceof ShedError) {
          this.#flights.close(key);
          return this.#askTogether(passing, stale, key, fwd);
        }
        return this.#answer(passing, landing, stale, { fwd, collapsed }, false);
      default: {
        const remembered = this.#failedLately(passing);
        if (remembered !== undefined) return this.#again(passing, remembered, stale);
        return this.#askAlone(passing, stale, fwd);
      }
    }
  }

  #failedLately(passing: Passing): RememberedFailure | undefined {
    return this.#failures.get(this.#asked(passing), this.#options.clock());
  }

  #asked({ primary, fields, hadCookies }: Pick<Passing, 'primary' | 'fields' | 'hadCookies'>): Asked {
    return { key: this.#flightKey({ primary, hadCookies }, primary), fields };
  }

  /** The answer to a question that failed a moment ago. */
  #again(
    passing: Passing,
    { failure, error, until }: RememberedFailure,
    stale: StoredResponse | undefined,
  ): Promise<ProxyResponse> {
    const handling = { hit: true, ttl: remainingTtl(until, this.#options.clock()), detail: 'negative' };
    return this.#afterFailure(passing, { kind: 'failed', failure, error }, stale, handling);
  }

  /** The flight for a key that this request may join: none that was begun before its URL was invalidated. RFC 9111 §4.4. */
  #flightKey({ primary, hadCookies }: Pick<Passing, 'primary' | 'hadCookies'>, key: string): string {
    const era = this.#options.stored?.eraOf(primary) ?? 0;
    return among({ hadCookies }, era === 0 ? key : `${key}|${era}`);
  }

  /** Whether what has come already may answer a request that came after it. What is for one alone is decided later. */
  #mayUse(landing: Landing, { fields }: Passing): boolean {
    if (landing.kind !== 'shared' && landing.kind !== 'validated') return true;
    const { clock, endpoint } = this.#options;
    return decideServe(landing.entry.freshness, fields, clock(), endpoint.policy).action === 'serve';
  }

  /** Nobody else waits for this one. Its answer may be stored all the same. */
  async #askAlone(passing: Passing, stale: StoredResponse | undefined, fwd: ForwardReason): Promise<ProxyResponse> {
    const wanted = this.#wanted(passing, stale, stale === undefined);
    this.#alone += 1;
    const { value } = await this.#join(`${passing.primary}|alone ${this.#alone}`, wanted, passing.request.signal);
    return this.#answer(passing, value, stale, { fwd }, wanted.verbatim);
  }

  /** Gets a new response behind the back of the one that was served. RFC 5861 §3. */
  #refresh(passing: Passing, response: StoredResponse): void {
    const key = this.#flightKey(passing, response.key);
    if (this.#flights.has(key) || this.#failedLately(passing) !== undefined) return;
    const nobody = new AbortController().signal;
    const wanted = { ...this.#wanted(passing, response, false), isBackground: true };
    this.#join(key, wanted, nobody, groupOf(passing))
      .then(
        ({ value }) => {
          if (value.kind === 'private') discard(value.answer);
          return outcomeOf(value);
        },
        () => 'failed' as const,
      )
      .then((outcome) => this.#options.emit({ type: 'revalidated', outcome, background: true }));
  }

  #wanted(
    { rest, primary, fields, hadCookies }: Passing,
    stale: StoredResponse | undefined,
    verbatim: boolean,
  ): Wanted {
    return { rest, primary, fields, hadCookies, stale, verbatim };
  }

  /** @param group what is remembered as unshared if the answer is for one alone; none for who asked alone. */
  #join(
    key: string,
    wanted: Wanted,
    signal: AbortSignal,
    group?: string,
  ): Promise<{ readonly value: Landing; readonly collapsed: boolean }> {
    const { stored, ...parts } = this.#options;
    const asked = this.#asked(wanted);
    if (stored === undefined) throw new Error('Nothing is joined where nothing is kept.');
    return this.#flights.join(key, signal, (control) => {
      const work = fetching(wanted, { ...parts, stored }, control);
      work.result.then(
        (landing) => {
          this.#failures.note(asked, landing, parts.clock());
          if (landing.kind === 'private') this.#keepPrivate(landing, signal, group);
          else if (landing.kind === 'shared' && group !== undefined) this.#unshared.delete(group);
        },
        () => undefined,
      );
      return work;
    });
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

  /** @param verbatim the origins were asked exactly what this client asked. */
  async #answer(
    passing: Passing,
    landing: Landing,
    stale: StoredResponse | undefined,
    handling: Handling,
    verbatim: boolean,
  ): Promise<ProxyResponse> {
    const { request } = passing;
    const { policy } = this.#options.endpoint;
    if (landing.kind !== 'validated' && landing.kind !== 'once' && landing.kind !== 'failed') {
      stale?.body.discard().catch(() => undefined);
    }
    switch (landing.kind) {
      case 'private': {
        const { status, fields, body } = landing.answer;
        // Cloudflare C4: the time in browsers counts beside `private`.
        const lasts = landing.reason === 'private' && status < 400;
        const content = request.method === 'HEAD' || hasNoContent(status) ? undefined : body.stream();
        const how = { ...handling, fwdStatus: status, stored: false, detail: landing.reason };
        return passedAnswer(status, passedFields(fields, policy, lasts), content, how);
      }
      case 'shared':
        return this.#answers.fromSpool(passing, landing, { ...handling, fwdStatus: landing.answer.status }, verbatim);
      case 'validated':
      case 'once': {
        const how = { ...handling, fwdStatus: 304, ...detailOf(landing) };
        const answer =
          stale === undefined ? undefined : await this.#answers.fromStored(passing, stale, landing.entry, how);
        return answer ?? this.#askAlone(passing, undefined, 'miss');
      }
      case 'failed':
        return this.#afterFailure(passing, landing, stale, handling);
    }
  }

  /** RFC 9111 §4.2.4, §4.3.3; RFC 5861 §4. */
  async #afterFailure(
    passing: Passing,
    { failure, error }: Landing & { kind: 'failed' },
    stale: StoredResponse | undefined,
    handling: Handling,
  ): Promise<ProxyResponse> {
    const { clock, endpoint } = this.#options;
    const now = clock();
    const decision = decideFailure(stale?.entry.freshness, failure, passing.fields, now, endpoint.policy);
    if (decision.action === 'serve' && stale !== undefined) {
      const how = { hit: true, ttl: remainingTtl(stale.entry.freshness.freshUntil, now), detail: 'sie' };
      const answer = await this.#answers.fromStored(passing, stale, stale.entry, how);
      if (answer !== undefined) return answer;
    } else stale?.body.discard().catch(() => undefined);
    // Another one's stale response stood in for this answer, and this client has none.
    if (error === undefined) return this.#askAlone(passing, undefined, 'miss');
    const problem = problemOf(error, this.#options.overloadStatus);
    const status = decision.action === 'fail' && decision.status === 504 ? 504 : problem.status;
    const how = handling.hit === true ? handling : { ...handling, stored: false };
    return problemAnswer(passing.request, { ...problem, status }, how);
  }

  /** HEAD goes to the origin as it is, and freshens what is stored. RFC 9111 §4.3.5. */
  async #head(passing: Passing, response: StoredResponse | undefined, fwd: ForwardReason): Promise<ProxyResponse> {
    const { chain, endpoint, stored } = this.#options;
    const { request, rest, fields, hadCookies } = passing;
    response?.body.discard().catch(() => undefined);
    const answer = await chain.ask({ method: 'HEAD', rest, fields, signal: request.signal });
    if (response !== undefined && answer.status === 200 && response.entry.status === 200) {
      const { requestedAt, receivedAt, status } = answer;
      const validation = {
        request: { method: 'HEAD', fields },
        status,
        fields: answer.fields,
        requestedAt,
        receivedAt,
      };
      const { entry } = response;
      const by = (had: boolean) => freshenByHead(entry, validation, policyFor(endpoint, entry.fields, had));
      const fresh = by(hadCookies);
      // Nobody waits for the storage: neither ever rejects.
      if (fresh?.action === 'update') void stored?.freshen(response, fresh.entry);
      else if (mustGo(fresh) && mustGo(by(false))) await stored?.remove(response.key);
    }
    discard(answer);
    const how = { fwd, fwdStatus: answer.status, stored: false };
    return passedAnswer(answer.status, passedFields(answer.fields, endpoint.policy, false), undefined, how);
  }

  /** Methods that aren't cached: never together, never stored, and what they change is forgotten. RFC 9111 §4.4. */
  async #forward(passing: Passing): Promise<ProxyResponse> {
    const { chain, stored } = this.#options;
    const { request, rest, primary, fields } = passing;
    const { method, body, signal } = request;
    const question = { method, rest, fields, signal, ...(body === undefined ? {} : { body }) };
    const answer = await chain.ask(question);
    // Its body waits for what is forgotten first, and nobody else needs to.
    answer.leave();
    const { status, source } = answer;
    const targets = invalidationTargets({ method, url: source, status, fields: answer.fields });
    if (targets.length > 0 && stored !== undefined) {
      const rests = new Set([rest, ...targets.flatMap((url) => chain.restOf(url) ?? [])]);
      await Promise.all(
        [...rests].map((one) => {
          const primaries = new Set([primaryKey(this.#identity, one, ''), ...(one === rest ? [primary] : [])]);
          return stored.invalidate(urlPrefix(this.#identity, one), [...primaries]);
        }),
      );
    }
    return this.#passed(passing, answer, { fwd: 'method' });
  }

  async #relay(passing: Passing, handling: Handling): Promise<ProxyResponse> {
    const { request, rest, fields } = passing;
    const { method, signal } = request;
    return this.#passed(passing, await this.#options.chain.ask({ method, rest, fields, signal }), handling);
  }

  #passed({ request }: Passing, answer: Awaited<ReturnType<OriginChain['ask']>>, handling: Handling): ProxyResponse {
    const { status, fields, body } = answer;
    answer.leave();
    const isEmpty = request.method === 'HEAD' || hasNoContent(status);
    if (isEmpty) discard(answer);
    const how = { ...handling, fwdStatus: status };
    return passedAnswer(
      status,
      passedFields(fields, this.#options.endpoint.policy, false),
      isEmpty ? undefined : body.stream(),
      how,
    );
  }
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

/** Why a response that is still the one is not kept, or why it had to be asked about: Cloudflare C2. */
function detailOf(landing: Landing & { kind: 'validated' | 'once' }): Pick<Handling, 'stored' | 'detail'> {
  if (landing.kind === 'once') return { stored: false, detail: landing.reason };
  return isNoCache(landing.entry.freshness) ? { detail: 'no-cache' } : {};
}
