import type { HttpFields } from '@tintype/core';

/** RFC 9110 §7.6.1, and what older software treats alike. */
const HOP_BY_HOP: ReadonlySet<string> = new Set([
  'connection',
  'keep-alive',
  'proxy-authenticate',
  'proxy-authentication-info',
  'proxy-authorization',
  'proxy-connection',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
]);

/**
 * Fields that are never taken over into a request: this origin writes them itself, they describe a
 * content that a GET has not, or they would let a client tell the source who or what it is.
 */
const NOT_FORWARDED: ReadonlySet<string> = new Set([
  'host',
  'accept-encoding',
  'content-length',
  'content-type',
  'content-encoding',
  'expect',
  'forwarded',
  'x-forwarded-for',
  'x-forwarded-host',
  'x-forwarded-port',
  'x-forwarded-prefix',
  'x-forwarded-proto',
  'x-forwarded-server',
  'x-real-ip',
  'x-original-url',
  'x-rewrite-url',
  'x-http-method-override',
]);

/** Fields that belong to one origin and are dropped when a redirect leaves it. */
const CREDENTIALS: ReadonlySet<string> = new Set(['authorization', 'cookie']);

/** The fields of a first request: what was asked for, plus what every request has. */
export function requestFields(asked: HttpFields, userAgent: string, authorization: string | undefined): HttpFields {
  const nominated = nominatedBy(asked.connection);
  const fields: Record<string, string> = { accept: 'image/*,*/*;q=0.5', 'user-agent': userAgent };
  if (authorization !== undefined) fields.authorization = authorization;
  for (const [name, value] of Object.entries(asked)) {
    const key = name.toLowerCase();
    if (value === undefined || HOP_BY_HOP.has(key) || NOT_FORWARDED.has(key) || nominated.has(key)) continue;
    fields[key] = value;
  }
  // Images gain nothing from another compression, and lengths and tags then mean the bytes themselves.
  fields['accept-encoding'] = 'identity';
  return fields;
}

/** The same fields for another origin. */
export function withoutCredentials(fields: HttpFields): HttpFields {
  return Object.fromEntries(Object.entries(fields).filter(([name]) => !CREDENTIALS.has(name)));
}

/**
 * The end-to-end fields of a response, without `set-cookie`: repeated ones joined, names in lower case.
 *
 * @param raw names and values in turn, values as Latin-1.
 */
export function endToEndFields(raw: readonly string[]): HttpFields {
  // Without a prototype, because a server may call a field `__proto__`.
  const fields: Record<string, string> = Object.create(null);
  for (let index = 0; index + 1 < raw.length; index += 2) {
    const name = (raw[index] ?? '').toLowerCase();
    const value = (raw[index + 1] ?? '').trim();
    const before = fields[name];
    fields[name] = before === undefined ? value : `${before}, ${value}`;
  }
  for (const name of nominatedBy(fields.connection)) delete fields[name];
  for (const name of HOP_BY_HOP) delete fields[name];
  delete fields['set-cookie'];
  delete fields['set-cookie2'];
  return fields;
}

/** @param raw names and values in turn. */
export function hasCookie(raw: readonly string[]): boolean {
  return raw.some((name, index) => index % 2 === 0 && name.toLowerCase() === 'set-cookie');
}

function nominatedBy(connection: string | undefined): ReadonlySet<string> {
  return new Set((connection ?? '').split(',').map((name) => name.trim().toLowerCase()));
}
