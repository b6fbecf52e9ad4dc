import { randomBytes } from 'node:crypto';
import { RequestError } from '../contracts/dialect.ts';
import type { HttpFields } from '../contracts/http-fields.ts';

/** A name that nobody else has: with one that several proxies share, a chain of two would look like a loop. */
export function randomPseudonym(): string {
  return `tintype-${randomBytes(6).toString('hex')}`;
}

/** RFC 8586 §2: a token, or a host with or without a port. */
const PSEUDONYM = /^[!#$%&'*+.^_`|~0-9A-Za-z-]+(:\d{1,5})?$/;

/** Whether a text may stand for a proxy in `Via` and `CDN-Loop`. */
export function isPseudonym(text: string): boolean {
  return PSEUDONYM.test(text);
}

/**
 * What a request tells a web origin of the proxies it came through: `Via` (RFC 9110 §7.6.3) and
 * `CDN-Loop` (RFC 8586), what came in with this proxy at the end.
 *
 * @throws RequestError 508 if this proxy is among them already: its source leads back to it, and each
 *   round would cost another fetch.
 */
export function onward(headers: HttpFields, pseudonym: string): HttpFields {
  const { via, 'cdn-loop': loop } = headers;
  if (loop !== undefined && namesIn(loop).includes(pseudonym.toLowerCase())) {
    throw new RequestError(508, 'loop', 'The source of this image leads back to this proxy.');
  }
  return { via: appended(via, `1.1 ${pseudonym}`), 'cdn-loop': appended(loop, pseudonym) };
}

/** Whether a request says itself which proxies it came through: any client may, and a source hears of it. */
export function saysItsWay({ via, 'cdn-loop': loop }: HttpFields): boolean {
  return !isEmpty(via) || !isEmpty(loop);
}

function isEmpty(list: string | undefined): list is undefined | '' {
  return list === undefined || list.trim() === '';
}

function appended(list: string | undefined, item: string): string {
  return isEmpty(list) ? item : `${list}, ${item}`;
}

/** The names in a `CDN-Loop` field, in lower case, without parameters. */
function namesIn(field: string): readonly string[] {
  const withoutTexts = field.replaceAll(/"(?:[^"\\]|\\.)*"/g, '""');
  return withoutTexts.split(',').map((info) => (info.split(';')[0] ?? '').trim().toLowerCase());
}
