import { coreSection, type SettingsInput, SettingsReader } from '@tintype/core';
import { Failure } from './failure.ts';
import { lifecycleRules } from './lifecycle-rule.ts';
import type { Surroundings } from './surroundings.ts';

const FILE = 'lifecycle.json';

/** `tintype cache lifecycle`: the rule on standard output, so that it can go to a file; how to apply it beside that. */
export function cacheLifecycle(
  input: SettingsInput,
  days: string | undefined,
  { stdout, stderr }: Pick<Surroundings, 'stdout' | 'stderr'>,
): void {
  if (days !== undefined && !/^[1-9]\d{0,4}$/.test(days)) {
    throw new Failure(`--days is "${days}"; expected a number of days from 1 to 99999, such as 90.`);
  }
  const reader = new SettingsReader(input);
  const settings = reader.read(coreSection);
  const { cacheUse, cacheTiers, cacheBucket: bucket, cachePathPrefix } = settings;
  reader.throwProblems();
  // What a tier in front holds is not in a bucket.
  const backend = cacheTiers.at(-1) ?? cacheUse;
  const ruleFor = lifecycleRules.get(backend);
  const known = [...lifecycleRules.keys()].join(', ');
  if (backend === 'swift') {
    throw new Failure(
      'Swift has no lifecycle rules: set TINTYPE_CACHE_EXPIRATION_DAYS, and it removes each entry by itself.',
    );
  }
  if (ruleFor === undefined) {
    throw new Failure(
      backend === ''
        ? `There is no cache: set TINTYPE_CACHE_USE to one of ${known}.`
        : `The storage ${backend} has no lifecycle rules of a vendor; there are some for ${known}.`,
    );
  }
  if (bucket === '') throw new Failure(`TINTYPE_CACHE_BUCKET is required for the storage ${backend}.`);
  const age = Number(days ?? settings.cacheExpirationDays);
  if (age === 0) {
    throw new Failure(
      '--days is required, or TINTYPE_CACHE_EXPIRATION_DAYS: the age at which an entry goes, such as 90.',
    );
  }
  const prefix = cachePathPrefix.replace(/^\/+|\/+$/g, '');
  const { rule, command } = ruleFor({ bucket, prefix, days: age });
  stdout.write(`${JSON.stringify(rule, undefined, 2)}\n`);
  const whole =
    prefix === '' ? `It is about everything in ${bucket}: set TINTYPE_CACHE_PATH_PREFIX if there is more.\n` : '';
  stderr.write(
    `${whole}To apply it, which replaces the rules that there are:\n  tintype cache lifecycle --days ${age} > ${FILE}\n  ${command(FILE)}\n`,
  );
}
