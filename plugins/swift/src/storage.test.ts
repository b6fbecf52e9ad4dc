import { storageConformance } from '@tintype/conformance';
import { afterAll, describe, test } from 'vitest';
import { benchFor, subjectOf } from '../test/harness.ts';

// The whole suite takes minutes on them.
const isDue = process.env.TINTYPE_TEST_REQUIRE === 'all';

for (const name of ['swift', 'swift-keystone']) {
  if (!isDue) {
    test(`swift on ${name}`, ({ skip }) => skip('takes minutes; TINTYPE_TEST_REQUIRE=all npm test runs it'));
    continue;
  }
  const { bench, missing } = await benchFor(name);
  if (bench === undefined) {
    test(`swift on ${name}`, ({ skip }) => skip(missing));
    continue;
  }
  afterAll(() => bench.stop());
  storageConformance({
    name: `swift on ${name}`,
    harness: { create: () => subjectOf(bench) },
    runner: { describe, test },
    record: new URL(`../test/record/${name}.json`, import.meta.url),
  });
}
