import type { StorageKey } from '@tintype/core';

/**
 * How keys become paths, so that any two keys can coexist and a folder's names, sorted by
 * `NamedChild.text`, give the byte order of the keys below it.
 *
 * - The segments of a key are folders of the same name; the last one is a file, marked by `@`:
 *   `v1/ab/cd` is `v1/ab/cd@`. So `k` (`k@`) and `k/x` (`k/x@`) don't meet.
 * - A segment of 128 characters or more is cut: its first 128 are a folder marked by `+`, and the
 *   rest is named in it by the same rules. 128, because encrypting file systems take about 140.
 *   Segments of exactly that length are cut too (the rest is `@` as a file, `=` as a folder), or
 *   the folder `x/` would have to be listed in the midst of what starts with `x`.
 *
 * No key contains `@`, `+` or `=`; other names beginning with `@` are the storage's own.
 */
const PIECE = 128;
const FILE = '@';
const CUT = '+';
const EMPTY = '=';

/** Path of the entry's file below the root. */
export function entryPath(key: StorageKey): string {
  // The usual key has no long segment.
  if (key.length < PIECE) return key + FILE;
  const names: string[] = [];
  for (const segment of key.split('/')) {
    let rest = segment;
    for (; rest.length >= PIECE; rest = rest.slice(PIECE)) names.push(rest.slice(0, PIECE) + CUT);
    names.push(rest || EMPTY);
  }
  const last = names.pop();
  return [...names, last === EMPTY ? FILE : last + FILE].join('/');
}

/** Where the file of an entry is. @param root without a slash at its end. */
export function entryFileIn(root: string, key: StorageKey): string {
  return `${root}/${entryPath(key)}`;
}

/** What stands in a folder of the storage. */
export interface NamedChild {
  readonly kind: 'entry' | 'folder';
  readonly name: string;
  /** What it adds to the key: `cd` for an entry, `ab/` for a folder, less for a piece of a segment. */
  readonly text: string;
}

/** What `name` means; `undefined` for the storage's own names and for strangers. */
export function parseName(name: string, isFolder: boolean): NamedChild | undefined {
  const end = name.length - 1;
  if (!isFolder) {
    return /^[^@+=]*@$/.test(name) ? { kind: 'entry', name, text: name.slice(0, end) } : undefined;
  }
  if (name === EMPTY) return { kind: 'folder', name, text: '/' };
  if (/^[^@+=]+\+$/.test(name)) return { kind: 'folder', name, text: name.slice(0, end) };
  return /^[^@+=]+$/.test(name) ? { kind: 'folder', name, text: `${name}/` } : undefined;
}
