import { storageKey } from '@tintype/core';
import { describe, expect, test } from 'vitest';
import { entryPath, parseName } from './key-path.ts';

const path = (key: string) => entryPath(storageKey(key));

/** The key again, out of the names alone. */
function keyOf(entry: string): string {
  const names = entry.split('/');
  return names.map((name, index) => parseName(name, index < names.length - 1)?.text).join('');
}

describe('the path of a key', () => {
  test('is the key, with a mark on the file', () => {
    expect(path('v1/ab/cd')).toBe('v1/ab/cd@');
    expect([path('k'), path('k/x')]).toEqual(['k@', 'k/x@']);
  });

  test.each([3, 127, 128, 129, 255, 256, 257, 512])('a segment of %i characters has names of at most 140', (length) => {
    for (const key of ['s'.repeat(length), `${'s'.repeat(length - 2)}/x`, `x/${'s'.repeat(length - 2)}`]) {
      const names = path(key).split('/');
      expect(Math.max(...names.map((name) => name.length))).toBeLessThanOrEqual(140);
      expect(keyOf(path(key))).toBe(key);
    }
  });

  test('long keys that differ by little have different paths', () => {
    const keys = [127, 128, 129, 256].flatMap((length) => {
      const s = 's'.repeat(length);
      return [s, `${s}/s`, `${s}s`, `${s}-`, `${s.slice(1)}t`];
    });
    expect(new Set(keys.map(path)).size).toBe(new Set(keys).size);
  });
});

test('names that no key has mean nothing', () => {
  for (const name of ['@temp', '@locks', 'a+b', '+', 'x=']) expect(parseName(name, true)).toBeUndefined();
  for (const name of ['lost+found', 'readme', 'a@b@', '=@', '+@']) expect(parseName(name, false)).toBeUndefined();
});
