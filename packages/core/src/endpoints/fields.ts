import {
  type FieldPair,
  type Fields,
  hopByHopNames,
  type Policy,
  withBrowserTtl,
  withoutFields,
} from '@tintype/http-cache';
import type { HttpFields } from '../contracts/http-fields.ts';

/**
 * Fields of a client that no origin gets to see: they speak of this hop, or would let a client choose
 * what the origin takes it, its address or its path for, while the answer is stored for all. An
 * underscore counts as a hyphen: to a gateway to CGI both are the same. RFC 3875 §4.1.18.
 */
const NOT_FORWARDED: ReadonlySet<string> = new Set([
  ...[
    'host',
    'expect',
    'forwarded',
    'forwarded-for',
    'x-real-ip',
    'true-client-ip',
    'client-ip',
    'x-client-ip',
    'x-cluster-client-ip',
  ],
  ...['x-original-url', 'x-original-host', 'x-rewrite-url', 'x-host', 'x-http-host-override', 'x-original-uri'],
  ...['x-http-method-override', 'x-http-method', 'x-method-override'],
  ...['cookie', 'cookie2', 'http2-settings'],
  // Written anew, with this proxy at the end.
  ...['via', 'cdn-loop'],
]);

/**
 * Fields that decide which response there is, and how long a content is: written with an underscore they
 * are other fields to a cache, and the same to an origin behind a gateway. RFC 3875 §4.1.18.
 */
const DECIDING = /^(?:if|accept|content|transfer)-/;

/** What a request brings to an endpoint, as it will be passed on: nothing that is dropped decides anything. */
export interface ForwardedFields {
  readonly fields: readonly FieldPair[];
  /** The cookies among them, as text of the key; empty if there are none. */
  readonly cookies: string;
  /** The client sent cookies, passed on or not. */
  readonly hadCookies: boolean;
}

/** A request's end-to-end fields. `keptCookies` are passed on, all others are dropped. */
export function forwardedFields(
  request: { readonly rawHeaders?: readonly string[] | undefined; readonly headers: HttpFields },
  keptCookies: readonly string[],
  hasBody: boolean,
): ForwardedFields {
  const pairs = request.rawHeaders === undefined ? ofRecord(request.headers) : inPairs(request.rawHeaders);
  const ending = hopByHopNames(pairs);
  const fields: FieldPair[] = [];
  const lines: string[] = [];
  for (const pair of pairs) {
    const name = pair[0].toLowerCase();
    if (name === 'cookie') lines.push(pair[1]);
    const meant = name.replaceAll('_', '-');
    if (ending.has(name) || NOT_FORWARDED.has(meant) || meant.startsWith('x-forwarded')) continue;
    // These would decide what the origin answers, and not what is stored under which key.
    if (meant !== name && (ending.has(meant) || DECIDING.test(meant))) continue;
    // What describes a content goes with one only.
    if (!hasBody && (name === 'content-length' || name === 'content-type' || name === 'content-encoding')) continue;
    fields.push(pair);
  }
  const cookies = keptCookies.length === 0 || lines.length === 0 ? '' : cookiesNamed(lines, keptCookies);
  if (cookies !== '') fields.push(['Cookie', cookies]);
  return { fields, cookies, hadCookies: lines.length > 0 };
}

/** The end-to-end fields of a response. RFC 9110 §7.6.1. */
export function endToEnd(fields: Fields & readonly FieldPair[]): readonly FieldPair[] {
  return withoutFields(fields, hopByHopNames(fields));
}

/** Targeted fields that other caches share; those of this one alone end here. RFC 9213 §2.2. */
const SHARED_TARGET = 'cdn-cache-control';

/**
 * An origin's own answer as a client gets it: nothing of it is new but what the operator wants.
 *
 * @param lasts whether the operator's time in browsers is for it: not for errors, nor for what isn't kept anywhere.
 */
export function passedFields(fields: readonly FieldPair[], policy: Policy, lasts: boolean): readonly FieldPair[] {
  const own = policy.column.targetedFields ? policy.targets.filter((name) => name !== SHARED_TARGET) : [];
  const passed = withoutFields(endToEnd(fields), new Set(own));
  return withBrowserTtl(passed, lasts ? policy : { ...policy, browserTtl: undefined });
}

/** Cookies by name, in the order of the names, so that it is one text for all who send the same. RFC 6265 §4.2.1. */
function cookiesNamed(lines: readonly string[], names: readonly string[]): string {
  const found = new Map<string, string>();
  for (const pair of lines.flatMap((line) => line.split(';'))) {
    const equals = pair.indexOf('=');
    const name = pair.slice(0, equals).trim();
    if (equals > 0 && !found.has(name)) found.set(name, pair.slice(equals + 1).trim());
  }
  return names.flatMap((name) => (found.has(name) ? [`${name}=${found.get(name)}`] : [])).join('; ');
}

function inPairs(raw: readonly string[]): readonly FieldPair[] {
  const pairs: FieldPair[] = [];
  for (let index = 0; index + 1 < raw.length; index += 2) pairs.push([raw[index] ?? '', raw[index + 1] ?? '']);
  return pairs;
}

function ofRecord(headers: HttpFields): readonly FieldPair[] {
  return Object.entries(headers).flatMap(([name, value]) => (value === undefined ? [] : [[name, value] as const]));
}
