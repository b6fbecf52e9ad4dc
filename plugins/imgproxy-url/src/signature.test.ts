import { createHmac } from 'node:crypto';
import type { KeyRing } from '@tintype/core';
import { expect, test } from 'vitest';
import { ImgproxyDialect } from './dialect.ts';

const dialect = new ImgproxyDialect({ presets: [], onlyPresets: false, baseUrl: '' });

const pair = (key: string, salt: string): KeyRing['pairs'][number] => ({
  key: Buffer.from(key),
  salt: Buffer.from(salt),
});

function ring(pairs: KeyRing['pairs'], more: Partial<KeyRing> = {}): KeyRing {
  return { pairs, size: 32, trusted: [], ...more };
}

const documented = ring([pair('secret', 'hello')]);
const CURIOSITY = '/rs:fill:300:400:0/g:sm/aHR0cDovL2V4YW1w/bGUuY29tL2ltYWdl/cy9jdXJpb3NpdHku/anBn.png';
const CURIOSITY_MAC = 'oKfUtW34Dvo2BGQehJFR4Nr0_rIjOtdtzJ3QFsUcXH8';

const small = [pair('test-key', 'test-salt')];

test("imgproxy's documented example is signed as there", () => {
  expect(dialect.sign(CURIOSITY, documented)).toBe(`/${CURIOSITY_MAC}${CURIOSITY}`);
});

test("imgproxy's own test vectors hold, whole and truncated to 8 bytes", () => {
  expect(dialect.sign('/asd', ring(small))).toBe('/oWaL7QoW5TsgbuiS9-5-DI8S3Ibbo1gdB2SteJh3a20/asd');
  expect(dialect.sign('/asd', ring(small, { size: 8 }))).toBe('/oWaL7QoW5Ts/asd');
  expect(dialect.verify({ text: 'oWaL7QoW5Ts', payload: '/asd' }, ring(small, { size: 8 }))).toBe(true);
});

test('what was signed is accepted after a parse, padded or not', () => {
  const signature = dialect.signatureOf({ target: `/${CURIOSITY_MAC}${CURIOSITY}?seen=1` });
  expect(dialect.verify(signature, documented)).toBe(true);
  expect(dialect.verify({ ...signature, text: `${CURIOSITY_MAC}=` }, documented)).toBe(true);
});

test.each([
  ['another text', CURIOSITY_MAC.replace('o', 'p')],
  ['a shorter one', CURIOSITY_MAC.slice(0, -1)],
  ['a longer one', `${CURIOSITY_MAC}A`],
  ['the first 8 bytes', 'oKfUtW34Dvo'],
  ['nothing', ''],
  ['padding only', '='.repeat(43)],
  ['what is not base64', `${CURIOSITY_MAC.slice(0, -1)}*`],
  ['the same bytes in hex', Buffer.from(CURIOSITY_MAC, 'base64url').toString('hex')],
])('%s is no signature', (_what, text) => {
  expect(dialect.verify({ text, payload: CURIOSITY }, documented)).toBe(false);
});

test('a signature is of one path and no other', () => {
  expect(dialect.verify({ text: CURIOSITY_MAC, payload: CURIOSITY.replace('300', '301') }, documented)).toBe(false);
  expect(dialect.verify({ text: CURIOSITY_MAC, payload: `${CURIOSITY}/` }, documented)).toBe(false);
  expect(dialect.verify({ text: CURIOSITY_MAC, payload: CURIOSITY.toLowerCase() }, documented)).toBe(false);
});

test('a truncated signature is not enough where more bytes are kept', () => {
  expect(dialect.verify({ text: 'oWaL7QoW5Ts', payload: '/asd' }, ring(small, { size: 9 }))).toBe(false);
});

