import type { Agent, Dispatcher } from 'undici';
import { closedUnderRequest } from './reuse.ts';

/** A request whose answer comes with its fields as they were written. */
export type RawRequest = Omit<Dispatcher.RequestOptions, 'responseHeaders'> & {
  readonly origin: string;
  readonly signal: AbortSignal;
};

/**
 * Kept connections. A server may close one just when a request goes out on it, and nobody can know before: a request
 * that may be repeated then goes out once more, at once and on a new connection, as all those that are kept may be
 * closed by now. RFC 9110 §9.2.2, RFC 9112 §9.3.1. undici's own `retry` isn't for this: it asks for the rest of a
 * body that broke off, and repeats on the connections that are kept.
 */
export class Connections {
  readonly #kept: Agent;
  readonly #unkept: Agent;

  /** @param pool makes a pool with undici's `pipelining`: 0 keeps no connection. Both dial by the same rules. */
  constructor(pool: (pipelining: 0 | 1) => Agent) {
    this.#kept = pool(1);
    this.#unkept = pool(0);
  }

  async request(request: RawRequest): Promise<Dispatcher.ResponseData> {
    try {
      return await this.#kept.request({ ...request, responseHeaders: 'raw' });
    } catch (error) {
      if (!isRepeatable(request) || !closedUnderRequest(error) || request.signal.aborted) throw error;
      return this.#unkept.request({ ...request, responseHeaders: 'raw' });
    }
  }

  /** Breaks off what is still running. */
  async destroy(): Promise<void> {
    await Promise.all([this.#kept.destroy(), this.#unkept.destroy()]);
  }
}

/** Safe, and without content, which may have been read. */
function isRepeatable({ method, body }: RawRequest): boolean {
  return (method === 'GET' || method === 'HEAD') && (body === undefined || body === null);
}
