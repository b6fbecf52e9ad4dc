import { describe, expect, test } from 'vitest';
import { type PlainLife, type PlainTest, runPlainTest } from '../engine/plain-suite.ts';
import { originLife } from '../origin/origin-conformance.ts';
import { originRequirements } from '../origin/requirements.ts';
import { originTests } from '../origin/tests.ts';
import { transformerRequirements } from '../transformer/requirements.ts';
import { transformerTests } from '../transformer/tests.ts';
import { transformerLife } from '../transformer/transformer-conformance.ts';
import { originHarness } from './origin-fault.ts';
import { originFaults } from './origin-faults.ts';
import { transformerFaults, transformerHarness } from './transformer-faults.ts';

/** What does not pass, with what was said. */
async function failures<S>(tests: readonly PlainTest<S>[], life: PlainLife<S>): Promise<Record<string, string>> {
  const failed: Record<string, string> = {};
  for (const each of tests) {
    const { outcome } = await runPlainTest(each, life);
    if (outcome.kind !== 'pass') failed[each.requirement] = 'problem' in outcome ? outcome.problem : outcome.reason;
  }
  return failed;
}

describe('origins', () => {
  test('every requirement has a test, and a fault that it catches', () => {
    const ids = originRequirements.map((each) => each.id).sort();
    expect([...new Set(originTests.map((each) => each.requirement))].sort()).toEqual(ids);
    expect([...new Set(originFaults.flatMap((each) => each.caughtBy))].sort()).toEqual(ids);
  });

  test('the sound one passes', async () => {
    expect(await failures(originTests, originLife(originHarness()))).toEqual({});
  });

  test.each(originFaults.map((each) => [each.name, each] as const))(
    '%s is caught, by what it breaks only',
    async (_, fault) => {
      const failed = await failures(originTests, originLife(fault.harness));
      expect(Object.keys(failed).sort(), JSON.stringify(failed)).toEqual([...fault.caughtBy].sort());
    },
  );
});

describe('transformers', () => {
  test('every requirement has a test, and a fault that it catches', () => {
    const ids = transformerRequirements.map((each) => each.id).sort();
    expect([...new Set(transformerTests.map((each) => each.requirement))].sort()).toEqual(ids);
    expect([...new Set(transformerFaults.flatMap((each) => each.caughtBy))].sort()).toEqual(ids);
  });

  test('the sound one passes', async () => {
    expect(await failures(transformerTests, transformerLife(transformerHarness()))).toEqual({});
  });

  test.each(transformerFaults.map((each) => [each.name, each] as const))(
    '%s is caught, by what it breaks only',
    async (_, fault) => {
      const failed = await failures(transformerTests, transformerLife(fault.harness));
      expect(Object.keys(failed).sort(), JSON.stringify(failed)).toEqual([...fault.caughtBy].sort());
    },
  );
});
