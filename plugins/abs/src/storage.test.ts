import { type Runner, storageConformance } from '@tintype/conformance';
import { afterAll, describe, test } from 'vitest';
import { benchFor, subjectOf } from '../test/harness.ts';

/** What a server cannot do, though Azure can: by requirement. The others prove it. */
const BEYOND: { readonly [server: string]: { readonly reason: string; readonly requirements: readonly string[] } } = {};

/** Vitest, except that what is beyond a server is skipped with the reason. */
function runnerFor(server: string): Runner {
  const beyond = BEYOND[server];
  return {
    describe,
    test(name, body, timeout) {
      if (beyond?.requirements.some((id) => name.startsWith(`${id}:`))) {
        test(name, ({ skip }) => skip(beyond.reason));
      } else {
        test(name, body, timeout);
      }
    },
  };
}

const given = process.env.TINTYPE_TEST_ABS_ENDPOINT ? ['abs'] : [];

for (const name of [...given, 'azurite', 'azurite-disk']) {
  const { bench, missing } = await benchFor(name);
  if (bench === undefined) {
    test(`abs on ${name}`, ({ skip }) => skip(missing));
    continue;
  }
  afterAll(() => bench.stop());
  storageConformance({ name: `abs on ${name}`, harness: { create: () => subjectOf(bench) }, runner: runnerFor(name) });
}