test.each([1, 2, 3, 16, 31, 32])('signatures of %i bytes are made and accepted', (size) => {
  const keys = ring(small, { size });
  const expected = createHmac('sha256', 'test-key').update('test-salt/asd').digest().subarray(0, size);
  const text = expected.toString('base64url');
  expect(dialect.sign('/asd', keys)).toBe(`/${text}/asd`);
  expect(dialect.verify({ text, payload: '/asd' }, keys)).toBe(true);
  expect(dialect.verify({ text, payload: '/asd' }, ring([pair('other', 'test-salt')], { size }))).toBe(false);
});

test('while keys are rotated both are accepted and the first one signs', () => {
  const old = ring([pair('old', 'salt')]);
  const both = ring([pair('new', 'pepper'), pair('old', 'salt')]);
  const fresh = ring([pair('new', 'pepper')]);
  const signedBefore = dialect.signatureOf({ target: dialect.sign(CURIOSITY, old) });
  const signedNow = dialect.signatureOf({ target: dialect.sign(CURIOSITY, both) });
  expect(signedNow.text).not.toBe(signedBefore.text);
  expect([signedBefore, signedNow].map((signature) => dialect.verify(signature, both))).toEqual([true, true]);
  expect([signedBefore, signedNow].map((signature) => dialect.verify(signature, fresh))).toEqual([false, true]);
  expect([signedBefore, signedNow].map((signature) => dialect.verify(signature, old))).toEqual([true, false]);
});

test('keys and salts of different pairs are not mixed', () => {
  const mixed =
    dialect
      .sign(CURIOSITY, ring([pair('new', 'salt')]))
      .slice(1)
      .split('/')[0] ?? '';
  const both = ring([pair('new', 'pepper'), pair('old', 'salt')]);
  expect(dialect.verify({ text: mixed, payload: CURIOSITY }, both)).toBe(false);
});

test('trusted texts are accepted as they are, and nothing like them', () => {
  const keys = ring(small, { trusted: ['letmein', 'unsafe'] });
  expect(dialect.verify({ text: 'letmein', payload: '/asd' }, keys)).toBe(true);
  expect(dialect.verify({ text: 'unsafe', payload: '/other' }, keys)).toBe(true);
  for (const text of ['letmei', 'letmeinn', 'LETMEIN', '']) {
    expect(dialect.verify({ text, payload: '/asd' }, keys)).toBe(false);
  }
  expect(dialect.verify({ text: 'letmein', payload: '/asd' }, ring(small))).toBe(false);
});

test('a path that a server on the way has changed counts as what was signed', () => {
  const signed = '/rs:fill:300/plain/https://example.com/a:b.jpg';
  const text = dialect.sign(signed, documented).slice(1).split('/')[0] ?? '';
  const accepts = (payload: string): boolean => dialect.verify({ text, payload }, documented);
  expect(accepts('/rs%3Afill%3A300/plain/https:/example.com/a:b.jpg')).toBe(true);
  expect(accepts('/rs:fill:300/plain/https:/example.com/a%3Ab.jpg')).toBe(false);
  expect(accepts('/rs:fill:301/plain/https:/example.com/a:b.jpg')).toBe(false);
});

test('a path that was signed with escaped colons is accepted as well', () => {
  const signature = dialect.signatureOf({ target: dialect.sign('/w%3A1/plain/http:/a/b', documented) });
  expect(dialect.verify(signature, documented)).toBe(true);
});

test('without keys nothing can be signed, and the error says which variables are missing', () => {
  expect(() => dialect.sign('/asd', ring([]))).toThrow('TINTYPE_KEY and TINTYPE_SALT are required');
  expect(dialect.verify({ text: '', payload: '/asd' }, ring([]))).toBe(false);
});

test.each(['', '/', 'asd', '/plain/http://a/b?c', '/plain/http://a/b#c', '/plain/http://a/é'])(
  'sign refuses %j, whose signature would never match',
  (path) => {
    expect(() => dialect.sign(path, documented)).toThrow('A path to sign');
  },
);
