import { describe, expect, test } from 'vitest';
import { examine } from './examine.ts';
import { soundVariants } from './sound-variants.ts';

/** Seconds, as for the faults of the zoo; `npm run soak` tries fifty seeds. */
const BUDGET = 2;

describe('sound storages pass', () => {
  for (const { name, create } of soundVariants) {
    test.each(['sound-0', 'sound-1'])(`${name} with seed %s`, { timeout: 300_000 }, async (seed) => {
      const results = await examine({ create }, { budget: BUDGET, seed });
      const bad = results.filter(({ outcome }) => outcome.kind === 'fail' || outcome.kind === 'inconclusive');
      expect(bad).toEqual([]);
    });
  }
});
