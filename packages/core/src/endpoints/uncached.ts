import {
  answerFromEntry,
  decideFailure,
  type FailureDecision,
  type ForwardReason,
  freshenByHead,
  invalidationTargets,
  type OriginFailure,
  remainingTtl,
} from '@tintype/http-cache';
import type { ProxyResponse } from '../contracts/proxy.ts';
import { failureOf } from '../freshness/failure.ts';
import { problemOf } from '../pipeline/problem.ts';
import { type Endpoint, policyFor } from './endpoint.ts';
import { mustGo } from './fetching.ts';
import { passedFields } from './fields.ts';
import { discard, type OriginAnswer, type OriginChain } from './origin-chain.ts';
import { type Handling, passedAnswer, problemAnswer } from './passed-answer.ts';
import { hasNoContent, type Passing } from './passing.ts';
import { primaryKey, urlPrefix } from './response-key.ts';
import type { StoredResponse, StoredResponses } from './stored-responses.ts';

export interface UncachedOptions {
  readonly endpoint: Endpoint;
  readonly chain: OriginChain;
  /** Without it nothing is kept. */
  readonly stored: StoredResponses | undefined;
  /** What tells the endpoint's entries from another's. */
  readonly identity: string;
  /** The status of answers that there is no room for. */
  readonly overloadStatus: number;
  readonly clock: () => number;
}

/** Passes on what is never stored, and does to what is stored what follows from it. */
export class Uncached {
  readonly #options: UncachedOptions;

  constructor(options: UncachedOptions) {
    this.#options = options;
  }

  /**
   * HEAD goes to the origin as it is, and freshens what is stored (RFC 9111 §4.3.5). Where the origin fails, what
   * stands in for a GET stands in here (§4.2.4, RFC 5861 §4).
   */
  async head(passing: Passing, response: StoredResponse | undefined, fwd: ForwardReason): Promise<ProxyResponse> {
    const { chain, endpoint, stored, overloadStatus } = this.#options;
    const { request, rest, fields, hadCookies } = passing;
    response?.body.discard().catch(() => undefined);
    const whole = response?.entry.part === undefined ? response : undefined;
    let answer: OriginAnswer;
    try {
      answer = await chain.ask({ method: 'HEAD', rest, fields, signal: request.signal });
    } catch (error) {
      const failure = request.signal.aborted || whole === undefined ? undefined : failureOf(error);
      const decision =
        failure === undefined || whole === undefined ? undefined : this.#afterFailure(passing, whole, failure);
      if (decision?.action === 'serve' && whole !== undefined) return this.#standsIn(passing, whole);
      const problem = problemOf(error, overloadStatus);
      const status = decision?.action === 'fail' && decision.status === 504 ? 504 : problem.status;
      return problemAnswer(request, { ...problem, status }, { fwd, stored: false });
    }
    if (whole !== undefined && this.#afterFailure(passing, whole, answer.status).action === 'serve') {
      discard(answer);
      return this.#standsIn(passing, whole);
    }
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

  #afterFailure({ fields }: Passing, { entry }: StoredResponse, failure: OriginFailure): FailureDecision {
    const { clock, endpoint } = this.#options;
    return decideFailure(entry.freshness, failure, fields, clock(), endpoint.policy);
  }

  #standsIn({ fields }: Passing, { entry, size }: StoredResponse): ProxyResponse {
    const { clock, endpoint } = this.#options;
    const now = clock();
    const ttl = remainingTtl(entry.freshness.freshUntil, now);
    const answer = answerFromEntry(entry, { method: 'HEAD', fields }, size, now, endpoint.policy);
    return passedAnswer(answer?.status ?? entry.status, answer?.fields ?? [], undefined, {
      hit: true,
      ttl,
      detail: 'sie',
    });
  }

  /** Methods that aren't cached: never together, never stored, and what they change is forgotten. RFC 9111 §4.4. */
  async forward(passing: Passing): Promise<ProxyResponse> {
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
          const primaries = new Set([primaryKey(this.#options.identity, one, ''), ...(one === rest ? [primary] : [])]);
          return stored.invalidate(urlPrefix(this.#options.identity, one), [...primaries]);
        }),
      );
    }
    return this.#passed(passing, answer, { fwd: 'method' });
  }

  async relay(passing: Passing, handling: Handling): Promise<ProxyResponse> {
    const { request, rest, fields } = passing;
    const { method, signal } = request;
    return this.#passed(passing, await this.#options.chain.ask({ method, rest, fields, signal }), handling);
  }

  #passed({ request }: Passing, answer: OriginAnswer, handling: Handling): ProxyResponse {
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
