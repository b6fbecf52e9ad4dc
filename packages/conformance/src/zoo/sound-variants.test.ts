import { describe, expect, test } from 'vitest';
import { examine } from './examine.ts';
import { soundVariants } from './sound-variants.ts';

/** Seconds, as for the faults of the zoo; `npm run soak` tries fifty seeds. */
const BUDGET = 2;

describe('sound storages pass', () => {
  for (const { name, create } of soundVariants) {
    test(name, { timeout: 300_000 }, async () => {
      const results = await examine({ create }, { budget: BUDGET, seed: 'sound-0' });
      const bad = results.filter(({ outcome }) => outcome.kind === 'fail' || outcome.kind === 'inconclusive');
      expect(bad).toEqual([]);
    });
  }
});
