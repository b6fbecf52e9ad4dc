import { type Fields, fieldLines } from './fields.ts';

/** Methods that change nothing at the origin. RFC 9110 §9.2.1, RFC 10008 (QUERY). */
const SAFE_METHODS: ReadonlySet<string> = new Set(['GET', 'HEAD', 'OPTIONS', 'TRACE', 'QUERY']);

/** Whether a method changes nothing; one that nobody knows might. RFC 9110 §9.2.1, RFC 9111 §4.4. */
export function isSafeMethod(method: string): boolean {
  return SAFE_METHODS.has(method);
}

/**
 * The URLs whose stored responses a request has made invalid: its own and, on the same origin, those
 * in `Location` and `Content-Location`. Empty for safe methods and for failures. `url` is absolute.
 * RFC 9111 §4.4.
 */
export function invalidationTargets(exchange: {
  readonly method: string;
  readonly url: string;
  readonly status: number;
  readonly fields: Fields;
}): readonly string[] {
  const { method, url, status, fields } = exchange;
  if (isSafeMethod(method) || status < 200 || status >= 400) return [];
  const target = parseUrl(url, undefined);
  if (target === undefined) return [];
  const targets = new Set([withoutFragment(target)]);
  for (const name of ['location', 'content-location']) {
    for (const line of fieldLines(fields, name)) {
      const other = parseUrl(line, url);
      // §4.4: another origin's responses are none of its business.
      if (other !== undefined && other.origin === target.origin && other.origin !== 'null')
        targets.add(withoutFragment(other));
    }
  }
  return [...targets];
}

function parseUrl(text: string, base: string | undefined): URL | undefined {
  return URL.parse(text, base) ?? undefined;
}

function withoutFragment(url: URL): string {
  const copy = new URL(url);
  copy.hash = '';
  return copy.href;
}
