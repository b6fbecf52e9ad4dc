import { OriginError } from '@tintype/core';

/** A source, taken apart into what a request needs. */
export interface Source {
  /** Scheme, host and port: the URL standard's origin. */
  readonly origin: string;
  /** Path and query as they are sent. */
  readonly target: string;
  /** Absolute, without userinfo and fragment: safe to compare, to check and to show. */
  readonly href: string;
  /** Value for `Authorization`, made of the userinfo. */
  readonly authorization: string | undefined;
}

const PARTS = /^https?:\/\/([^/?#]*)([^?#]*)(\?[^#]*)?/i;
const DOT_SEGMENT = /(?:^|\/)(?:\.|%2e){1,2}(?=\/|$)/i;

/**
 * Takes a source URL apart.
 *
 * Host and port are what the URL standard makes of them, so that `0x7f.1` is 127.0.0.1. Path and query
 * stay byte for byte as they are, except that blanks and characters beyond ASCII, which HTTP cannot
 * carry, are percent-encoded, and that dot segments are resolved. Forms that parsers read differently
 * (backslashes, control characters, a missing host) are no URL here.
 *
 * @throws OriginError `invalid-source`.
 */
export function parseSource(text: string): Source {
  const parts = PARTS.exec(text);
  const url = URL.parse(text);
  if (parts === null || url === null || !text.isWellFormed() || hasControlCharacter(text)) throw invalid();
  const [, authority = '', path = '', query = ''] = parts;
  if (authority === '' || authority.includes('\\') || path.includes('\\')) throw invalid();
  const target = DOT_SEGMENT.test(path)
    ? url.pathname + encodeForeign(query)
    : encodeForeign((path === '' ? '/' : path) + query);
  return { origin: url.origin, target, href: url.origin + target, authorization: basicCredentials(url) };
}

/**
 * Resolves the `Location` of a redirect against the URL that answered with it, as browsers do.
 * Userinfo in it is ignored: a redirect brings no credentials.
 *
 * @throws OriginError `unavailable` if it is no URL, `refused` if it leads away from the web.
 */
export function resolveRedirect(location: string, base: Source): Source {
  const url = URL.parse(location, base.href);
  if (url === null || (url.host === '' && isWeb(url))) {
    throw new OriginError('unavailable', 'The source redirects to something that is no URL.');
  }
  if (!isWeb(url)) {
    throw new OriginError('refused', 'The source redirects to a scheme other than http and https.');
  }
  url.hash = '';
  url.username = '';
  url.password = '';
  const target = url.href.slice(url.origin.length);
  return { origin: url.origin, target, href: url.href, authorization: undefined };
}

function isWeb(url: URL): boolean {
  return url.protocol === 'http:' || url.protocol === 'https:';
}

function invalid(): OriginError {
  return new OriginError('invalid-source', 'The source is no valid http or https URL.');
}

function hasControlCharacter(text: string): boolean {
  for (let index = 0; index < text.length; index++) {
    const code = text.charCodeAt(index);
    if (code < 0x20 || code === 0x7f) return true;
  }
  return false;
}

function encodeForeign(text: string): string {
  return text.replace(/[^\x21-\x7e]+/g, encodeURIComponent);
}

/** RFC 7617 §2. Userinfo that isn't valid percent-encoding counts as it is written. */
function basicCredentials(url: URL): string | undefined {
  if (url.username === '' && url.password === '') return undefined;
  return `Basic ${Buffer.from(`${decode(url.username)}:${decode(url.password)}`).toString('base64')}`;
}

function decode(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}
