import { describe, expect, test } from 'vitest';
import { PurgeBook } from './purge-book.ts';

const SOURCE = 'https://a.test/cat.jpg';
const variant = (requestedAt: number, tags?: readonly string[]) => ({
  key: 'v1/abc/def',
  source: SOURCE,
  tags,
  requestedAt,
});

describe('what was asked for before it was purged', () => {
  test.each([
    ['all', ''],
    ['source', SOURCE],
    ['tag', 'cats'],
    ['key', 'v1/abc/'],
    ['key', 'v1/'],
    ['key', 'v1/abc/def'],
  ] as const)('is purged by %s "%s", and what was asked for later is not', (scope, value) => {
    const book = new PurgeBook();
    book.note({ scope, value, at: 1_000 });
    expect(book.isPurged(variant(999, ['cats']), false)).toBe(true);
    expect(book.isPurged(variant(1_000, ['cats']), false)).toBe(true);
    expect(book.isPurged(variant(1_001, ['cats']), false)).toBe(false);
  });

  test.each([
    ['source', 'https://a.test/dog.jpg'],
    ['tag', 'cats'],
    ['key', 'v1/ab'],
    ['key', 'v1/abd/'],
  ] as const)('is none of what %s "%s" is about', (scope, value) => {
    const book = new PurgeBook();
    book.note({ scope, value, at: 1_000 });
    expect(book.isPurged(variant(1), true)).toBe(false);
  });
});

test('the same purge, or an older one of the same, is no news', () => {
  const book = new PurgeBook();
  expect(book.note({ scope: 'tag', value: 'cats', at: 5 })).toBe(true);
  expect(book.note({ scope: 'tag', value: 'cats', at: 5 })).toBe(false);
  expect(book.note({ scope: 'tag', value: 'cats', at: 4 })).toBe(false);
  expect(book.note({ scope: 'tag', value: 'cats', at: 6 })).toBe(true);
  expect(book.note({ scope: 'all', value: '', at: 3 })).toBe(true);
  expect(book.note({ scope: 'all', value: 'whatever', at: 3 })).toBe(false);
});

test('each purge that may concern a key begins a new era of it', () => {
  const book = new PurgeBook();
  const eras = [book.eraOf('v1/abc/def')];
  for (const [scope, value] of [
    ['key', 'v1/abc/'],
    ['source', 'https://elsewhere.test/'],
    ['tag', 'cats'],
    ['all', ''],
  ] as const) {
    book.note({ scope, value, at: 1 });
    eras.push(book.eraOf('v1/abc/def'));
  }
  expect(new Set(eras).size).toBe(5);
  book.note({ scope: 'key', value: 'v1/xyz/', at: 1 });
  expect(book.eraOf('v1/abc/def')).toBe(eras.at(-1));
});

test('of more purges than it remembers the oldest purge what is older than they are, where nobody has removed it', () => {
  const [book, removing] = [new PurgeBook(), new PurgeBook()];
  for (let at = 1; at <= 20_001; at++) {
    book.note({ scope: 'key', value: `v1/${at}/`, at });
    removing.note({ scope: 'key', value: `v1/${at}/`, at });
    removing.removed(`v1/${at}/`, at);
  }
  const first = (requestedAt: number) => ({ key: 'v1/1/x', source: '', requestedAt });
  expect(book.isPurged(first(1), true)).toBe(true);
  expect(book.isPurged(first(2), true)).toBe(false);
  // Where everything was removed that was purged, nothing more is.
  expect(book.isPurged(first(1), false)).toBe(false);
  expect(removing.isPurged(first(1), true)).toBe(false);
  expect(book.announcements).toHaveLength(20_000);
  expect([book.forgottenAt, removing.forgottenAt]).toEqual([1, Number.NEGATIVE_INFINITY]);
});

test('what was purged anew is not removed by what removed the purge before', () => {
  const book = new PurgeBook();
  book.note({ scope: 'key', value: 'v1/1/', at: 2 });
  book.removed('v1/1/', 1);
  for (let other = 0; other < 20_000; other++) book.note({ scope: 'key', value: `v2/${other}/`, at: 3 });
  expect(book.forgottenAt).toBe(2);
});

test('a purge that is not later than what is known begins an era, and purges no less than before', () => {
  const book = new PurgeBook();
  book.note({ scope: 'key', value: 'v1/abc/', at: 60_000 });
  const era = book.eraOf('v1/abc/r');
  expect(book.note({ scope: 'key', value: 'v1/abc/', at: 5 })).toBe(false);
  const next = book.eraOf('v1/abc/r');
  expect(next).toBeGreaterThan(era);
  // Heard of once more it is a repetition; done once more at the same time it is not.
  book.note({ scope: 'key', value: 'v1/abc/', at: 60_000 });
  expect(book.eraOf('v1/abc/r')).toBe(next);
  book.note({ scope: 'key', value: 'v1/abc/', at: 60_000 }, true);
  expect(book.eraOf('v1/abc/r')).toBeGreaterThan(next);
  expect(book.isPurged({ key: 'v1/abc/r', source: '', requestedAt: 60_000 }, false)).toBe(true);
});

test('a book that is told what another remembers, knows the same', () => {
  const [one, other] = [new PurgeBook(), new PurgeBook()];
  one.note({ scope: 'all', value: '', at: 1 });
  one.note({ scope: 'source', value: SOURCE, at: 2 });
  one.note({ scope: 'tag', value: 'cats', at: 3 });
  one.note({ scope: 'key', value: 'v1/abc/', at: 4 });
  for (const purge of one.announcements) other.note(purge);
  expect(other.announcements).toEqual(one.announcements);
});
