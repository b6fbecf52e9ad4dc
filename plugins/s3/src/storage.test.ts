import { storageConformance } from '@tintype/conformance';
import { afterAll, describe, test } from 'vitest';
import { benchFor, subjectOf } from '../test/harness.ts';

/** What a server cannot do, though S3 can: by requirement. The others prove it. */
const BEYOND: { readonly [server: string]: { readonly reason: string; readonly requirements: readonly string[] } } = {
  versitygw: {
    reason: 'does not apply: versitygw keeps keys as paths of files, so k excludes k/x and segments end at 255 bytes',
    requirements: [
      'delete.spares-neighbours',
      'list.is-complete',
      'list.byte-order',
      'list.any-prefix',
      'list.after-is-exclusive',
      'keys.longest',
      'keys.key-beside-its-extension',
      'keys.nearly-equal',
    ],
  },
  fauxqs: {
    reason: 'does not apply: fauxqs takes any credentials, sorts keys by language and refuses suffixes beyond the body',
    requirements: [
      'errors.misconfiguration-has-its-code',
      'errors.check-explains',
      'list.byte-order',
      'list.any-prefix',
      'range.suffix',
    ],
  },
};

const given = process.env.TINTYPE_TEST_S3_ENDPOINT ? ['s3'] : [];

// The whole suite takes minutes on the larger servers.
const isDue = (name: string) =>
  process.env.TINTYPE_TEST_REQUIRE === 'all' || (name !== 'versitygw' && name !== 'swift');

for (const name of [...given, 'versitygw', 'swift', 'fauxqs']) {
  if (!isDue(name)) {
    test(`s3 on ${name}`, ({ skip }) => skip('takes minutes; TINTYPE_TEST_REQUIRE=all npm test runs it'));
    continue;
  }
  const { bench, missing } = await benchFor(name);
  if (bench === undefined) {
    test(`s3 on ${name}`, ({ skip }) => skip(missing));
    continue;
  }
  afterAll(() => bench.stop());
  storageConformance({
    name: `s3 on ${name}`,
    harness: { create: () => subjectOf(bench) },
    runner: { describe, test },
    beyond: BEYOND[name],
    // Of a server that only the environment knows nothing is on record.
    record: name === 's3' ? undefined : new URL(`../test/record/${name}.json`, import.meta.url),
  });
}
