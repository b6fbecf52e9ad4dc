/** One segment of a path, up to the next separator; `%2f` separates too, as many servers decode it. */
const DOT_SEGMENT = /(?:\/|%2f)(?:\.|%2e){1,2}(?=\/|%2f|$)/i;
const NEVER_IN_A_PATH = /[\\\0]|%5c|%00/i;
/** Nothing of what is refused can be written without one of these. */
const SUSPICIOUS = /[\\\0]|\/\.|%2e|%2f\.|%5c|%00/i;

/**
 * Why a request target is not served, as a sentence for the client; `undefined` if it is.
 *
 * Refused are dot segments (`.` and `..`, in any mixture of `.` and `%2e`), backslashes and NUL,
 * escaped or not, anywhere in the path, and every target that is not a path: absolute, authority and
 * asterisk form (RFC 9112 §3.2). Proxies and clients disagree about what such a path means, so what
 * is signed, what is keyed and what is fetched could be three things. The query is not looked at.
 */
export function whyRefused(target: string): string | undefined {
  if (target.charCodeAt(0) !== 0x2f) {
    return 'The request target must be a path that begins with a slash, not a whole URL.';
  }
  if (!SUSPICIOUS.test(target)) return undefined;
  const path = pathOf(target);
  if (DOT_SEGMENT.test(path)) {
    return 'The path must not contain the segments "." or "..", escaped or not: write the path they lead to.';
  }
  if (NEVER_IN_A_PATH.test(path)) {
    return 'The path must not contain a backslash or a NUL, escaped or not.';
  }
  return undefined;
}

/** What stands before the query. */
export function pathOf(target: string): string {
  const query = target.indexOf('?');
  return query < 0 ? target : target.slice(0, query);
}

/**
 * The target below the path at which the proxy is mounted: `/images/x?y` below `/images` is `/x?y`.
 * `undefined` if the target lies elsewhere. Nothing is decoded.
 */
export function targetBelow(prefix: string, target: string): string | undefined {
  if (prefix === '') return target;
  if (!target.startsWith(prefix)) return undefined;
  const rest = target.slice(prefix.length);
  if (rest.startsWith('/')) return rest;
  return rest === '' || rest.startsWith('?') ? `/${rest}` : undefined;
}

/** Checks a mount path: `''`, or like `/images` (a slash first, none last). */
export function checkedPrefix(prefix: string): string {
  if (prefix === '' || /^\/[^?#]*[^?#/]$/.test(prefix)) return prefix;
  throw new TypeError(`The prefix ${JSON.stringify(prefix)} must begin with a slash and must not end with one.`);
}
