import { createProxy, SettingsError, sectionsOf } from '@tintype/core';
import { describe, expect, test } from 'vitest';
import { optionsFor, scopeOf } from '../test/harness.ts';
import swift, { SwiftStorage } from './index.ts';
import { credentialsOf } from './options.ts';

function problemsOf(work: () => unknown): readonly string[] {
  try {
    work();
    return [];
  } catch (error) {
    if (!SettingsError.is(error)) throw error;
    return error.problems.map(({ variable }) => variable);
  }
}

test.each(['', 'a/b', 'x'.repeat(257)])('a storage whose container cannot be %j names the variable', (container) => {
  expect(problemsOf(() => new SwiftStorage(optionsFor(), scopeOf(container)))).toEqual(['TINTYPE_CACHE_BUCKET']);
});

describe('what is missing or wrong is told by its variable', () => {
  test.each([
    [{ username: undefined }, ['USERNAME']],
    [{ apiKey: '' }, ['API_KEY']],
    [{ username: undefined, apiKey: undefined, authUrl: undefined }, ['USERNAME', 'API_KEY', 'AUTH_URL']],
    [{ authUrl: 'ftp://swift/v3' }, ['AUTH_URL']],
    [{ authUrl: 'https://user:password@swift/v3' }, ['AUTH_URL']],
    [{ authUrl: 'https://swift/auth' }, ['AUTH_VERSION']],
    [{ authUrl: 'https://swift/v2.0' }, ['TENANT']],
  ])('%o', (wrong, variables) => {
    expect(problemsOf(() => new SwiftStorage(optionsFor(wrong), scopeOf('b')))).toEqual(
      variables.map((variable) => `TINTYPE_CACHE_SWIFT_${variable}`),
    );
  });

  test('a password in an address is not repeated', () => {
    const wrong = optionsFor({ authUrl: 'https://user:hunter2@swift/v3' });
    expect(() => credentialsOf(wrong, '')).toThrow(expect.not.objectContaining({ message: /hunter2/ }));
  });
});

describe('the version of the login', () => {
  test.each([
    ['https://swift.example.com/auth/v1.0', 1],
    ['https://id.example.com/v2.0', 2],
    ['https://id.example.com:5000/v3/', 3],
    ['https://id.example.com/identity/v3', 3],
    ['id.example.com/v3', 3],
    ['https://v3.example.com/auth/v1.0', 1],
    ['https://v3.example.com/identity', 3],
  ])('of %s is %i', (authUrl, version) => {
    expect(credentialsOf(optionsFor({ authUrl, tenant: 'photos' }), '').authVersion).toBe(version);
  });

  test('is the one that is set, whatever the address says', () => {
    const options = optionsFor({ authUrl: 'https://id.example.com/v3', authVersion: 1 });
    expect(credentialsOf(options, '').authVersion).toBe(1);
  });
});

test('one table under two prefixes, a switch, and what each side adds', async () => {
  const sections = new Map((await sectionsOf([swift])).map((section) => [section.prefix, Object.keys(section.table)]));
  const shared = ['USERNAME', 'API_KEY', 'AUTH_URL', 'AUTH_VERSION', 'TENANT', 'DOMAIN', 'REGION', 'TIMEOUT_SECONDS'];
  expect(sections.get('CACHE_SWIFT_')).toEqual(expect.arrayContaining([...shared, 'CONNECT_TIMEOUT_SECONDS']));
  expect(sections.get('SWIFT_')).toEqual(expect.arrayContaining([...shared, 'ALLOWED_BUCKETS', 'DENIED_BUCKETS']));
  expect(sections.get('CACHE_SWIFT_')).not.toContain('ALLOWED_BUCKETS');
});

test('the origin is there only when it is switched on', async () => {
  const incomplete = { TINTYPE_SWIFT_USERNAME: 'u', TINTYPE_SWIFT_AUTH_URL: 'https://id.example.com/v3' };
  for (const [env, problem] of [
    [incomplete, undefined],
    [{ TINTYPE_USE_SWIFT: 'true', ...incomplete }, 'TINTYPE_SWIFT_API_KEY'],
    [{ IMGPROXY_USE_SWIFT: '1', ...incomplete }, 'TINTYPE_SWIFT_API_KEY'],
  ] as const) {
    const error: unknown = await createProxy({ plugins: [swift], input: { env } }).catch((reason) => reason);
    const variables = SettingsError.is(error) ? error.problems.map(({ variable }) => variable) : [];
    // There is neither a transformer nor a dialect here: those are told in any case.
    expect(variables.filter((variable) => variable.includes('SWIFT'))).toEqual(problem === undefined ? [] : [problem]);
  }
});
