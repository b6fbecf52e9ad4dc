import { expect, test } from 'vitest';
import type { TestResult } from '../engine/outcome.ts';
import { ReferenceStorage } from '../zoo/reference-storage.ts';
import { matrixRow, matrixTables } from './matrix.ts';

const { capabilities } = new ReferenceStorage();
const result = (requirement: string, outcome: TestResult['outcome'], emulated = false): TestResult => ({
  requirement,
  title: 'a title',
  outcome,
  ms: 1,
  emulated,
});
const row = matrixRow(
  {
    name: 'reference on nothing',
    capabilities: { ...capabilities, maxObjectBytes: Number.POSITIVE_INFINITY },
    results: [
      result('get.miss-is-undefined', { kind: 'pass' }),
      result('list.byte-order', { kind: 'pass' }),
      result('list.byte-order', { kind: 'pass' }, true),
      result('list.any-prefix', { kind: 'skipped', reason: 'a reason' }),
      result('list.is-complete', { kind: 'skipped', reason: 'another reason' }),
      result('list.after-is-exclusive', { kind: 'fail', problem: 'broken', details: [] }),
    ],
  },
  ['list.is-complete'],
);

test('a row counts by group what became of the tests', () => {
  expect(row.groups.list).toEqual({
    passed: 2,
    emulated: 1,
    skipped: 1,
    beyond: 1,
    failed: 1,
    advised: 0,
    inconclusive: 0,
  });
});

test('a row is the same after a way through JSON', () => {
  expect(JSON.parse(JSON.stringify(row))).toEqual(row);
  expect(row.capabilities.maxObjectBytes).toBe('Infinity');
});

test('the tables hold a row for each storage: by group, and by capability', () => {
  const tables = matrixTables([row, { ...row, name: 'another' }]);
  expect(tables).toContain('2 ✓ (1ᵉ), 1 –, 1 ∅, 1 ✗');
  expect(tables.match(/^\| reference on nothing \|/gm)).toHaveLength(2);
  expect(tables.match(/^\| another \|/gm)).toHaveLength(2);
  expect(tables).toContain('| put if absent |');
});
