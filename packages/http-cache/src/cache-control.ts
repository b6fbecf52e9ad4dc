import { splitList } from './fields.ts';

/** Directives of a `Cache-Control` field, of a request or a response. Durations are whole seconds. RFC 9111 §5.2. */
export interface CacheControl {
  readonly noStore: boolean;
  /** `true` for the bare directive, the lower-case names for `no-cache="a, b"`. */
  readonly noCache: boolean | readonly string[];
  /** `true` for the bare directive, the lower-case names for `private="a, b"`. */
  readonly private: boolean | readonly string[];
  readonly public: boolean;
  readonly mustRevalidate: boolean;
  readonly proxyRevalidate: boolean;
  readonly mustUnderstand: boolean;
  readonly noTransform: boolean;
  /** RFC 8246. */
  readonly immutable: boolean;
  readonly onlyIfCached: boolean;
  readonly maxAge?: number;
  readonly sMaxage?: number;
  /** RFC 5861 §3. */
  readonly staleWhileRevalidate?: number;
  /** RFC 5861 §4. */
  readonly staleIfError?: number;
  readonly minFresh?: number;
  /** `Infinity` for the bare directive: a stale response of any age will do. */
  readonly maxStale?: number;
}

/** Largest duration that is told from others: what is longer is this long. RFC 9111 §1.2.2. */
export const MAX_DELTA_SECONDS: number = 2 ** 31;

/** No directive at all. */
export const NO_DIRECTIVES: CacheControl = Object.freeze({
  noStore: false,
  noCache: false,
  private: false,
  public: false,
  mustRevalidate: false,
  proxyRevalidate: false,
  mustUnderstand: false,
  noTransform: false,
  immutable: false,
  onlyIfCached: false,
});

export type Draft = { -readonly [K in keyof CacheControl]: CacheControl[K] };

type DurationName = 'maxAge' | 'sMaxage' | 'staleWhileRevalidate' | 'staleIfError' | 'minFresh' | 'maxStale';
type FlagName = Exclude<keyof CacheControl, DurationName | 'noCache' | 'private'>;

/** What each directive's argument is. The rest is unknown and ignored. RFC 9111 §5.2.3. */
export const DIRECTIVES: ReadonlyMap<
  string,
  | { readonly kind: 'flag'; readonly key: FlagName }
  | { readonly kind: 'fields'; readonly key: 'noCache' | 'private' }
  | { readonly kind: 'duration'; readonly key: DurationName }
> = new Map([
  ['no-store', { kind: 'flag', key: 'noStore' }],
  ['public', { kind: 'flag', key: 'public' }],
  ['must-revalidate', { kind: 'flag', key: 'mustRevalidate' }],
  ['proxy-revalidate', { kind: 'flag', key: 'proxyRevalidate' }],
  ['must-understand', { kind: 'flag', key: 'mustUnderstand' }],
  ['no-transform', { kind: 'flag', key: 'noTransform' }],
  ['immutable', { kind: 'flag', key: 'immutable' }],
  ['only-if-cached', { kind: 'flag', key: 'onlyIfCached' }],
  ['no-cache', { kind: 'fields', key: 'noCache' }],
  ['private', { kind: 'fields', key: 'private' }],
  ['max-age', { kind: 'duration', key: 'maxAge' }],
  ['s-maxage', { kind: 'duration', key: 'sMaxage' }],
  ['stale-while-revalidate', { kind: 'duration', key: 'staleWhileRevalidate' }],
  ['stale-if-error', { kind: 'duration', key: 'staleIfError' }],
  ['min-fresh', { kind: 'duration', key: 'minFresh' }],
  ['max-stale', { kind: 'duration', key: 'maxStale' }],
]);

/**
 * Reads the lines of a `Cache-Control` field. It never throws and, wherever a sender contradicts
 * itself, takes the word that allows a cache less:
 *
 * - names in any case, arguments as tokens or quoted strings, space around `=`;
 * - of duplicates the smallest duration counts (the greatest `min-fresh`), a bare `no-cache` or
 *   `private` more than one with fields, and field lists add up (RFC 9111 §4.2.1);
 * - a duration that isn't one is 0: a response with an invalid lifetime is stale (§4.2.1);
 * - a directive without argument counts even if it has one: `no-store=1` is `no-store`;
 * - durations are clamped to 2³¹ seconds (§1.2.2).
 */
export function parseCacheControl(lines: readonly string[]): CacheControl {
  if (lines.length === 0) return NO_DIRECTIVES;
  const control: Draft = { ...NO_DIRECTIVES };
  for (const line of lines) {
    for (const member of splitList(line)) {
      const equals = member.indexOf('=');
      const name = (equals < 0 ? member : member.slice(0, equals)).trim().toLowerCase();
      const directive = DIRECTIVES.get(name);
      if (directive === undefined) continue;
      const argument = equals < 0 ? undefined : unquoted(member.slice(equals + 1).trim());
      if (directive.kind === 'flag') control[directive.key] = true;
      else if (directive.kind === 'fields') addFields(control, directive.key, argument);
      else addDuration(control, directive.key, durationOf(directive.key, argument));
    }
  }
  return control;
}

/** Notes a `no-cache` or `private`; `argument` is its list of fields, if it has one. RFC 9111 §5.2.2.4, §5.2.2.7. */
export function addFields(control: Draft, key: 'noCache' | 'private', argument: string | undefined): void {
  const names = argument === undefined ? [] : argument.toLowerCase().split(/[\s,]+/);
  const known = names.filter((name) => FIELD_NAME.test(name));
  const before = control[key];
  // Without a name that could be one, the argument says nothing: `private=1` is `private`.
  if (known.length === 0 || before === true) control[key] = true;
  else control[key] = before === false ? known : [...new Set([...before, ...known])];
}

/** Notes a duration in seconds; of two the one that allows less. RFC 9111 §4.2.1. */
export function addDuration(control: Draft, key: DurationName, seconds: number | undefined): void {
  if (seconds === undefined) return;
  const before = control[key];
  control[key] =
    before === undefined ? seconds : key === 'minFresh' ? Math.max(before, seconds) : Math.min(before, seconds);
}

const FIELD_NAME = /^(?!true$)[a-z][\w!#$%&'*+.^`|~-]*$/;

function durationOf(key: DurationName, argument: string | undefined): number | undefined {
  if (argument !== undefined && /^\d+$/.test(argument)) return Math.min(Number(argument), MAX_DELTA_SECONDS);
  // A client that says it badly wants nothing in particular; an origin that does wants less caching.
  if (key === 'minFresh') return undefined;
  if (key === 'maxStale' && argument === undefined) return Number.POSITIVE_INFINITY;
  return 0;
}

function unquoted(argument: string): string {
  if (argument.length < 2 || !argument.startsWith('"') || !argument.endsWith('"')) return argument;
  return argument.slice(1, -1).replace(/\\(.)/g, '$1');
}
