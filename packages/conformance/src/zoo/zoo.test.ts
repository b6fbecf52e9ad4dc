import { storageKey } from '@tintype/core';
import { describe, expect, test } from 'vitest';
import { storageRequirements } from '../catalogue/catalogue.ts';
import { examine, failedIds } from './examine.ts';
import { storageFaults } from './faults.ts';
import { ReferenceData, ReferenceStorage } from './reference-storage.ts';
import { referenceSubject } from './reference-subject.ts';
import { soundVariants } from './sound-variants.ts';

/** `npm run soak` sets it: every fault against the whole suite, and more seeds. */
const SOAK = process.env.TINTYPE_SOAK !== undefined;
/** Quick: as little as catches everything. */
const BUDGET = SOAK ? 10 : 2;

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

  describe.each(storageFaults.map((fault) => [fault.name, fault] as const))('%s', (_, fault) => {
    test(`is caught: ${fault.breaks}`, { timeout: 120_000 }, async () => {
      // What is left behind shows only after other tests.
      const only = fault.caughtBy.includes('resources.nothing-is-left') ? [] : fault.caughtBy;
      const results = await examine(fault.harness, { budget: BUDGET, only });
      expect(failedIds(results)).toEqual(expect.arrayContaining([...fault.caughtBy]));
    });

    // Of the long run only; not a test that is skipped on every day.
    if (SOAK) {
      test('is caught by no other requirement', { timeout: 600_000 }, async () => {
        const failed = failedIds(await examine(fault.harness, { budget: BUDGET }));
        const allowed: readonly string[] = [...fault.caughtBy, ...fault.perhapsBy];
        expect(failed.filter((id) => !allowed.includes(id))).toEqual([]);
      });
    }
  });
});

describe('sound storages pass', () => {
  const seeds = Array.from({ length: SOAK ? 50 : 2 }, (_, i) => `sound-${i}`);
  for (const { name, create } of soundVariants) {
    test.each(seeds)(`${name} with seed %s`, { timeout: 300_000 }, async (seed) => {
      const results = await examine({ create }, { budget: BUDGET, seed });
      const bad = results.filter(({ outcome }) => outcome.kind === 'fail' || outcome.kind === 'inconclusive');
      expect(bad).toEqual([]);
    });
  }
});

test('what the suite did not write is there afterwards', { timeout: 60_000 }, async () => {
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
