import { storageConformance } from '@tintype/conformance';
import { afterAll, describe, test } from 'vitest';
import { benchFor, subjectOf } from '../test/harness.ts';

const given = process.env.TINTYPE_TEST_GCS_ENDPOINT ? ['gcs'] : [];

// With the other files beside it, the whole suite takes minutes on a small machine.
const isDue = process.env.TINTYPE_TEST_REQUIRE === 'all';

for (const name of [...given, 'fake-gcs-server']) {
  if (!isDue && given.length === 0) {
    test(`gcs on ${name}`, ({ skip }) => skip('takes minutes; TINTYPE_TEST_REQUIRE=all npm test runs it'));
    continue;
  }
  const { bench, missing } = await benchFor(name);
  if (bench === undefined) {
    test(`gcs on ${name}`, ({ skip }) => skip(missing));
    continue;
  }
  afterAll(() => bench.stop());
  storageConformance({
    name: `gcs on ${name}`,
    harness: { create: () => subjectOf(bench) },
    runner: { describe, test },
    // Of a server that only the environment knows nothing is on record.
    record: name === 'gcs' ? undefined : new URL(`../test/record/${name}.json`, import.meta.url),
  });
}
