import { type Fields, fieldLines, fieldValue, listMembers, splitList } from './fields.ts';
import type { Policy } from './policy.ts';

/** Normal forms of request fields, by lower-case name. */
export type Normalisers = Readonly<Record<string, (value: string) => string>>;

/** What of a request a stored response depends on: each field's name and normal form, `null` where it was absent. */
export type VaryKey = readonly (readonly [name: string, value: string | null])[];

/**
 * The lower-case names that a response varies by, sorted; `'*'` if no other request may use it.
 * RFC 9110 §12.5.5, RFC 9111 §4.1.
 */
export function varyNames(response: Fields, policy: Pick<Policy, 'vary'>): readonly string[] | '*' {
  const lines = fieldLines(response, 'vary');
  if (lines.length === 0) return [];
  const names = new Set(listMembers(lines).map((name) => name.toLowerCase()));
  if (names.has('*')) return '*';
  const { vary } = policy;
  return [...names].filter((name) => vary === 'all' || vary.includes(name)).sort();
}

/** The key of a request under the names that a response varies by. RFC 9111 §4.1. */
export function varyKey(names: readonly string[], request: Fields, normalisers: Normalisers = {}): VaryKey {
  return names.map((name) => [name, normalField(name, request, normalisers)]);
}

/** A vary key as text, to be part of a storage key; of equal keys it is equal. */
export function secondaryKey(key: VaryKey): string {
  return key.length === 0 ? '' : JSON.stringify(key);
}

/** Whether a request may use a response that was stored under `key`. RFC 9111 §4.1. */
export function varyMatches(key: VaryKey, request: Fields, normalisers: Normalisers = {}): boolean {
  return key.every(([name, value]) => normalField(name, request, normalisers) === value);
}

/**
 * Whether a response stored for another `Accept-Language` is in the very language that this request
 * likes best, and all else matches: the origin, which has it, would choose it again. RFC 9111 §4.1
 * allows comparing by meaning.
 */
export function languageMatches(
  key: VaryKey,
  response: Fields,
  request: Fields,
  normalisers: Normalisers = {},
): boolean {
  const language = fieldValue(response, 'content-language')?.trim().toLowerCase();
  const wished = fieldValue(request, 'accept-language');
  if (language === undefined || wished === undefined || language.includes(',')) return false;
  const [best, second] = preferences(wished);
  if (best?.value !== language || best.q === 0 || second?.q === best.q) return false;
  return varyMatches(
    key.filter(([name]) => name !== 'accept-language'),
    request,
    normalisers,
  );
}

function normalField(name: string, request: Fields, normalisers: Normalisers): string | null {
  const lines = fieldLines(request, name);
  if (lines.length === 0) return null;
  const normalise = Object.hasOwn(normalisers, name) ? normalisers[name] : undefined;
  if (normalise !== undefined) return normalise(lines.join(', '));
  return PREFERENCES.has(name) ? normalisePreferences(lines.join(',')) : listMembers(lines).join(',');
}

/** Fields that are lists of preferences, in which order means nothing. RFC 9110 §12.5. */
const PREFERENCES: ReadonlySet<string> = new Set(['accept', 'accept-charset', 'accept-encoding', 'accept-language']);

/**
 * A list of preferences in normal form: names in lower case, by falling weight and then by name, weights of 1
 * left out. Two lists that mean the same are the same text. RFC 9110 §12.4.2.
 */
export function normalisePreferences(value: string): string {
  return preferences(value)
    .map((item) => (item.q === 1 ? item.value : `${item.value};q=${item.q}`))
    .join(',');
}

interface Preference {
  readonly value: string;
  readonly q: number;
}

function preferences(value: string): readonly Preference[] {
  const items = listMembers([value]).map((member): Preference => {
    const [main = '', ...parameters] = splitList(member, ';').map((part, at) =>
      at === 0 ? part.toLowerCase() : named(part),
    );
    const weight = parameters.find((part) => /^q\s*=/.test(part));
    const others = parameters.filter((part) => part !== weight && part !== '');
    return { value: [main, ...others].join(';'), q: weight === undefined ? 1 : weightOf(weight) };
  });
  return items.sort((a, b) => b.q - a.q || (a.value < b.value ? -1 : a.value > b.value ? 1 : 0));
}

/** A parameter with its name in lower case; what its value means by its case nobody here knows. RFC 9110 §5.6.6. */
function named(parameter: string): string {
  const equals = parameter.indexOf('=');
  return equals < 0 ? parameter.toLowerCase() : parameter.slice(0, equals).toLowerCase() + parameter.slice(equals);
}

/** A weight of at most three decimals; what is none is 1, as if it were absent. RFC 9110 §12.4.2. */
function weightOf(parameter: string): number {
  const text = parameter.slice(parameter.indexOf('=') + 1).trim();
  return /^(?:0(?:\.\d{0,3})?|1(?:\.0{0,3})?)$/.test(text) ? Number(text) : 1;
}
