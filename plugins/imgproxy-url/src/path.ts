import { RequestError, type Signature } from '@tintype/core';
import { repairScheme } from './source.ts';

/** Anything but printable ASCII: a URL has to escape it, and whoever doesn't may mean two things by it. */
const FOREIGN = /[^!-~]/;

const ESCAPED_COLON = /%3a/gi;

/**
 * Splits `/{signature}/{rest}` and drops the query, which imgproxy neither reads nor signs. The
 * payload is what follows the signature, exactly as received.
 *
 * @throws RequestError 400 if it isn't a path, 403 without a signature, 404 if nothing follows it.
 */
export function splitTarget(target: string): Signature {
  const query = target.indexOf('?');
  const path = query === -1 ? target : target.slice(0, query);
  if (path.charCodeAt(0) !== 47) throw new RequestError(400, 'invalid-path', 'The path must begin with a slash.');
  if (FOREIGN.test(path)) {
    throw new RequestError(400, 'invalid-path', 'The path contains a character that must be percent-escaped.');
  }
  const slash = path.indexOf('/', 1);
  const text = slash === -1 ? path.slice(1) : path.slice(1, slash);
  if (looksUnsigned(text, slash)) {
    throw new RequestError(
      403,
      'missing-signature',
      'The path must begin with a signature, as in /{signature}/{options}/plain/{source}; it seems to have been left out.',
    );
  }
  if (slash === -1 || slash === path.length - 1) {
    throw new RequestError(404, 'no-image', 'There is no image here; a path is /{signature}/{options}/plain/{source}.');
  }
  return { text, payload: path.slice(slash) };
}

/** An option or a source where the signature belongs. */
function looksUnsigned(text: string, slash: number): boolean {
  if (text === '') return slash !== -1 && slash !== 0;
  return text === 'plain' || unescapeColons(text).includes(':');
}

/** Colons as options need them: some servers on the way escape them. */
export function unescapeColons(text: string): string {
  return text.includes('%') ? text.replace(ESCAPED_COLON, ':') : text;
}

/**
 * The payload as it was before a server on the way escaped colons of options or merged the slashes
 * of a plain source; the same text if none did.
 */
export function repairPayload(payload: string): string {
  const plain = payload.indexOf('/plain/');
  if (plain === -1) return unescapeColons(payload);
  const source = plain + '/plain/'.length;
  return `${unescapeColons(payload.slice(0, plain))}/plain/${repairScheme(payload.slice(source))}`;
}
