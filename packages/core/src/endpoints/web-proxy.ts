import type { FieldPair } from '@tintype/http-cache';
import { RequestError } from '../contracts/dialect.ts';
import type { ProxyRequest, ProxyResponse } from '../contracts/proxy.ts';
import { problemOf } from '../pipeline/problem.ts';
import { problemResponse } from '../pipeline/respond.ts';
import { withoutCredentials } from '../pipeline/without-credentials.ts';
import type { EndpointHandler } from './endpoints.ts';
import { leavesFolder } from './leaves-folder.ts';

/** What is had of one of the servers that an endpoint's URLs may name. */
export interface ProxiedOrigin {
  /** Scheme, host and port, as the URL standard writes them. */
  readonly origin: string;
  readonly handler: EndpointHandler;
}

/**
 * An endpoint whose paths are URLs: `/https://images.example.com/a.jpg`, or the same escaped. The client chooses
 * among servers that the operator named, whose answers all come from one origin in the eyes of a browser: what
 * speaks of that origin as a whole is none of theirs to say, and nothing of theirs may run in it.
 */
export class WebProxy implements EndpointHandler {
  readonly #handlers: ReadonlyMap<string, EndpointHandler>;

  constructor(origins: readonly ProxiedOrigin[]) {
    this.#handlers = new Map(origins.map(({ origin, handler }) => [origin, handler]));
  }

  async handle(request: ProxyRequest, rest: string): Promise<ProxyResponse> {
    try {
      const { origin, target } = proxiedUrl(rest);
      const handler = this.#handlers.get(origin);
      if (handler === undefined) {
        throw new RequestError(403, 'source-not-allowed', 'Nothing is fetched from this server here.');
      }
      // Which server a browser's credentials would go to is for whoever wrote the URL to choose.
      return harmless(await handler.handle(withoutCredentials(request), target), origin + target);
    } catch (error) {
      return problemResponse(request, problemOf(error), { kind: 'refused' });
    }
  }

  async close(timeoutMs: number): Promise<void> {
    await Promise.all([...this.#handlers.values()].map((handler) => handler.close(timeoutMs)));
  }
}

/** A URL in a path. */
export interface ProxiedUrl {
  /** Scheme, host and port, as the URL standard writes them. */
  readonly origin: string;
  /** Path and query, as they will be sent. */
  readonly target: string;
}

/** One slash may be missing: servers on the way merge them. */
const PLAIN = /^\/(https?):\/{1,2}([^/?]+)([^?]*)(\?.*)?$/is;
const ESCAPED = /^\/(https?%3a[^?]*)(\?.*)?$/is;

/**
 * The URL that a path below an endpoint is. A plain one is taken byte for byte, query included; an escaped one
 * is unescaped once, and a query beside it belongs to it unless it has one itself.
 *
 * @throws RequestError 400 if it is none, or one that servers read differently.
 */
export function proxiedUrl(rest: string): ProxiedUrl {
  const [, escaped, beside = ''] = ESCAPED.exec(rest) ?? [];
  const text = escaped === undefined ? rest : `/${unescaped(escaped)}`;
  if (escaped !== undefined && beside !== '' && text.includes('?')) throw noUrl('has two queries');
  const [, scheme = '', authority = '', path = '', query = ''] = PLAIN.exec(text + beside) ?? [];
  if (authority === '') throw noUrl('is not a URL such as https://images.example.com/a.jpg');
  if (authority.includes('@')) throw noUrl('has a user name or password in it');
  const url = URL.parse(`${scheme}://${authority}/`);
  if (url === null || url.pathname !== '/' || url.search !== '') throw noUrl('names no server');
  if (leavesFolder(path + query)) throw noUrl('has a segment "." or "..", a backslash or a control character in it');
  return { origin: url.origin, target: sendable((path === '' ? '/' : path) + query) };
}

function unescaped(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    throw noUrl('is not escaped as UTF-8');
  }
}

/** What HTTP cannot carry is percent-encoded; everything else is sent as it is. */
const sendable = (target: string): string => target.replace(/[^\x21-\x7e]+/g, encodeURIComponent);

function noUrl(clause: string): RequestError {
  return new RequestError(400, 'invalid-source', `What follows this endpoint's path ${clause}.`);
}

/** Fields that speak for the whole of an origin, that keep something there, or that lead away from it unasked. */
const OF_THE_ORIGIN: ReadonlySet<string> = new Set([
  ...['set-cookie', 'set-cookie2', 'clear-site-data', 'service-worker-allowed', 'strict-transport-security'],
  ...['public-key-pins', 'alt-svc', 'nel', 'report-to', 'reporting-endpoints', 'accept-ch', 'origin-agent-cluster'],
  ...['refresh', 'access-control-allow-credentials', 'www-authenticate', 'no-vary-search', 'supports-loading-mode'],
  ...['content-security-policy', 'content-security-policy-report-only', 'x-content-type-options'],
]);

/** No script and no origin for what is opened as a document, whatever its server says. */
const PROTECTION: readonly FieldPair[] = [
  ['X-Content-Type-Options', 'nosniff'],
  ['Content-Security-Policy', "default-src 'none'; style-src 'unsafe-inline'; img-src data:; sandbox"],
];

function harmless(response: ProxyResponse, source: string): ProxyResponse {
  // Answers of our own are protected by the front end.
  if (response.fields === undefined) return response;
  const fields = response.fields.flatMap(([name, value]): readonly FieldPair[] => {
    const key = name.toLowerCase();
    if (OF_THE_ORIGIN.has(key)) return [];
    // Relative to what was asked for, and not to where it is asked here.
    if (key === 'location' || key === 'content-location') return [[name, URL.parse(value, source)?.href ?? value]];
    return [[name, value]];
  });
  const headers = Object.fromEntries(Object.entries(response.headers).filter(([name]) => !OF_THE_ORIGIN.has(name)));
  return { ...response, headers, fields: [...fields, ...PROTECTION] };
}
