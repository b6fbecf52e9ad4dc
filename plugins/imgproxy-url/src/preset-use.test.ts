import { expect, test } from 'vitest';
import { ImgproxyDialect } from './dialect.ts';

const options = { presets: ['default=sm:0', 'thumb=rs:fit:50', 'soft=bl:2'], baseUrl: '' };
const dialect = new ImgproxyDialect({ ...options, onlyPresets: false });
const strict = new ImgproxyDialect({ ...options, onlyPresets: true });
const source = 'plain/local:///a.jpg';

test.each([
  ['pr:thumb', ['thumb'], true],
  ['preset:thumb:soft', ['thumb', 'soft'], true],
  ['pr:thumb/pr:soft', ['thumb', 'soft'], true],
  ['pr%3Athumb', ['thumb'], true],
  ['pr:thumb/f:webp/cb:7/exp:4102444800/fn:a/att:1', ['thumb'], true],
  ['pr:thumb/w:50', ['thumb'], false],
  ['q:50/pr:thumb', ['thumb'], false],
  ['raw:1/pr:thumb', ['thumb'], false],
  ['w:50', [], false],
  ['f:webp', [], false],
])('%s names %j; alone: %s', (text, names, alone) => {
  const target = `/_/${text}/${source}@png`;
  expect(dialect.parse({ target }).source).toBe('local:///a.jpg');
  expect(dialect.presetsOf({ target })).toEqual({ names, alone });
});

test('a URL without options names none, although one is applied to all', () => {
  expect(dialect.presetsOf({ target: `/_/${source}` })).toEqual({ names: [], alone: false });
});

test('where nothing but presets is taken, they are all there is', () => {
  const target = `/_/thumb:soft/${source}`;
  expect(strict.parse({ target }).operations.blur).toBe(2);
  expect(strict.presetsOf({ target })).toEqual({ names: ['thumb', 'soft'], alone: true });
});
