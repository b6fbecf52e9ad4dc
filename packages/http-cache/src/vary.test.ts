import { describe, expect, test } from 'vitest';
import { dateAfter, entryOf, fields } from './exchange.fixture.ts';
import { createPolicy } from './policy.ts';
import { selectEntry } from './select.ts';
import { normalisePreferences, secondaryKey, varyKey, varyMatches } from './vary.ts';

const policy = createPolicy();
/** Whether a response to `first` may answer `second`. */
const reused = (vary: string, first: string, second: string, more = '') =>
  selectEntry([entryOf(`Cache-Control: max-age=9\nVary: ${vary}\n${more}`, policy, first)], fields(second), policy) !==
  undefined;

describe('a request may use a response (RFC 9111 §4.1)', () => {
  test.each([
    ['of the same fields', 'Foo', 'Foo: 1', 'Foo: 1'],
    ['that varies by none', '', 'Foo: 1', 'Foo: 2'],
    ['whose other fields differ', 'Foo', 'Foo: 1\nBar: 2', 'Foo: 1\nBar: 3'],
    ['where both lack the field', 'Foo, Bar', 'Foo: 1', 'Foo: 1'],
    ['of the same list in two lines', 'Foo', 'Foo: 1, 2', 'Foo: 1\nFoo: 2'],
    ['of the same list with other spaces', 'Foo', 'Foo: 1,2', 'Foo:  1, 2 '],
    ['of the same languages in another order', 'Accept-Language', 'Accept-Language: en, de', 'Accept-Language: de, en'],
    [
      'of the same languages in another case',
      'Accept-Language',
      'Accept-Language: en, de',
      'Accept-Language: eN ,  De',
    ],
    ['of the same weights', 'Accept', 'Accept: a/b;q=0.50, c/d', 'Accept: c/d;q=1.0, a/b;q=0.5'],
  ])('%s', (_name, vary, first, second) => {
    expect(reused(vary, first, second)).toBe(true);
  });

  test.each([
    ['of another value', 'Foo', 'Foo: 1', 'Foo: 2'],
    ['where only one has the field', 'Foo', 'Foo: 1', ''],
    ['where only the other has the field', 'Foo', '', 'Foo: 1'],
    ['where one is empty and the other absent', 'Foo', '', 'Foo:'],
    ['of another case, where case may matter', 'Foo', 'Foo: a', 'Foo: A'],
    ['of another order, where order may matter', 'Foo', 'Foo: 1, 2', 'Foo: 2, 1'],
    ['where one of three differs', 'Foo, Bar, Baz', 'Foo: 1\nBar: 2\nBaz: 3', 'Foo: 1\nBar: 2\nBaz: 4'],
    ['of another parameter, whose case may matter', 'Accept', 'Accept: a/b;p=X', 'Accept: a/b;p=x'],
    ['of another quoted text, whose case may matter', 'Accept', 'Accept: a/b;p="X"', 'Accept: a/b;p="x"'],
    ['of another quoted text that has a weight in it', 'Accept', 'Accept: a/b;p="1;q=0.5"', 'Accept: a/b;p="1;q=0.7"'],
    ['that refuses what the other accepts', 'Accept', 'Accept: a/b', 'Accept: a/b, c/d;q=0'],
  ])('and not %s', (_name, vary, first, second) => {
    expect(reused(vary, first, second)).toBe(false);
  });

  test('in the one language that it likes best', () => {
    const german = 'Content-Language: de';
    expect(reused('Accept-Language', 'Accept-Language: en, de', 'Accept-Language: fr;q=0.5, de;q=1.0', german)).toBe(
      true,
    );
    expect(reused('Accept-Language', 'Accept-Language: en, de', 'Accept-Language: fr, de;q=0.5', german)).toBe(false);
    expect(reused('Accept-Language', 'Accept-Language: en, de', 'Accept-Language: de, fr', german)).toBe(false);
  });
});

test('names that the operator gave count in any case', () => {
  const { vary } = entryOf('Cache-Control: max-age=9\nVary: accept-ENCODING, Foo', { vary: ['Accept-Encoding'] });
  expect(vary).toEqual([['accept-encoding', null]]);
});

test.each(['*', '*, *', ', *', 'Foo, *', '*, Foo'])('Vary: %s is never reused', (vary) => {
  expect(() => entryOf(`Cache-Control: max-age=9\nVary: ${vary}`)).toThrow(/vary-star/);
});

test('of several that match, the latest by Date answers', () => {
  const old = entryOf(`Cache-Control: max-age=9\nDate: ${dateAfter(-8)}`);
  const young = entryOf(`Cache-Control: max-age=9\nDate: ${dateAfter(-1)}`);
  expect(selectEntry([young, old], [], policy)).toBe(young);
  expect(selectEntry([old, young], [], policy)).toBe(young);
});

test('a normal form of one’s own makes few variants of many values', () => {
  const normalise = { accept: (value: string) => (value.includes('avif') ? 'avif' : 'other') };
  const key = varyKey(['accept'], fields('Accept: image/avif,image/webp,*/*'), normalise);
  expect(key).toEqual([['accept', 'avif']]);
  expect(varyMatches(key, fields('Accept: image/avif'), normalise)).toBe(true);
  expect(varyMatches(key, fields('Accept: */*'), normalise)).toBe(false);
});

test('keys are text, equal exactly where the fields are', () => {
  const key = (request: string) => secondaryKey(varyKey(['bar', 'foo'], fields(request)));
  expect(key('Foo: 1')).toBe(key('Other: 2\nFoo: 1'));
  expect(new Set([key(''), key('Foo:'), key('Foo: null'), key('Bar: 1'), key('Foo: 1')]).size).toBe(5);
  expect(secondaryKey([])).toBe('');
});

test.each([
  ['image/webp, image/avif', 'image/avif,image/webp'],
  ['a/b;q=0.8;v=1, C/D', 'c/d,a/b;v=1;q=0.8'],
  ['gzip;q=0, br', 'br,gzip;q=0'],
  ['gzip;q=5', 'gzip'],
  ['A/B; Q=0.5 ;P="X, ;q=1"', 'a/b;p="X, ;q=1";q=0.5'],
])('%s in normal form is %s', (value, normal) => {
  expect(normalisePreferences(value)).toBe(normal);
});
