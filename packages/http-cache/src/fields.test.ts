import { expect, test } from 'vitest';
import { entryOf } from './exchange.fixture.ts';
import { type Fields, fieldLines, fieldPairs, fieldValue, hasField, hopByHopNames, splitList } from './fields.ts';

const shapes: [string, Fields][] = [
  [
    'pairs',
    [
      ['A', '1'],
      ['b', '2'],
      ['a', '3'],
    ],
  ],
  ['a record', { a: ['1', '3'], b: '2', c: undefined }],
];

test.each(shapes)('fields may be %s', (_name, fields) => {
  expect(fieldLines(fields, 'a')).toEqual(['1', '3']);
  expect(fieldValue(fields, 'a')).toBe('1, 3');
  expect(fieldValue(fields, 'b')).toBe('2');
  expect([hasField(fields, 'b'), hasField(fields, 'c'), hasField(fields, 'constructor')]).toEqual([true, false, false]);
  expect(
    fieldPairs(fields)
      .map(([name]) => name.toLowerCase())
      .sort(),
  ).toEqual(['a', 'a', 'b']);
});

test.each([
  ['a, b,,c', ['a', 'b', '', 'c']],
  ['a="b, c", d', ['a="b, c"', 'd']],
  ['a="b\\", c", d', ['a="b\\", c"', 'd']],
  ['a="b, c', ['a="b', 'c']],
])('%s is split outside of quoted strings', (line, members) => {
  expect(splitList(line)).toEqual(members);
});

test('what ends at this hop is not stored (RFC 9111 §3.1)', () => {
  const entry = entryOf(
    'Cache-Control: max-age=9\nDate: x\nConnection: A, close\nA: 1\nB: 2\nKeep-Alive: 1\nProxy-Authenticate: x\nTE: x\nTransfer-Encoding: x\nUpgrade: x\nProxy-Authentication-Info: x',
  );
  expect(entry.fields.map(([name]) => name)).toEqual(['Cache-Control', 'Date', 'B']);
  expect(hopByHopNames([['Connection', 'X-Own']]).has('x-own')).toBe(true);
});

test('several lines of a field are stored as they came', () => {
  const entry = entryOf('Cache-Control: max-age=9\nLink: <a>\nLink: <b>\nSet-Cookie: a=b', { setCookie: 'store' });
  expect(fieldLines(entry.fields, 'link')).toEqual(['<a>', '<b>']);
  expect(fieldLines(entry.fields, 'set-cookie')).toEqual(['a=b']);
});

test('a field that is private to one client is not stored (RFC 9111 §5.2.2.7)', () => {
  const entry = entryOf('Cache-Control: max-age=9, private="x-user"\nX-User: a\nX-Other: b');
  expect([hasField(entry.fields, 'x-user'), hasField(entry.fields, 'x-other')]).toEqual([false, true]);
});
