import { type CoreSettings, coreSection, isLoopbackOnly, SettingsReader } from '@tintype/core';
import { describe, expect, test } from 'vitest';
import { startLine, unsafeParts } from './start-line.ts';
import { whyNotUnsigned } from './unsigned-bind.ts';

function read(env: Record<string, string>): Pick<ReturnType<SettingsReader['finish']>, 'effective'> & {
  readonly settings: CoreSettings;
} {
  const reader = new SettingsReader({ env });
  const settings = reader.read(coreSection);
  return { settings, effective: reader.finish().effective };
}

const KEYS = { TINTYPE_KEY: 'aa', TINTYPE_SALT: 'bb' };

describe('the first line', () => {
  test('says where it listens, how the cache is, and the limits', () => {
    const { settings } = read({ ...KEYS, TINTYPE_WORKERS: '3', TINTYPE_MAX_SRC_FILE_SIZE: '1.5MiB' });
    const checks = [{ part: 'cache', ok: true, summary: 'fs at /var/cache' }] as const;
    expect(startLine({ address: 'http://127.0.0.1:8080', settings, checks, unsafe: [] })).toBe(
      'Serving on http://127.0.0.1:8080; cache fs at /var/cache; sources to 1.5 MiB and 50 MP, results to 16384 px, 3 transforms at a time',
    );
  });

  test('says what does not work, and what is unsafe', () => {
    const { settings, effective } = read({ TINTYPE_WORKERS: '1' });
    const checks = [
      { part: 'cache', ok: false, summary: 'fs at /c', problem: 'It is read-only.' },
      { part: 'origin local', ok: false, summary: 'local', problem: 'The folder is missing.' },
    ] as const;
    const line = startLine({ address: 'x', settings, checks, unsafe: unsafeParts(settings, effective) });
    expect(line).toContain('cache fs at /c NOT USABLE: It is read-only;');
    expect(line).toContain('origin local NOT USABLE: The folder is missing;');
    expect(line).toMatch(/UNSAFE: any URL is answered, signed or not, because no TINTYPE_KEY is set$/);
  });

  test('says what endpoints do, and calls it unsafe only where images are made without a key', () => {
    const { settings, effective } = read({});
    const docs = { path: '/docs', makesImages: false };
    const photos = { path: '/photos', makesImages: true };
    const line = (...endpoints: (typeof docs)[]) =>
      startLine({ address: 'x', settings, checks: [], endpoints, unsafe: unsafeParts(settings, effective, endpoints) });
    expect(line(docs)).toContain('; passes on what is below /docs, which needs no signature; ');
    expect(line(docs)).not.toContain('UNSAFE');
    expect(line(docs, photos)).toContain('images below /photos; passes on what is below /docs');
    expect(line(docs, photos)).toMatch(
      /UNSAFE: any URL below \/photos is answered, signed or not, because no TINTYPE_KEY is set$/,
    );
    expect(line(photos)).toMatch(/UNSAFE: any URL is answered, signed or not, because no TINTYPE_KEY is set$/);
  });

  test('says who is answered what where a secret is asked for, and calls that safe', () => {
    const line = (env: Record<string, string>, ...endpoints: { path: string; makesImages: boolean }[]) => {
      const { settings, effective } = read({ TINTYPE_SECRET: 'word', ...env });
      return startLine({
        address: 'x',
        settings,
        checks: [],
        endpoints,
        unsafe: unsafeParts(settings, effective, endpoints),
      });
    };
    const secret = '; answers only those who know TINTYPE_SECRET';
    expect(line({})).toContain(`${secret}, for whom any URL needs no signature; `);
    expect(line({})).not.toContain('UNSAFE');
    expect(line({})).not.toContain('word');
    expect(line(KEYS)).toContain(`${secret}; `);
    expect(line({}, { path: '/docs', makesImages: false })).toContain(`${secret}; `);
    expect(line({ TINTYPE_MAX_SRC_FILE_SIZE: '0' })).toMatch(/UNSAFE: sources may have any size$/);
  });

  test('says that only allowed sources are answered', () => {
    const { settings, effective } = read({ TINTYPE_ALLOWED_SOURCES: 'https://images.example.com/' });
    expect(unsafeParts(settings, effective)).toEqual([
      expect.stringMatching(/^any URL of an allowed source is answered/),
    ]);
  });

  test('says that there is no cache', () => {
    const { settings } = read(KEYS);
    expect(startLine({ address: 'x', settings, checks: [], unsafe: [] })).toContain(
      'no cache (TINTYPE_CACHE_USE is blank)',
    );
  });
});

describe('unsafe is', () => {
  test.each([
    [{}, /TINTYPE_KEY/],
    [{ ...KEYS, TINTYPE_SIGNATURE_SIZE: '4' }, /signatures of 4 bytes can be guessed/],
    [{ ...KEYS, TINTYPE_MAX_SRC_FILE_SIZE: '0' }, /sources may have any size/],
    [{ ...KEYS, TINTYPE_MAX_RESULT_DIMENSION: '0' }, /results may have any size/],
  ])('%j', (env, clause) => {
    const { settings, effective } = read(env);
    expect(unsafeParts(settings, effective)).toEqual([expect.stringMatching(clause)]);
  });

  test('nothing, with a key and defaults', () => {
    const { settings, effective } = read(KEYS);
    expect(unsafeParts(settings, effective)).toEqual([]);
  });
});

test('an address beyond this machine needs a key or a permission', () => {
  const why = (env: Record<string, string>) => {
    const { settings, effective } = read(env);
    return whyNotUnsigned({ settings, effective, loopbackOnly: isLoopbackOnly(settings) });
  };
  expect(why({ IMGPROXY_BIND: ':8080' })).toMatch(/^IMGPROXY_BIND is :8080, which other machines can reach/);
  expect(why({ TINTYPE_BIND: ':8080', ...KEYS })).toBeUndefined();
  expect(why({ TINTYPE_BIND: ':8080', TINTYPE_ALLOW_UNSIGNED: 't' })).toBeUndefined();
  expect(why({ PORT: '8080' })).toBeUndefined();
  expect(why({ TINTYPE_BIND: '/run/tintype.sock' })).toBeUndefined();
});
