import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { defineOptions } from '../contracts/options.ts';
import { SettingsError } from '../contracts/settings-error.ts';
import { checkCoreSettings, coreSection } from './core-options.ts';
import { type Section, type SettingsInput, SettingsReader } from './settings-reader.ts';

const table = defineOptions({
  TTL: { kind: 'seconds', default: '60', imgproxy: true, description: 'Freshness.' },
  KEY: { kind: 'hexList', default: '', secret: true, imgproxy: 'OLD_KEY', description: 'Keys.' },
  NAME: { kind: 'string', aliases: ['HOSTNAME_ALIAS'], description: 'A name.' },
  MODE: { kind: 'enum', choices: ['fast', 'slow'], default: 'fast', description: 'A mode.' },
  HEADERS: { kind: 'list', default: '', description: 'Headers.' },
});
const section: Section<typeof table> = { title: 'Test', prefix: '', table };

const fsTable = defineOptions({
  ROOT: { kind: 'path', required: true, imgproxy: true, description: 'The folder.' },
  MAX_BYTES: { kind: 'bytes', default: '10GiB', description: 'The cap.' },
});
const fsSection: Section<typeof fsTable> = {
  title: 'fs',
  prefix: 'CACHE_FS_',
  table: fsTable,
  because: 'TINTYPE_CACHE_USE=fs',
};

function problemsOf(read: () => unknown): readonly string[] {
  try {
    read();
  } catch (error) {
    if (SettingsError.is(error)) return error.problems.map((problem) => problem.message);
    throw error;
  }
  return [];
}

function readAll(input: SettingsInput) {
  const reader = new SettingsReader(input);
  const settings = reader.read(section);
  return { settings, ...reader.finish() };
}

describe('precedence', () => {
  const flags = { TTL: '1' };
  const env = { TINTYPE_TTL: '2', IMGPROXY_TTL: '3' };
  const file = { name: 'tintype.config.ts', settings: { ttl: 4 } };

  test.each([
    ['a flag', { flags, env, file }, 1, 'flag', '--ttl'],
    ['TINTYPE_*', { env, file }, 2, 'environment', 'TINTYPE_TTL'],
    ['IMGPROXY_*', { env: { IMGPROXY_TTL: '3' }, file }, 3, 'environment', 'IMGPROXY_TTL'],
    ['the file', { env: {}, file }, 4, 'file', 'tintype.config.ts'],
    ['the default', {}, 60, 'default', ''],
  ])('%s wins over what follows it', (_, input, ttl, source, from) => {
    const { settings, effective } = readAll(input);
    expect(settings.ttl).toBe(ttl);
    expect(effective.find((one) => one.variable === 'TINTYPE_TTL')).toMatchObject({ source, from, section: 'Test' });
  });

  test('an alias is read after both and before the file', () => {
    const read = (env: Record<string, string>) =>
      readAll({ env, file: { name: 'f', settings: { name: 'file' } } }).settings.name;
    expect(read({ HOSTNAME_ALIAS: 'alias' })).toBe('alias');
    expect(read({ HOSTNAME_ALIAS: 'alias', TINTYPE_NAME: 'own' })).toBe('own');
  });

  test('an empty variable is an absent one', () => {
    expect(readAll({ env: { TINTYPE_TTL: '', IMGPROXY_TTL: ' ' } }).settings.ttl).toBe(60);
  });

  test('an empty flag resets to the default', () => {
    expect(readAll({ flags: { TTL: '' }, env: { TINTYPE_TTL: '5' } }).settings.ttl).toBe(60);
  });

  test('what is nowhere is undefined and listed as unset', () => {
    const { settings, effective } = readAll({});
    expect(settings.name).toBeUndefined();
    expect(effective.find((one) => one.variable === 'TINTYPE_NAME')).toMatchObject({ source: 'unset', value: '' });
  });

  test('an imgproxy variable of another name is read by that name', () => {
    expect(readAll({ env: { IMGPROXY_OLD_KEY: 'ff00' } }).settings.key).toEqual([Uint8Array.of(255, 0)]);
  });
});

describe('problems', () => {
  test('all of them are told at once, each by the variable that was used, its value and what is expected', () => {
    const reader = new SettingsReader({
      flags: { MODE: 'warp' },
      env: { IMGPROXY_TTL: 'abc', TINTYPE_CACHE_FS_MAX_BYTES: '10 GB' },
      file: { name: 'tintype.config.ts', settings: { name: { first: 'Ada' } } },
    });
    reader.read(section);
    reader.read(fsSection);
    expect(problemsOf(() => reader.finish())).toEqual([
      'IMGPROXY_TTL is "abc"; expected a number of seconds, 0 or more.',
      'name in tintype.config.ts is of the wrong type; expected text.',
      '--mode is "warp"; expected one of fast, slow.',
      'TINTYPE_CACHE_FS_ROOT is required when TINTYPE_CACHE_USE=fs.',
      'TINTYPE_CACHE_FS_MAX_BYTES is "10 GB"; expected a number of bytes, 0 or more, also as KiB, MiB or GiB (64MiB).',
    ]);
  });

  test('a bad variable is not covered up by a good one of lower precedence', () => {
    expect(problemsOf(() => readAll({ env: { TINTYPE_TTL: 'x', IMGPROXY_TTL: '5' } }))).toHaveLength(1);
  });

  test('a problem that several settings make together is added to them', () => {
    const reader = new SettingsReader({ env: { TINTYPE_KEY: 'aa,bb', TINTYPE_SALT: 'cc' } });
    checkCoreSettings(reader.read(coreSection), reader);
    expect(problemsOf(() => reader.finish())).toEqual([
      'TINTYPE_KEY has 2 values and TINTYPE_SALT 1 value; expected as many salts as keys.',
    ]);
  });

  test('an unknown setting of the file is one, with the nearest name', () => {
    expect(problemsOf(() => readAll({ file: { name: 'c.ts', settings: { headres: 'a' } } }))).toEqual([
      'headres in c.ts is not a known setting; the nearest is headers.',
    ]);
  });

  test('an unknown flag is one, with the nearest flag', () => {
    expect(problemsOf(() => readAll({ flags: { TLT: '1' } }))).toEqual([
      '--tlt is not a known flag; the nearest is --ttl.',
    ]);
  });
});

