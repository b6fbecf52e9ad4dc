/** What is written in place of a secret. */
export const HIDDEN = '***';

const LONGEST_LOGGED_URL = 2_048;

/** Segments that stand where a signature would and are no secret. */
const CUSTOMARY = new Set(['unsafe', 'insecure', '_']);

/** `user:password@` of a URL, escaped or not: everything from the scheme to the last `@` before a slash. */
const USERINFO = /((?::|%3a)(?:\/|%2f){1,2})(?:(?!%2f|%3f|%23)[^/?#\s])+(@|%40)/gi;

/** The same in a URL that is escaped twice or more often, as a parameter of another one is. */
const NESTED_USERINFO = /(%((?:25)+)3a(?:%\2(?:2f)){1,2})(?:(?!%\2(?:2f|3f|23))[^/?#\s])+(%\2(?:40))/gi;

/**
 * Userinfo that holds escaped separators, as it has to: `user:p%23w@`, `to%2Fken@`. Without a colon an `@` and
 * one word at the end may as well be a source's extension: `s3://bucket%2Fkey@webp`.
 */
const ESCAPED_USERINFO = /((?::|%3a)\/{1,2})(?:(?=[^/?#\s@]*?(?::|%3a))[^/?#\s]+(@)|[^/?#\s]+(@)(?!\w+$))/gi;

/**
 * A parameter of a query that grants something, escaped any number of times: everything of Amazon's
 * and Google's signed URLs, Azure's `sig` and the keys of its connection strings, ImageKit's `ik-s`, and
 * what is commonly named so.
 */
const GRANTING =
  /((?:^|[?&;]|%(?:25)*(?:3f|26|3b))(?:x-(?:amz|goog)-[\w-]{1,64}|awsaccesskeyid|googleaccessid|sig|ik-s|jwt|auth|authorization|pass|pwd|key|[\w-]{0,32}(?:token|secret|password|signature|credential|(?:api|account|access|secret)[_-]?key))(?:=|%(?:25)*3d))(?:(?!%(?:25)*26)[^&#\s])*/gi;

/**
 * A field `Authorization` of whatever scheme, or with a token, to the end of its line or quotation, as errors
 * of clients quote them; and a bearer token by itself (RFC 6750).
 */
const AUTHORIZATION =
  /(\b(?:proxy-)?authorization["']?\s*[:=]\s*["']?(?:[\w-]+ +)?|\bx-(?:auth|subject|amz-security)-token["']?\s*[:=]\s*["']?|\bbearer +(?=[\w.~+/=-]{8}))(?:(?<=bearer +)[\w.~+/=-]+|[^"'\r\n]{8,})/gi;

/** Hides userinfo of URLs, tokens, and the values of parameters that grant something, in any text. */
export function hideSecrets(text: string): string {
  return text
    .replace(USERINFO, `$1${HIDDEN}$2`)
    .replace(NESTED_USERINFO, `$1${HIDDEN}$3`)
    .replace(ESCAPED_USERINFO, `$1${HIDDEN}$2$3`)
    .replace(GRANTING, `$1${HIDDEN}`)
    .replace(AUTHORIZATION, `$1${HIDDEN}`);
}

/**
 * A request target for the log: without the signature (the first segment, unless it is one of the
 * customary words for "none"), without userinfo, tokens and `X-Amz-*` of the source, whether it is
 * written plainly or in base64, and cut at 2,048 characters.
 *
 * @param signedFrom where the path with the signature begins; -1 if there is none in this target.
 */
export function redactTarget(target: string, signedFrom = 0): string {
  if (signedFrom === 0) return cut(redactSigned(target));
  if (signedFrom < 0) return cut(mayHoldSecret(target) ? hideSecrets(target) : target);
  return cut(target.slice(0, signedFrom) + redactSigned(target.slice(signedFrom)));
}

function cut(text: string): string {
  return text.length > LONGEST_LOGGED_URL ? `${text.slice(0, LONGEST_LOGGED_URL)}…` : text;
}

function redactSigned(target: string): string {
  const end = target.charCodeAt(0) === 0x2f ? target.indexOf('/', 1) : -1;
  const signature = end < 0 ? '' : target.slice(1, end);
  let rest = end < 0 ? target : target.slice(end);
  if (mayHoldSecret(rest)) rest = hideSecrets(rest);
  const query = rest.indexOf('?');
  const path = query < 0 ? rest : rest.slice(0, query);
  if (end >= 0 && encodesSecret(path)) rest = `${path.slice(0, sourceStart(path))}${HIDDEN}`;
  return end < 0 ? rest : `/${CUSTOMARY.has(signature) ? signature : HIDDEN}${rest}`;
}

/** Cheap, and false for nearly all targets, so that a hit does not run the regular expressions. */
function mayHoldSecret(text: string): boolean {
  if (text.includes('=') || text.includes('%')) return true;
  if (!text.includes('@')) return false;
  // Most plain sources end in `@extension`: userinfo stands before the first slash of the authority.
  for (let colon = text.indexOf(':/'); colon >= 0; colon = text.indexOf(':/', colon + 2)) {
    const authority = text.charCodeAt(colon + 2) === 0x2f ? colon + 3 : colon + 2;
    const at = text.indexOf('@', authority);
    const slash = text.indexOf('/', authority);
    if (at >= 0 && (slash < 0 || at < slash)) return true;
  }
  return false;
}

/** Where a base64 source begins at the soonest: after the last option, which is the last segment with a colon. */
function sourceStart(path: string): number {
  const colon = Math.max(path.lastIndexOf(':'), path.lastIndexOf('%3A'), path.lastIndexOf('%3a'));
  return path.indexOf('/', colon + 1) + 1;
}

function encodesSecret(path: string): boolean {
  if (path.includes('/plain/')) return false;
  const start = sourceStart(path);
  if (start === 0) return false;
  const dot = path.lastIndexOf('.');
  const encoded = path.slice(start, dot > start ? dot : path.length);
  const joined = encoded.replaceAll('/', '');
  // The first segment may be the name of a preset: then the source begins at any of the four places of a group.
  const places = joined.length === encoded.length ? 1 : 4;
  for (let place = 0; place < places; place++) {
    const decoded = Buffer.from(joined.slice(place), 'base64url').toString('latin1');
    if ((decoded.includes('@') || decoded.includes('=')) && hideSecrets(decoded) !== decoded) return true;
  }
  return false;
}
