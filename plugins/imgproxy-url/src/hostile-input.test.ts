import { RequestError } from '@tintype/core';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { ImgproxyDialect } from './dialect.ts';
import { PROCESSING_OPTIONS } from './processing-options.ts';

const dialect = new ImgproxyDialect({ presets: ['a=w:1'], onlyPresets: false, baseUrl: '' });

/** Parses `target`; anything but a request or a decent refusal is a failure. */
function survives(target: string): void {
  try {
    dialect.parse({ target });
  } catch (error) {
    if (!RequestError.is(error)) throw error;
    expect([400, 403, 404]).toContain(error.status);
    expect(error.message).toMatch(/^[\p{L}\p{N}\p{P}\p{S} ]+\.$/u);
    expect(error.message).not.toMatch(/[<>\\\p{Cc}]/u);
    expect(error.message.length).toBeLessThan(250);
  }
}

test('whatever is asked for, the answer is a request or one short, harmless sentence', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary', maxLength: 200 }), (text) => survives(`/${text}`)),
    { numRuns: 500 },
  );
});

test('the same for options with arguments of any kind', () => {
  const names = [...PROCESSING_OPTIONS.flatMap((option) => option.names), 'pr', 'wm', 'x'];
  const argument = fc.oneof(
    fc.constantFrom(
      '',
      '0',
      '1',
      '-1',
      'NaN',
      'Infinity',
      '-Infinity',
      '1e999',
      '0x1',
      '٣',
      'fp',
      'sm',
      'ce',
      'a',
      '%00',
      '%',
    ),
    fc.double().map(String),
    fc.string({ maxLength: 8 }),
  );
  const option = fc.tuple(fc.constantFrom(...names), fc.array(argument, { maxLength: 9 }));
  fc.assert(
    fc.property(fc.array(option, { maxLength: 4 }), (options) => {
      survives(`/sig/${options.map(([name, args]) => [name, ...args].join(':')).join('/')}/plain/http://a/b`);
    }),
    { numRuns: 1000 },
  );
});

test.each([
  ['slashes', `/sig/${'/'.repeat(60_000)}`],
  ['colons', `/sig/${':'.repeat(60_000)}/plain/http://a/b`],
  ['colons after a name', `/sig/w${':'.repeat(60_000)}/plain/http://a/b`],
  ['digits', `/sig/w:${'1'.repeat(60_000)}/plain/http://a/b`],
  ['percent signs', `/sig/plain/http://a/${'%'.repeat(60_000)}`],
  ['at signs', `/sig/plain/http://a/${'@'.repeat(60_000)}`],
  ['a scheme without end', `/sig/plain/${'a'.repeat(60_000)}`],
  ['padding', `/sig/${'='.repeat(60_000)}`],
  ['base64 in single digits', `/sig/${'a/'.repeat(30_000)}`],
  ['presets', `/sig/pr${':a'.repeat(30_000)}/plain/http://a/b`],
  ['options', `/sig${'/w:1'.repeat(15_000)}/plain/http://a/b`],
])('60,000 characters of %s take no more than a moment', (_what, target) => {
  const before = process.cpuUsage().user;
  survives(target);
  expect((process.cpuUsage().user - before) / 1000).toBeLessThan(2_000);
});
