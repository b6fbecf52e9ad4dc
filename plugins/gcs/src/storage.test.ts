import { storageConformance } from '@tintype/conformance';
import { afterAll, describe, test } from 'vitest';
import { benchFor, subjectOf } from '../test/harness.ts';

const given = process.env.TINTYPE_TEST_GCS_ENDPOINT ? ['gcs'] : [];

for (const name of [...given, 'fake-gcs-server']) {
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
  });
}
