import { storageKey } from '@tintype/core';
import { describe, expect, test } from 'vitest';
import { storageRequirements } from '../catalogue/catalogue.ts';
import { examine, failedIds } from './examine.ts';
import { storageFaults } from './faults.ts';
import { ReferenceData, ReferenceStorage } from './reference-storage.ts';
import { referenceSubject } from './reference-subject.ts';

/** Seconds: as little as catches everything. `npm run soak` tries every fault on the whole suite, and more seeds. */
const BUDGET = 2;

describe('the zoo', () => {
  test('has names of its own and at least 60 faults', () => {
    const names = storageFaults.map((fault) => fault.name);
    expect(new Set(names).size).toBe(names.length);
    expect(names.length).toBeGreaterThanOrEqual(60);
  });

  test('names only requirements that there are, and at least one', () => {
    for (const fault of storageFaults) {
      expect(fault.caughtBy.length, fault.name).toBeGreaterThan(0);
      for (const id of [...fault.caughtBy, ...fault.perhapsBy]) expect(storageRequirements.has(id), id).toBe(true);
    }
  });

  test('has a fault for every requirement: none is there that catches nothing', () => {
    const catching = new Set<string>(storageFaults.flatMap((fault) => fault.caughtBy));
    expect([...storageRequirements.keys()].filter((id) => !catching.has(id))).toEqual([]);
  });

  for (const { name, breaks, caughtBy, harness } of storageFaults) {
    test(`${name} is caught: ${breaks}`, { timeout: 180_000 }, async () => {
      // What is left behind shows only after other tests.
      const only = caughtBy.includes('resources.nothing-is-left') ? [] : caughtBy;
      const results = await examine(harness, { budget: BUDGET, only });
      expect(failedIds(results)).toEqual(expect.arrayContaining([...caughtBy]));
    });
  }
});

test('what the suite did not write is there afterwards', { timeout: 180_000 }, async () => {
  const data = new ReferenceData();
  const storage = new ReferenceStorage(data);
  const foreign = ['conformance', 'conformance/x', 'conformance/other/1', 'a', 'z/z', 'v1/abc/def'].map(storageKey);
  for (const key of foreign) storage.commit(key, new Uint8Array([1, 2, 3]), { encoded: 'foreign', contentType: 'x/x' });
  const before = new Map(data.entries);
  const create = () => referenceSubject(ReferenceStorage, {}, undefined, data);
  const results = await examine({ create }, { budget: 1 });
  expect(failedIds(results)).toEqual([]);
  expect([...data.entries.keys()].sort()).toEqual([...foreign].sort());
  for (const [key, stored] of before) expect(data.entries.get(key)).toBe(stored);
});
