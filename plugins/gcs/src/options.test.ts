import { createProxy, SettingsError, sectionsOf } from '@tintype/core';
import { describe, expect, test } from 'vitest';
import { optionsFor, scopeOf, serviceAccount } from '../test/harness.ts';
import gcs, { GcsStorage } from './index.ts';

function problemsOf(work: () => unknown): readonly string[] {
  try {
    work();
    return [];
  } catch (error) {
    if (!SettingsError.is(error)) throw error;
    return error.problems.map(({ variable }) => variable);
  }
}

test.each(['', '..', 'a/b', 'Photos', 'x'])('the bucket "%s" is refused, and the variable named', (bucket) => {
  expect(problemsOf(() => new GcsStorage(optionsFor(), scopeOf(bucket)))).toEqual(['TINTYPE_CACHE_BUCKET']);
});

describe('what cannot be is refused', () => {
  test.each([
    [{ key: '/etc/key.json' }, 'KEY'],
    [{ key: '{"type":"service_account"' }, 'KEY'],
    [{ key: serviceAccount({ type: 'external_account' }) }, 'KEY'],
    [{ key: serviceAccount({ private_key: undefined }) }, 'KEY'],
    [{ endpoint: 'ftp://storage' }, 'ENDPOINT'],
    [{ endpoint: 'https://user:password@storage' }, 'ENDPOINT'],
    [{ endpoint: 'https://storage/?prettyPrint=false' }, 'ENDPOINT'],
  ])('%o', (wrong, variable) => {
    expect(problemsOf(() => new GcsStorage(optionsFor(wrong), scopeOf('bucket')))).toEqual([
      `TINTYPE_CACHE_GCS_${variable}`,
    ]);
  });

  test('what is said of a key does not repeat it, and a file name gets a better idea', () => {
    const make = (key: string) => () => new GcsStorage(optionsFor({ key }), scopeOf('bucket'));
    expect(make('{"private_key":"hidden"}')).toThrow(expect.not.stringContaining('hidden'));
    expect(make('/etc/key.json')).toThrow(/GOOGLE_APPLICATION_CREDENTIALS/);
  });

  test('a password in an address is not repeated', () => {
    const endpoint = 'https://admin:hunter2@storage';
    expect(() => new GcsStorage(optionsFor({ endpoint }), scopeOf('bucket'))).toThrow(/https:..…@storage/);
  });

  test('an endpoint may lack its scheme, and a key be whole', () => {
    const options = optionsFor({ endpoint: 'localhost:4443', key: serviceAccount() });
    expect(problemsOf(() => new GcsStorage(options, scopeOf('bucket')))).toEqual([]);
  });
});

test('one table under two prefixes, and a switch', async () => {
  const sections = new Map((await sectionsOf([gcs])).map((section) => [section.prefix, Object.keys(section.table)]));
  const shared = ['KEY', 'ENDPOINT', 'MAX_SOCKETS', 'REQUEST_TIMEOUT'];
  expect(sections.get('CACHE_GCS_')).toEqual(shared);
  expect(sections.get('GCS_')).toEqual([...shared, 'ALLOWED_BUCKETS', 'DENIED_BUCKETS']);
});

test('the origin is there only when it is switched on', async () => {
  for (const [env, problem] of [
    [{ TINTYPE_GCS_KEY: 'half' }, undefined],
    [{ TINTYPE_USE_GCS: 'true', TINTYPE_GCS_KEY: 'half' }, 'TINTYPE_GCS_KEY'],
    [{ IMGPROXY_USE_GCS: '1', IMGPROXY_GCS_KEY: 'half' }, 'TINTYPE_GCS_KEY'],
  ] as const) {
    const error: unknown = await createProxy({ plugins: [gcs], input: { env } }).catch((reason) => reason);
    const variables = SettingsError.is(error) ? error.problems.map(({ variable }) => variable) : [];
    // There is neither a transformer nor a dialect here: those are told in any case.
    expect(variables.filter((variable) => variable.includes('GCS'))).toEqual(problem === undefined ? [] : [problem]);
  }
});

test('one write a second of one name is what GCS takes', () => {
  expect(new GcsStorage(optionsFor(), scopeOf('bucket')).capabilities.minWriteIntervalMs).toBe(1_000);
});
