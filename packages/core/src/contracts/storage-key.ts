import { StorageError } from './storage-error.ts';

declare const brand: unique symbol;

/**
 * The name of an entry: `[a-z0-9._/-]`, 1 to 512 bytes with the operator's prefix, no empty segment,
 * none that ends in `.`. `k` and `k/x` are different keys and may both exist.
 *
 * The public side makes them (`storageKey`); adapters rely on their form and check nothing.
 */
export type StorageKey = string & { readonly [brand]: 'StorageKey' };

/** Bytes (= characters) that a key may have, the operator's prefix included. */
export const MAX_KEY_BYTES = 512;

const SLASH = 0x2f;
const DOT = 0x2e;
/** By the character's code: whether a key may hold it. */
const ALLOWED = Uint8Array.from({ length: 128 }, (_, code) => Number(/[a-z0-9._/-]/.test(String.fromCharCode(code))));

/** One look at each character, and no regular expression, because every hit takes this. */
function isKey(text: string): boolean {
  if (text.length > MAX_KEY_BYTES) return false;
  // Neither may end a segment, and a slash begins none.
  let before = SLASH;
  for (let at = 0; at < text.length; at++) {
    const code = text.charCodeAt(at);
    if (ALLOWED[code] !== 1 || (code === SLASH && (before === SLASH || before === DOT))) return false;
    before = code;
  }
  return before !== SLASH && before !== DOT;
}

/** Why `text` is no key, as a clause that completes "the key …"; `undefined` if it is one. */
export function whyNotAKey(text: string): string | undefined {
  if (isKey(text)) return undefined;
  if (text.length === 0) return 'is empty';
  if (text.length > MAX_KEY_BYTES) return `has ${text.length} bytes, ${MAX_KEY_BYTES} are allowed`;
  const foreign = /[^a-z0-9._/-]/.exec(text);
  if (foreign) return `contains ${JSON.stringify(foreign[0])}, allowed are a-z 0-9 . _ / -`;
  for (const segment of text.split('/')) {
    if (segment === '') return 'has an empty segment';
    if (segment.endsWith('.')) return 'has a segment that ends in "."';
  }
  return undefined;
}

/**
 * Makes a key of `text`.
 *
 * @throws StorageError `invalid-argument` that says what is wrong with it.
 */
export function storageKey(text: string): StorageKey {
  const reason = whyNotAKey(text);
  if (reason !== undefined) {
    throw new StorageError({ code: 'invalid-argument', message: `The key ${JSON.stringify(text)} ${reason}.` });
  }
  return text as StorageKey;
}
