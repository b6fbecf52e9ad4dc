import { type BareItem, type Dictionary, parseDictionary } from 'structured-headers';
import {
  addDuration,
  addFields,
  type CacheControl,
  DIRECTIVES,
  type Draft,
  MAX_DELTA_SECONDS,
  NO_DIRECTIVES,
} from './cache-control.ts';
import { type Fields, fieldValue } from './fields.ts';

/** Targeted fields that this cache obeys unless told otherwise, most specific first. RFC 9213 §2.2. */
export const DEFAULT_TARGETS: readonly string[] = ['tintype-cdn-cache-control', 'cdn-cache-control'];

/**
 * The first of `targets` (lower-case names) that is there and valid. It decides alone: `Cache-Control`
 * and `Expires` count no more. An empty field, or one that is no dictionary, is as if absent.
 * RFC 9213 §2.1, §2.2.
 */
export function targetedCacheControl(
  fields: Fields,
  targets: readonly string[] = DEFAULT_TARGETS,
): { readonly name: string; readonly control: CacheControl } | undefined {
  for (const name of targets) {
    const value = fieldValue(fields, name);
    const control = value === undefined ? undefined : parseTargetedField(value);
    if (control !== undefined) return { name, control };
  }
  return undefined;
}

/**
 * A targeted field's directives; `undefined` if the field must be ignored. Unlike `Cache-Control` it
 * is strict: upper-case names or a quoted number make the whole field void. RFC 9213 §2.1.
 */
export function parseTargetedField(value: string): CacheControl | undefined {
  let dictionary: Dictionary;
  try {
    dictionary = parseDictionary(value);
  } catch {
    return undefined;
  }
  if (dictionary.size === 0) return undefined;
  const control: Draft = { ...NO_DIRECTIVES };
  for (const [name, [member]] of dictionary) {
    const directive = DIRECTIVES.get(name);
    if (directive === undefined || member === false) continue;
    if (directive.kind === 'flag') control[directive.key] = true;
    else if (directive.kind === 'fields') addFields(control, directive.key, fieldList(member));
    else {
      if (typeof member !== 'number' || !Number.isInteger(member)) return undefined;
      addDuration(control, directive.key, Math.min(Math.max(member, 0), MAX_DELTA_SECONDS));
    }
  }
  return control;
}

/** `no-cache="a, b"`, `no-cache=a` or `no-cache=("a" "b")`. */
function fieldList(member: BareItem | readonly [BareItem, unknown][]): string | undefined {
  if (Array.isArray(member)) return member.map(([item]) => String(item)).join(',');
  return member === true ? undefined : String(member);
}
