import { storageConformance } from '@tintype/conformance';
import { afterAll, describe, test } from 'vitest';
import { benchFor, subjectOf } from '../test/harness.ts';

const given = process.env.TINTYPE_TEST_ABS_ENDPOINT ? ['abs'] : [];

// Once in a usual run is enough: both are the same program.
const isDue = (name: string) => process.env.TINTYPE_TEST_REQUIRE === 'all' || name !== 'azurite-disk';

for (const name of [...given, 'azurite', 'azurite-disk']) {
  if (!isDue(name)) {
    test(`abs on ${name}`, ({ skip }) => skip('takes minutes; TINTYPE_TEST_REQUIRE=all npm test runs it'));
    continue;
  }
  const { bench, missing } = await benchFor(name);
  if (bench === undefined) {
    test(`abs on ${name}`, ({ skip }) => skip(missing));
    continue;
  }
  afterAll(() => bench.stop());
  storageConformance({
    name: `abs on ${name}`,
    harness: { create: () => subjectOf(bench) },
    runner: { describe, test },
    // Of a server that only the environment knows nothing is on record.
    record: name === 'abs' ? undefined : new URL(`../test/record/${name}.json`, import.meta.url),
  });
}
