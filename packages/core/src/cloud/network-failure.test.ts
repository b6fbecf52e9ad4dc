import { expect, test } from 'vitest';
import { isNeverSent, syscallOf } from './network-failure.ts';

test.each([
  ['ECONNREFUSED', 'connect', true],
  ['ENOTFOUND', 'getaddrinfo', true],
  ['EHOSTUNREACH', 'connect', true],
  ['ENETUNREACH', 'connect', true],
  ['EHOSTUNREACH', 'read', false],
  ['EHOSTUNREACH', 'write', false],
  ['ENETUNREACH', undefined, false],
  ['ECONNRESET', 'connect', false],
  [undefined, 'connect', false],
])('after %s of %s it is known that nothing was sent: %s', (code, syscall, known) => {
  expect(isNeverSent(code, syscall)).toBe(known);
});

test('what was being done is told by the innermost error too', () => {
  const told = Object.assign(new Error('connect EHOSTUNREACH'), { syscall: 'connect' });
  expect([told, new Error('around', { cause: told }), new Error('none'), null].map(syscallOf)).toEqual([
    'connect',
    'connect',
    undefined,
    undefined,
  ]);
});
