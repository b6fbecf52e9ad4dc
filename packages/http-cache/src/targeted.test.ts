import { expect, test } from 'vitest';
import { NO_DIRECTIVES } from './cache-control.ts';
import { fields, stored } from './exchange.fixture.ts';
import { parseTargetedField, targetedCacheControl } from './targeted.ts';

test.each([
  ['max-age=60', { maxAge: 60 }],
  ['foobar, max-age=60;x=1', { maxAge: 60 }],
  ['max-age=99999999999', { maxAge: 2 ** 31 }],
  ['max-age=-1', { maxAge: 0 }],
  ['no-store, private', { noStore: true, private: true }],
  ['no-store=?0, max-age=1', { maxAge: 1 }],
  ['no-cache="a, b"', { noCache: ['a', 'b'] }],
  ['private=("a" "b")', { private: ['a', 'b'] }],
])('%s is understood', (value, expected) => {
  expect(parseTargetedField(value)).toEqual({ ...NO_DIRECTIVES, ...expected });
});

test.each(['', '  ', 'max-age=60, &&&&', 'max-age="60"', 'max-age=1.5', 'max-age', 'No-Store', 'max-age =60'])(
  '"%s" is as if absent (RFC 9213 §2.1)',
  (value) => {
    expect(parseTargetedField(value)).toBeUndefined();
  },
);

test('a void field leaves the decision to the next one, and at last to Cache-Control', () => {
  expect(targetedCacheControl(fields('Tintype-CDN-Cache-Control: No\nCDN-Cache-Control: max-age=5'))?.name).toBe(
    'cdn-cache-control',
  );
  expect(stored('CDN-Cache-Control: max-age="9"\nCache-Control: no-store')).toEqual({
    store: false,
    reason: 'no-store',
  });
});

test.each(['no-store', 'private'])(
  'CDN-Cache-Control: %s forbids what Cache-Control and Expires allow',
  (directive) => {
    const response = `CDN-Cache-Control: ${directive}\nCache-Control: max-age=9\nExpires: Mon, 11 Jan 2038 11:11:11 GMT`;
    expect(stored(response).store).toBe(false);
  },
);