describe('secrets', () => {
  test('are hidden among the effective values', () => {
    const { effective } = readAll({ env: { TINTYPE_KEY: 'c0ffee' } });
    expect(JSON.stringify(effective)).not.toContain('c0ffee');
    expect(effective.find((one) => one.variable === 'TINTYPE_KEY')?.value).toBe('••••');
  });

  test('an empty one shows as empty', () => {
    expect(readAll({}).effective.find((one) => one.variable === 'TINTYPE_KEY')?.value).toBe('');
  });

  test('never occur in a message, whatever is wrong with them', () => {
    fc.assert(
      fc.property(fc.stringMatching(/^[g-z]{6,20}$/), (secret) => {
        for (const value of [secret, `c0ffee,${secret}`]) {
          const problems = problemsOf(() => readAll({ env: { TINTYPE_KEY: value } }));
          expect(problems).toHaveLength(1);
          expect(problems[0]).not.toContain(secret);
          expect(problems[0]).toContain('TINTYPE_KEY is "••••"');
        }
        const inFile = { name: 'c.ts', settings: { key: { nested: secret } } };
        expect(problemsOf(() => readAll({ file: inFile })).join()).not.toContain(secret);
      }),
      { numRuns: 30 },
    );
  });
});

describe('warnings', () => {
  test('an unknown TINTYPE_ variable gives one, with the nearest known name', () => {
    const { warnings } = readAll({ env: { TINTYPE_HEADRES: 'x' } });
    expect(warnings).toEqual(['TINTYPE_HEADRES is not a known variable and is ignored; did you mean TINTYPE_HEADERS?']);
  });

  test('it joins the problems where there are any: it may be the reason for them', () => {
    const reader = new SettingsReader({ env: { TINTYPE_CACHE_FS_ROTO: '/cache' } });
    reader.read(fsSection);
    expect(problemsOf(() => reader.finish())).toEqual([
      'TINTYPE_CACHE_FS_ROOT is required when TINTYPE_CACHE_USE=fs.',
      'TINTYPE_CACHE_FS_ROTO is not a known variable and is ignored; did you mean TINTYPE_CACHE_FS_ROOT?',
    ]);
  });

  test('a variable that is like no other gives one without a guess', () => {
    expect(readAll({ env: { TINTYPE_XYZZYXYZZY: 'x' } }).warnings).toEqual([
      'TINTYPE_XYZZYXYZZY is not a known variable and is ignored.',
    ]);
  });

  test('options of a part that is not in use give none and are not checked', () => {
    const reader = new SettingsReader({
      env: { TINTYPE_CACHE_FS_MAX_BYTES: 'junk' },
      file: { name: 'c.ts', settings: { cacheFsRoot: 'x' } },
    });
    reader.read(section);
    reader.know(fsSection);
    expect(reader.finish().warnings).toEqual([]);
  });

  test('imgproxy variables without a counterpart are named in one line', () => {
    const { warnings } = readAll({ env: { IMGPROXY_WATERMARK_URL: 'x', IMGPROXY_AUTO_AVIF: '1', IMGPROXY_TTL: '5' } });
    expect(warnings).toEqual(['Without a counterpart here and ignored: IMGPROXY_AUTO_AVIF, IMGPROXY_WATERMARK_URL.']);
  });
});

test('relative paths are resolved, and shown so', () => {
  const reader = new SettingsReader({ env: { IMGPROXY_CACHE_FS_ROOT: 'cache' }, cwd: '/srv/app' });
  expect(reader.read(fsSection).root).toBe('/srv/app/cache');
  expect(reader.finish().effective[0]).toMatchObject({
    variable: 'TINTYPE_CACHE_FS_ROOT',
    value: '/srv/app/cache',
    from: 'IMGPROXY_CACHE_FS_ROOT',
  });
});

test('a default that its own table refuses is a defect and throws at once', () => {
  const broken = defineOptions({ TTL: { kind: 'seconds', default: 'soon', description: '' } });
  expect(() => new SettingsReader({}).read({ title: '', prefix: 'X_', table: broken })).toThrow(
    'The default "soon" of TINTYPE_X_TTL is not a number of seconds, 0 or more.',
  );
});

test('every core option has a description that is one or more sentences, and a default that parses', () => {
  const reader = new SettingsReader({});
  reader.read(coreSection);
  for (const { variable, spec } of reader.finish().effective) {
    expect(spec.description, variable).toMatch(/^[A-Z].*\.$/);
  }
});
