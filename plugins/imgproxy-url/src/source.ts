import { RequestError } from '@tintype/core';
import { decodeBase64Url, decodePercent, hasControlCharacter } from './decode.ts';
import { echo } from './echo.ts';

/** Where the picture comes from, and the extension that followed it, empty if there was none. */
export interface SourcePart {
  readonly source: string;
  readonly extension: string;
}

const PLAIN = 'plain/';

/** A scheme with its colon and two slashes: RFC 3986 §3.1. */
const ABSOLUTE = /^[a-z][a-z0-9+.-]*:\/\//i;

/** Whether `text` begins like an absolute URL. */
export function isAbsolute(text: string): boolean {
  return ABSOLUTE.test(text);
}

/**
 * Reads the rest of a path: `plain/{percent-escaped}[@ext]` or `{base64}[.ext]`.
 *
 * @param baseUrl is put in front of a source that doesn't begin with it.
 * @throws RequestError 400 `invalid-source`.
 */
export function readSource(text: string, baseUrl: string): SourcePart {
  const isPlain = text.startsWith(PLAIN);
  const part = isPlain ? readPlain(text.slice(PLAIN.length)) : readBase64(text);
  const source = part.source.startsWith(baseUrl) ? part.source : baseUrl + part.source;
  if (hasControlCharacter(source)) throw invalid('The source contains a control character.');
  if (!isAbsolute(source)) {
    // Base64 is not repeated, nor what it says: it hides a password from the eye, and from who looks for one in logs.
    const shown = isPlain ? `The source ${echo(source)}` : 'The source, in base64,';
    throw invalid(`${shown} is not an absolute URL such as https://example.com/cat.jpg.`);
  }
  return source === part.source ? part : { source, extension: part.extension };
}

function readPlain(text: string): SourcePart {
  const at = text.indexOf('@');
  const escaped = at === -1 ? text : text.slice(0, at);
  if (escaped === '') throw invalid('The source is empty.');
  if (at !== -1 && text.includes('@', at + 1)) {
    throw invalid('There is more than one @ after /plain/; an @ within the source is written %40.');
  }
  const source = decodePercent(repairScheme(escaped));
  if (source === undefined) {
    throw invalid('The source has a percent-escape that is broken or not UTF-8; a percent sign is written %25.');
  }
  return { source, extension: at === -1 ? '' : text.slice(at + 1) };
}

function readBase64(text: string): SourcePart {
  const joined = text.includes('/') ? text.replaceAll('/', '') : text;
  const at = joined.indexOf('.');
  const encoded = at === -1 ? joined : joined.slice(0, at);
  if (encoded === '' || joined === 'plain') throw invalid('The source is empty.');
  if (text.startsWith('enc/')) throw unsupported('Encrypted sources are not supported yet.');
  // No UTF-8 begins with the bits of "-", so this is no source.
  if (text.startsWith('-/')) throw unsupported('Chained pipelines are not supported yet.');
  if (at !== -1 && joined.includes('.', at + 1)) {
    throw invalid('There is more than one dot after the base64 of the source; only an extension follows it.');
  }
  const source = decodeBase64Url(encoded);
  if (source === undefined) {
    throw invalid('The source is not URL-safe base64 of UTF-8; a plain URL needs /plain/ before it.');
  }
  return { source, extension: at === -1 ? '' : joined.slice(at + 1) };
}

/** One slash after the scheme, as servers that merge slashes leave it. `local:` had three. */
const MERGED_SLASHES = /^([a-z][a-z0-9+.-]*):\/(?=[^/])/i;

/** Restores the slashes after the scheme of a source that still has its escapes. */
export function repairScheme(escaped: string): string {
  const match = MERGED_SLASHES.exec(escaped);
  if (match === null) return escaped;
  const scheme = match[1] ?? '';
  return `${scheme}:${scheme === 'local' ? '///' : '//'}${escaped.slice(match[0].length)}`;
}

function invalid(message: string): RequestError {
  return new RequestError(400, 'invalid-source', message);
}

function unsupported(message: string): RequestError {
  return new RequestError(400, 'unsupported-source', message);
}
