import { createProxy, SettingsError, sectionsOf } from '@tintype/core';
import { describe, expect, test } from 'vitest';
import { optionsFor, scopeOf } from '../test/harness.ts';
import abs, { AbsStorage } from './index.ts';
import { serviceUrl } from './options.ts';

function problemsOf(work: () => unknown): SettingsError['problems'] {
  try {
    work();
    return [];
  } catch (error) {
    if (!SettingsError.is(error)) throw error;
    return error.problems;
  }
}

const nothing = { name: undefined, key: undefined, endpoint: undefined };

test.each(['', 'a/b', 'Photos', 'a', '..'])(
  'a storage whose container cannot be %j names the variable',
  (container) => {
    const problems = problemsOf(() => new AbsStorage(optionsFor(), scopeOf(container)));
    expect(problems.map(({ variable }) => variable)).toEqual(['TINTYPE_CACHE_BUCKET']);
  },
);

describe('what does not go together is refused', () => {
  const signature = 'sv=2026-06-06&sig=secret';
  test.each([
    [nothing, 'NAME'],
    [{ name: undefined }, 'NAME'],
    [{ name: 'Photos' }, 'NAME'],
    [{ key: 'not base64!' }, 'KEY'],
    [{ sasToken: signature }, 'SAS_TOKEN'],
    [{ key: undefined, sasToken: 'secret' }, 'SAS_TOKEN'],
    [{ endpoint: 'ftp://photos' }, 'ENDPOINT'],
    [{ endpoint: 'https://user:secret@photos' }, 'ENDPOINT'],
    [{ endpoint: `https://photos/?${signature}` }, 'ENDPOINT'],
    // The SDK sends no token without TLS.
    [{ key: undefined, endpoint: 'http://photos' }, 'ENDPOINT'],
    [{ ...nothing, connectionString: 'secret' }, 'CONNECTION_STRING'],
    [{ connectionString: 'AccountName=photos;AccountKey=c2VjcmV0' }, 'NAME'],
  ])('%o', (wrong, variable) => {
    const problems = problemsOf(() => new AbsStorage(optionsFor(wrong), scopeOf('photos')));
    expect(problems.map((problem) => problem.variable)).toContain(`TINTYPE_CACHE_ABS_${variable}`);
    expect(JSON.stringify(problems)).not.toContain('secret');
  });
});

describe('each way to get in is enough', () => {
  test.each([
    [{ name: 'photos', key: 'c2VjcmV0' }],
    [{ name: 'photos' }],
    [{ name: 'photos', sasToken: '?sv=2026-06-06&sig=x' }],
    [{ endpoint: 'photos.blob.core.windows.net' }],
    [{ endpoint: 'http://127.0.0.1:10000/photos', sasToken: 'sig=x' }],
    [{ connectionString: 'AccountName=photos;AccountKey=c2VjcmV0' }],
    [{ connectionString: 'UseDevelopmentStorage=true' }],
  ])('%o', (options) => {
    expect(problemsOf(() => new AbsStorage(optionsFor({ ...nothing, ...options }), scopeOf('photos')))).toEqual([]);
  });
});

test('the account is found by its name, or where the endpoint says', () => {
  expect(serviceUrl(optionsFor({ name: 'photos', endpoint: undefined }))).toBe('https://photos.blob.core.windows.net');
  expect(serviceUrl(optionsFor({ endpoint: 'cdn.example.com/' }))).toBe('https://cdn.example.com');
});

test('a connection string that the SDK does not understand is not repeated', async () => {
  const connectionString = 'AccountName=photos;AccountKey=;secret';
  const storage = new AbsStorage(optionsFor({ ...nothing, connectionString }), scopeOf('photos'));
  const error = await storage.open({ signal: new AbortController().signal }).catch((reason: unknown) => reason);
  expect(error).toMatchObject({ code: 'misconfigured', message: expect.stringContaining('CONNECTION_STRING') });
  expect(String(error)).not.toContain('secret');
});

test('one table under two prefixes, a switch, and what each side adds', async () => {
  const sections = new Map((await sectionsOf([abs])).map((section) => [section.prefix, Object.keys(section.table)]));
  const shared = ['NAME', 'KEY', 'ENDPOINT', 'SAS_TOKEN', 'CONNECTION_STRING', 'MAX_SOCKETS', 'REQUEST_TIMEOUT'];
  expect(sections.get('CACHE_ABS_')).toEqual(expect.arrayContaining(shared));
  expect(sections.get('ABS_')).toEqual(expect.arrayContaining([...shared, 'ALLOWED_BUCKETS', 'DENIED_BUCKETS']));
  expect(sections.get('CACHE_ABS_')).not.toContain('ALLOWED_BUCKETS');
});

test('the origin is there only when it is switched on', async () => {
  for (const [env, problem] of [
    [{ TINTYPE_ABS_KEY: 'aGFsZg==' }, undefined],
    [{ TINTYPE_USE_ABS: 'true', TINTYPE_ABS_KEY: 'aGFsZg==' }, 'TINTYPE_ABS_NAME'],
    [{ IMGPROXY_USE_ABS: '1', IMGPROXY_ABS_KEY: 'aGFsZg==' }, 'TINTYPE_ABS_NAME'],
  ] as const) {
    const error: unknown = await createProxy({ plugins: [abs], input: { env } }).catch((reason) => reason);
    const variables = SettingsError.is(error) ? error.problems.map(({ variable }) => variable) : [];
    // There is neither a transformer nor a dialect here: those are told in any case.
    expect(variables.filter((variable) => variable.includes('ABS'))).toEqual(problem === undefined ? [] : [problem]);
  }
});
