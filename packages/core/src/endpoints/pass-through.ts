import {
  decideServe,
  type ForwardReason,
  fieldLines,
  parseCacheControl,
  refreshEarly,
  remainingTtl,
  type ServeDecision,
} from '@tintype/http-cache';
import { RequestError } from '../contracts/dialect.ts';
import type { ProxyRequest, ProxyResponse } from '../contracts/proxy.ts';
import { problemOf } from '../pipeline/problem.ts';
import { Answers } from './answers.ts';
import { forwardedFields } from './fields.ts';
import { Misses } from './misses.ts';
import { type Handling, problemAnswer } from './passed-answer.ts';
import { hopsOf, type Passing } from './passing.ts';
import { Questions, type QuestionsOptions } from './questions.ts';
import { identityOf, primaryKey } from './response-key.ts';
import type { StoredResponse, StoredResponses } from './stored-responses.ts';
import { Uncached } from './uncached.ts';

export interface PassThroughOptions extends Omit<QuestionsOptions, 'stored'> {
  /** Without it nothing is kept. */
  readonly stored: StoredResponses | undefined;
  /** This proxy's name in `Via` and `CDN-Loop`. */
  readonly pseudonym: string;
  /** The status of answers that there is no room for. */
  readonly overloadStatus: number;
  /** How eagerly a response is refreshed before it expires; 0 is never. */
  readonly earlyRefresh: number;
}

/** An endpoint without a dialect: a plain HTTP cache before its origins. RFC 9111. */
export class PassThrough {
  readonly #options: PassThroughOptions;
  /** What tells this endpoint's entries from another's. */
  readonly #identity: string;
  readonly #answers: Answers;
  readonly #uncached: Uncached;
  /** What answers from the storage and stores; nothing does where nothing is kept. */
  readonly #cache: Cache | undefined;

  constructor(options: PassThroughOptions) {
    this.#options = options;
    const { endpoint, chain, stored, clock, overloadStatus } = options;
    this.#identity = identityOf(
      endpoint.prefix,
      endpoint.origins.map(({ base }) => base),
    );
    this.#answers = new Answers(options);
    this.#uncached = new Uncached({ endpoint, chain, stored, identity: this.#identity, overloadStatus, clock });
    if (stored === undefined) return;
    const questions = new Questions({ ...options, stored });
    const misses = new Misses({ endpoint, questions, answers: this.#answers, overloadStatus, clock });
    this.#cache = { stored, questions, misses };
  }

  /**
   * Answers; never rejects.
   *
   * @param rest path and query below the endpoint, beginning with a slash.
   */
  async handle(request: ProxyRequest, rest: string): Promise<ProxyResponse> {
    // As long as nothing has gone on, nothing says that it has.
    let handling: Handling = {};
    try {
      if (rest.includes('#')) throw new RequestError(400, 'bad-target', 'A request target has no fragment.');
      const { endpoint } = this.#options;
      const forwarded = forwardedFields(request, endpoint.cookies, request.body !== undefined);
      const { cookies, hadCookies } = forwarded;
      const fields = [...forwarded.fields, ...hopsOf(request, this.#options.pseudonym)];
      const primary = primaryKey(this.#identity, rest, cookies);
      const passing = { request, rest, primary, fields, hadCookies };
      if (request.method !== 'GET' && request.method !== 'HEAD') {
        handling = { fwd: 'method' };
        return await this.#uncached.forward(passing);
      }
      if (this.#cache === undefined) {
        handling = { fwd: 'bypass' };
        return await this.#uncached.relay(passing, handling);
      }
      return await this.#cached(passing, this.#cache);
    } catch (error) {
      return problemAnswer(request, problemOf(error, this.#options.overloadStatus), handling);
    }
  }

  /** Resolves when nothing is in flight and nothing waits for the storage. */
  async close(timeoutMs: number): Promise<void> {
    await this.#cache?.questions.close(timeoutMs);
  }

  async #cached(passing: Passing, cache: Cache): Promise<ProxyResponse> {
    const { stored, questions } = cache;
    const { request, fields, primary } = passing;
    const { policy } = this.#options.endpoint;
    const { flights } = questions;
    const { mark } = flights;
    let found = await stored.find(primary, fields, policy);
    // A lookup that took longer than a whole flight may have missed what that brought.
    if (found === undefined && flights.endedSince(questions.keyOf(passing, primary), mark))
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
        if (decision.refresh || this.#isDueEarly(response, now)) questions.refresh(passing, response);
        return answer;
      }
      // What is stored is another part, or damaged.
      return this.#miss(cache, passing, undefined, 'partial');
    }
    const reason = decision.action === 'revalidate' ? decision.reason : found === undefined ? 'uri-miss' : 'vary-miss';
    return this.#miss(cache, passing, response, reason);
  }

  /** `only-if-cached` counts also where a client's other wishes don't. RFC 9111 §5.2.1.7. */
  #decide({ fields }: Passing, response: StoredResponse | undefined, now: number): ServeDecision {
    const { policy } = this.#options.endpoint;
    const decision = decideServe(response?.entry.freshness, fields, now, policy);
    if (decision.action === 'serve' || policy.clientCacheControl === 'obey') return decision;
    const lines = fieldLines(fields, 'cache-control');
    return lines.length > 0 && parseCacheControl(lines).onlyIfCached ? { action: 'unavailable' } : decision;
  }

  /** By chance, the more likely the nearer the end and the longer the origin took to answer. XFetch. */
  #isDueEarly({ entry }: StoredResponse, now: number): boolean {
    const { earlyRefresh } = this.#options;
    if (earlyRefresh <= 0) return false;
    const { requestedAt, receivedAt } = entry.freshness;
    return refreshEarly(entry.freshness, now, receivedAt - requestedAt, 1 - Math.random(), earlyRefresh);
  }

  /** @param response what is stored and must be validated, with its body unread. */
  #miss(
    { misses }: Cache,
    passing: Passing,
    response: StoredResponse | undefined,
    fwd: ForwardReason,
  ): Promise<ProxyResponse> {
    return passing.request.method === 'HEAD'
      ? this.#uncached.head(passing, response, fwd)
      : misses.answer(passing, response, fwd);
  }
}

interface Cache {
  readonly stored: StoredResponses;
  readonly questions: Questions;
  readonly misses: Misses;
}
