import {
  decideFailure,
  decideServe,
  type ForwardReason,
  isNoCache,
  remainingTtl,
  secondaryKey,
  varyKey,
  varyMatches,
} from '@tintype/http-cache';
import type { ProxyResponse } from '../contracts/proxy.ts';
import { ShedError } from '../pipeline/background.ts';
import { problemOf } from '../pipeline/problem.ts';
import type { Answers } from './answers.ts';
import type { EndpointPolicies } from './endpoint.ts';
import type { RememberedFailure } from './failures.ts';
import { passedFields } from './fields.ts';
import type { Landing } from './landing.ts';
import { type Handling, passedAnswer, problemAnswer } from './passed-answer.ts';
import { groupOf, hasNoContent, insists, isParticular, type Passing } from './passing.ts';
import { type Questions, wantedBy } from './questions.ts';
import type { StoredResponse } from './stored-responses.ts';

export interface MissesOptions {
  readonly endpoint: EndpointPolicies;
  readonly questions: Questions;
  readonly answers: Answers;
  /** The status of answers that there is no room for. */
  readonly overloadStatus: number;
  readonly clock: () => number;
}

/** Answers GET requests that the storage alone can't: together with others who ask the same, where that is right. */
export class Misses {
  readonly #options: MissesOptions;

  constructor(options: MissesOptions) {
    this.#options = options;
  }

  /** @param response what is stored and must be validated, with its body unread. */
  async answer(passing: Passing, response: StoredResponse | undefined, fwd: ForwardReason): Promise<ProxyResponse> {
    const { fields, primary } = passing;
    // A part can't be validated for one who wants another part.
    const stale = response?.entry.part === undefined ? response : undefined;
    if (stale === undefined) response?.body.discard().catch(() => undefined);
    const { policy } = this.#options.endpoint;
    const remembered = insists(fields, policy) ? undefined : this.#options.questions.failedLately(passing);
    if (remembered !== undefined) return this.#again(passing, remembered, stale);
    const isPlain = stale !== undefined || !isParticular(fields);
    const key = this.#options.questions.keyOf(passing, stale?.key ?? primary);
    // Who asks for a part, or under a condition, may wait for the whole, but doesn't ask for it.
    if (this.#options.questions.isOwn(passing) || (!isPlain && !this.#options.questions.flights.has(key)))
      return this.#askAlone(passing, stale, fwd);
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
    const wanted = wantedBy(passing, stale, false);
    const isLate = this.#options.questions.flights.hasResult(key);
    const { value: landing, collapsed } = await this.#options.questions.join(
      key,
      wanted,
      request.signal,
      groupOf(passing),
    );
    // It came before this one asked, so it must be as fresh as one from the storage. The next is waited for together.
    if (isLate && !this.#mayUse(landing, passing)) {
      if (this.#options.questions.flights.hasResult(key)) this.#options.questions.flights.close(key);
      return this.#askTogether(passing, stale, key, fwd);
    }
    if (!collapsed) return this.#landed(passing, landing, stale, { fwd }, false);
    switch (landing.kind) {
      case 'shared': {
        const { vary } = landing.entry;
        if (varyMatches(vary, fields, policy.normalise)) {
          return this.#landed(passing, landing, stale, { fwd, collapsed }, false);
        }
        // Those who want the same other variant wait for one of them.
        const names = vary.map(([name]) => name);
        const variant = `${primary}|${secondaryKey(varyKey(names, fields, policy.normalise))}`;
        const own = this.#options.questions.keyOf(passing, variant);
        return own === key ? this.#askAlone(passing, stale, fwd) : this.#askTogether(passing, stale, own, 'vary-miss');
      }
      case 'validated':
        // Its fields are those of the body that was asked about, and of no other; they may vary from now on.
        if (
          stale?.key === landing.key &&
          stale.version === landing.version &&
          varyMatches(landing.entry.vary, fields, policy.normalise)
        )
          return this.#landed(passing, landing, stale, { fwd, collapsed }, false);
        return this.#askAlone(passing, stale, fwd);
      case 'failed':
        // It was nobody's request that there was no room for; this one may wait.
        if (landing.error instanceof ShedError) {
          this.#options.questions.flights.close(key);
          return this.#askTogether(passing, stale, key, fwd);
        }
        return this.#landed(passing, landing, stale, { fwd, collapsed }, false);
      default: {
        const remembered = this.#options.questions.failedLately(passing);
        if (remembered !== undefined) return this.#again(passing, remembered, stale);
        return this.#askAlone(passing, stale, fwd);
      }
    }
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

  /** Whether what has come already may answer a request that came after it. What is for one alone is decided later. */
  #mayUse(landing: Landing, { fields }: Passing): boolean {
    if (landing.kind !== 'shared' && landing.kind !== 'validated') return true;
    const { clock, endpoint } = this.#options;
    return decideServe(landing.entry.freshness, fields, clock(), endpoint.policy).action === 'serve';
  }

  /** Nobody else waits for this one. Its answer may be stored all the same. */
  async #askAlone(passing: Passing, stale: StoredResponse | undefined, fwd: ForwardReason): Promise<ProxyResponse> {
    const wanted = wantedBy(passing, stale, stale === undefined);
    const landing = await this.#options.questions.joinAlone(passing, wanted);
    return this.#landed(passing, landing, stale, { fwd }, wanted.verbatim);
  }

  /** @param verbatim the origins were asked exactly what this client asked. */
  async #landed(
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
        return this.#options.answers.fromSpool(
          passing,
          landing,
          { ...handling, fwdStatus: landing.answer.status },
          verbatim,
        );
      case 'validated':
      case 'once': {
        const how = { ...handling, fwdStatus: 304, ...detailOf(landing) };
        const answer =
          stale === undefined ? undefined : await this.#options.answers.fromStored(passing, stale, landing.entry, how);
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
      const answer = await this.#options.answers.fromStored(passing, stale, stale.entry, how);
      if (answer !== undefined) return answer;
    } else stale?.body.discard().catch(() => undefined);
    // Another one's stale response stood in for this answer, and this client has none.
    if (error === undefined) return this.#askAlone(passing, undefined, 'miss');
    const problem = problemOf(error, this.#options.overloadStatus);
    const status = decision.action === 'fail' && decision.status === 504 ? 504 : problem.status;
    const how = handling.hit === true ? handling : { ...handling, stored: false };
    return problemAnswer(passing.request, { ...problem, status }, how);
  }
}

/** Why a response that is still the one is not kept, or why it had to be asked about: Cloudflare C2. */
function detailOf(landing: Landing & { kind: 'validated' | 'once' }): Pick<Handling, 'stored' | 'detail'> {
  if (landing.kind === 'once') return { stored: false, detail: landing.reason };
  return isNoCache(landing.entry.freshness) ? { detail: 'no-cache' } : {};
}
