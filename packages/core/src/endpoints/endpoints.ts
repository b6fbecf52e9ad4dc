import type { ProxyRequest, ProxyResponse } from '../contracts/proxy.ts';
import { problemResponse } from '../pipeline/respond.ts';
import type { Endpoint } from './endpoint.ts';
import { Router } from './router.ts';

/** What answers below an endpoint's path. */
export interface EndpointHandler {
  handle(request: ProxyRequest, rest: string): Promise<ProxyResponse>;
  /** Resolves when nothing is in flight, which is broken off after the time. */
  close(timeoutMs: number): Promise<void>;
}

/** An endpoint with what answers for it. */
export interface ServedEndpoint extends Pick<Endpoint, 'prefix' | 'anyMethod' | 'dialect'> {
  readonly handler: EndpointHandler;
}

/** Methods that end at this hop, whatever an endpoint takes: a tunnel, and an echo of what was sent. */
const NEVER: ReadonlySet<string> = new Set(['CONNECT', 'TRACE']);

/** All endpoints of a proxy: each path has one that answers, or 404. */
export class Endpoints {
  readonly #router: Router<ServedEndpoint>;
  readonly #endpoints: readonly ServedEndpoint[];

  constructor(endpoints: readonly ServedEndpoint[]) {
    this.#endpoints = endpoints;
    this.#router = new Router(endpoints);
  }

  takes(method: string, target: string): boolean {
    const routed = this.#router.find(target);
    if (routed === undefined || NEVER.has(method)) return false;
    return method === 'GET' || method === 'HEAD' || routed.endpoint.anyMethod;
  }

  /** Below an endpoint with a dialect; a target that belongs to none may be somebody's mistaken one. */
  signedFrom(target: string): number {
    const endpoint = this.#router.find(target)?.endpoint;
    if (endpoint === undefined) return 0;
    return endpoint.dialect === undefined ? -1 : endpoint.prefix.length;
  }

  /** Answers; never rejects. */
  async handle(request: ProxyRequest): Promise<ProxyResponse> {
    const routed = this.#router.find(request.target);
    if (routed === undefined) {
      const problem = { status: 404, code: 'no-endpoint', message: 'There is nothing under this path.' };
      return problemResponse(request, problem, { kind: 'refused' });
    }
    return routed.endpoint.handler.handle(request, routed.rest);
  }

  async close(timeoutMs: number): Promise<void> {
    await Promise.all(this.#endpoints.map(({ handler }) => handler.close(timeoutMs)));
  }
}
