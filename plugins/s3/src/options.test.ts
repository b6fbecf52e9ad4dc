import { createProxy, SettingsError, sectionsOf } from '@tintype/core';
import { describe, expect, test } from 'vitest';
import { optionsFor, scopeOf } from '../test/harness.ts';
import s3, { S3Storage } from './index.ts';

function problemsOf(work: () => unknown): readonly string[] {
  try {
    work();
    return [];
  } catch (error) {
    if (!SettingsError.is(error)) throw error;
    return error.problems.map(({ variable }) => variable);
  }
}

test('a storage without a bucket names the variable', () => {
  expect(problemsOf(() => new S3Storage(optionsFor(), scopeOf('')))).toEqual(['TINTYPE_CACHE_BUCKET']);
});

describe('half of what goes together is refused', () => {
  test.each([
    [{ secretAccessKey: undefined }, 'SECRET_ACCESS_KEY'],
    [{ accessKeyId: undefined }, 'ACCESS_KEY_ID'],
    [{ assumeRoleExternalId: 'x' }, 'ASSUME_ROLE_ARN'],
    [{ endpoint: 'ftp://s3' }, 'ENDPOINT'],
    [{ endpoint: 'https://user:password@s3' }, 'ENDPOINT'],
    [{ endpoint: 'https://s3/?list-type=2' }, 'ENDPOINT'],
  ])('%o', (wrong, variable) => {
    expect(problemsOf(() => new S3Storage(optionsFor(wrong), scopeOf('b')))).toContain(`TINTYPE_CACHE_S3_${variable}`);
  });

  test('a password in an address is not repeated', () => {
    const endpoint = 'https://admin:hunter2@storage';
    expect(() => new S3Storage(optionsFor({ endpoint }), scopeOf('bucket'))).toThrow(/https:..…@storage/);
  });

  test('an endpoint may lack its scheme', () => {
    expect(problemsOf(() => new S3Storage(optionsFor({ endpoint: 'localhost:9000' }), scopeOf('b')))).toEqual([]);
  });
});

test('one table under two prefixes, a switch, and what each side adds', async () => {
  const sections = new Map((await sectionsOf([s3])).map((section) => [section.prefix, Object.keys(section.table)]));
  const shared = ['REGION', 'ENDPOINT', 'ENDPOINT_USE_PATH_STYLE', 'ACCESS_KEY_ID', 'SECRET_ACCESS_KEY', 'MAX_SOCKETS'];
  expect(sections.get('CACHE_S3_')).toEqual(expect.arrayContaining([...shared, 'CONDITIONAL_WRITES', 'SSE']));
  expect(sections.get('S3_')).toEqual(expect.arrayContaining([...shared, 'ALLOWED_BUCKETS', 'DENIED_BUCKETS']));
  expect(sections.get('S3_')).not.toContain('SSE');
});

test('the origin is there only when it is switched on', async () => {
  for (const [env, problem] of [
    [{ TINTYPE_S3_ACCESS_KEY_ID: 'half' }, undefined],
    [{ TINTYPE_USE_S3: 'true', TINTYPE_S3_ACCESS_KEY_ID: 'half' }, 'TINTYPE_S3_SECRET_ACCESS_KEY'],
    [{ IMGPROXY_USE_S3: '1', TINTYPE_S3_ACCESS_KEY_ID: 'half' }, 'TINTYPE_S3_SECRET_ACCESS_KEY'],
  ] as const) {
    const error: unknown = await createProxy({ plugins: [s3], input: { env } }).catch((reason) => reason);
    const variables = SettingsError.is(error) ? error.problems.map(({ variable }) => variable) : [];
    // There is neither a transformer nor a dialect here: those are told in any case.
    expect(variables.filter((variable) => variable.includes('S3'))).toEqual(problem === undefined ? [] : [problem]);
  }
});
