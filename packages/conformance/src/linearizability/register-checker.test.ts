import { describe, expect, test } from 'vitest';
import type { RegisterCall, RegisterOperation } from './history.ts';
import { isLinearizable, smallestCounterExample } from './register-checker.ts';

function at(called: number, answered: number, call: RegisterCall, client = 'c'): RegisterOperation {
  return { client, key: 'k', called, answered, call };
}

const put = (value: string, version = value): RegisterCall => ({ kind: 'put', value, version });
const read = (value: string): RegisterCall => ({ kind: 'read', found: true, value });
const miss: RegisterCall = { kind: 'read', found: false };

describe('histories that an atomic register explains', () => {
  test.each([
    ['one after another', [at(1, 2, put('a')), at(3, 4, read('a'))]],
    ['a read during a put sees the old or the new', [at(1, 6, put('a')), at(2, 3, miss), at(4, 5, read('a'))]],
    ['concurrent puts in either order', [at(1, 4, put('a')), at(2, 3, put('b')), at(5, 6, read('a'))]],
    ['a put without an answer that took effect', [at(1, Infinity, put('a')), at(2, 3, read('a'))]],
    ['a put without an answer that did not', [at(1, Infinity, put('a')), at(2, 3, miss), at(9, 10, miss)]],
    [
      'a refused creation over an entry',
      [at(1, 2, put('a')), at(3, 4, { kind: 'create', value: 'b', version: undefined, refused: true })],
    ],
    ['a delete between', [at(1, 2, put('a')), at(3, 4, { kind: 'delete' }), at(5, 6, miss)]],
  ] as const)('%s', (_, history) => {
    expect(isLinearizable(history)).toBe(true);
  });
});

describe('histories that it does not', () => {
  test.each([
    ['a stale read', [at(1, 2, put('a')), at(3, 4, put('b')), at(5, 6, read('a'))]],
    ['a gap', [at(1, 2, put('a')), at(3, 6, put('b')), at(4, 5, miss)]],
    ['new, then old', [at(1, 2, put('a')), at(3, 10, put('b')), at(4, 5, read('b')), at(6, 7, read('a'))]],
    ['a value from nowhere', [at(1, 2, put('a')), at(3, 4, read('z'))]],
    [
      'two winners of one creation',
      [
        at(1, 4, { kind: 'create', value: 'a', version: 'a', refused: false }),
        at(2, 3, { kind: 'create', value: 'b', version: 'b', refused: false }),
      ],
    ],
    [
      'an update that got lost',
      [
        at(1, 2, put('a')),
        at(3, 6, { kind: 'replace', value: 'b', ifVersion: 'a', version: 'b', refused: false }),
        at(4, 7, { kind: 'replace', value: 'c', ifVersion: 'a', version: 'c', refused: false }),
      ],
    ],
    [
      'metadata that comes back',
      [
        at(1, 2, put('a')),
        at(3, 4, { kind: 'describe', note: 'n', version: 'v2', found: true }),
        at(5, 6, { kind: 'read', found: true, value: 'a', note: 'a' }),
      ],
    ],
  ] as const)('%s', (_, history) => {
    expect(isLinearizable(history)).toBe(false);
  });
});

test('of a long history only the operations that show the fault remain', () => {
  const noise = Array.from({ length: 30 }, (_, i) => [
    at(10 * i + 1, 10 * i + 2, put(`n${i}`)),
    at(10 * i + 3, 10 * i + 4, read(`n${i}`)),
  ]).flat();
  const fault = [
    at(1_001, 1_002, put('a')),
    at(1_003, 1_004, put('b')),
    at(1_005, 1_006, read('a')),
    at(1_007, 1_008, read('b')),
  ];
  expect(smallestCounterExample([...noise, ...fault])).toEqual(fault.slice(0, 3));
});

test('200 concurrent operations are judged at once', () => {
  const history = Array.from({ length: 200 }, (_, i) => at(i, i + 8, put(`v${i}`)));
  const started = performance.now();
  expect(isLinearizable(history)).toBe(true);
  expect(performance.now() - started).toBeLessThan(2_000);
});
