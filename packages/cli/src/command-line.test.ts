import { readFile } from 'node:fs/promises';
import { describe, expect, test, vi } from 'vitest';
import { Folder, tintype } from './tintype.fixture.ts';

// Every test starts processes, several tests at a time.
vi.setConfig({ testTimeout: 180_000 });

const KEYS = { TINTYPE_KEY: '943b421c9eb07c83', TINTYPE_SALT: '520f986b998545b4' };
/** The core package as built, for plugins and config files in folders that have no node_modules. */
const CORE = JSON.stringify(new URL('../../core/dist/index.js', import.meta.url).href);

const PLUGIN = `
import { definePlugin } from ${CORE};
export default definePlugin({
  name: 'acme',
  register(registry) {
    registry.storage({
      id: 'acme',
      options: { REGION: { kind: 'string', required: true, description: 'Where it is.' } },
      create: () => ({}),
    });
  },
});
`;

interface ShownSetting {
  readonly variable: string;
  readonly value: string | null;
  readonly source: string;
  readonly from: string | null;
}

async function settingsOf(
  args: readonly string[],
  surroundings: Parameters<typeof tintype>[1],
): Promise<(variable: string) => ShownSetting | undefined> {
  const { stdout, stderr, code } = await tintype(['config', '--json', ...args], surroundings);
  expect(stderr).toBe('');
  expect(code).toBe(0);
  const { settings } = JSON.parse(stdout) as { settings: ShownSetting[] };
  return (variable) => settings.find((setting) => setting.variable === variable);
}

describe.concurrent('usage', () => {
  test('--version prints the version of the package', async ({ expect }) => {
    expect(await tintype(['--version'])).toEqual({ code: 0, stdout: '0.1.0\n', stderr: '' });
  });

  test('--help tells the commands, how settings are given, an example and the exit codes', async ({ expect }) => {
    const { code, stdout, stderr } = await tintype(['--help']);
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    for (const text of ['serve', 'sign', 'config', 'TINTYPE_CACHE_USE=fs', '--cache-fs-root ./cache', 'Exit codes']) {
      expect(stdout).toContain(text);
    }
    for (const line of stdout.split('\n')) expect(line.length).toBeLessThanOrEqual(80);
  });

  test('serve --help explains every setting within 80 columns', async ({ expect }) => {
    const { code, stdout } = await tintype(['serve', '--help']);
    expect(code).toBe(0);
    for (const flag of ['--bind <address>', '--cache-fs-root <path>', '--quality <number>', '--max-redirects']) {
      expect(stdout).toContain(flag);
    }
    for (const line of stdout.split('\n')) expect(line.length).toBeLessThanOrEqual(80);
  });

  test('a Node that is too old is told in a sentence, before anything else is loaded', async ({ expect }) => {
    const old = "Object.defineProperty(process, 'versions', { value: { ...process.versions, node: '22.1.0' } })";
    const env = { NODE_OPTIONS: `--import=data:text/javascript,${encodeURIComponent(old)}` };
    const { code, stdout, stderr } = await tintype(['--version'], { env });
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
    expect(stderr).toBe('tintype needs Node.js 24 or newer, and this is 22.1.0.\n');
    const manifest = JSON.parse(await readFile(new URL('../package.json', import.meta.url), 'utf8'));
    expect(manifest.engines.node).toBe('>=24');
  });

  test('without a command the help goes to standard error, with exit code 2', async ({ expect }) => {
    const { code, stdout, stderr } = await tintype([]);
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
    expect(stderr).toContain('Usage: tintype');
  });

  test.for([
    [['config', '--cache-usee', 'fs'], '--cache-usee is not a known flag; the nearest is --cache-use.'],
    [['serve', '--watermark=1'], '--watermark is not a known flag; "tintype serve --help" lists all of them.'],
    [['srve'], 'srve is not a command; the nearest is serve.'],
    [['check'], 'check is not a command; there is "tintype config --check".'],
    [['help'], 'help is not a command; there is "tintype --help".'],
    [['constructor'], 'constructor is not a command; expected one of serve, sign, config, cache, conformance, new.'],
    [['confg'], 'confg is not a command; the nearest is config.'],
    [['--check'], '--check is not a flag of "tintype"; there is "tintype config --check".'],
    [['sign', '--connect', '/x'], '--connect is not a flag of "tintype sign"; there is "tintype config --connect".'],
    [['config', '--conect'], '--conect is not a known flag; the nearest is --connect.'],
    [['frobnicate'], 'frobnicate is not a command; expected one of serve, sign, config, cache, conformance, new.'],
    [['config', '--ttl'], 'The flag --ttl needs a value: --ttl <seconds>.'],
    [['sign'], 'A path is missing; "tintype sign --help" shows how it is written.'],
    [['cache', 'lifecicle'], 'lifecicle is not a command; the nearest is lifecycle.'],
  ] as const)('%j is wrong usage: one sentence and exit code 2', async ([args, sentence], { expect }) => {
    expect(await tintype(args)).toEqual({ code: 2, stdout: '', stderr: `${sentence}\n` });
  });
});

describe.concurrent('settings', () => {
  test('come from flags, variables, imgproxy variables, the file and defaults, in this order', async ({ expect }) => {
    await using folder = await Folder.with({
      'tintype.config.ts': `export default { settings: { ttl: 1, timeout: 2, downloadTimeout: 3, quality: 50 } }`,
    });
    const setting = await settingsOf(['--ttl', '100'], {
      cwd: folder.path,
      env: { TINTYPE_TTL: '200', TINTYPE_TIMEOUT: '201', IMGPROXY_TIMEOUT: '300', IMGPROXY_DOWNLOAD_TIMEOUT: '301' },
    });
    expect(setting('TINTYPE_TTL')).toMatchObject({ value: '100', source: 'flag', from: '--ttl' });
    expect(setting('TINTYPE_TIMEOUT')).toMatchObject({ value: '201', source: 'environment', from: 'TINTYPE_TIMEOUT' });
    expect(setting('TINTYPE_DOWNLOAD_TIMEOUT')).toMatchObject({ value: '301', from: 'IMGPROXY_DOWNLOAD_TIMEOUT' });
    expect(setting('TINTYPE_QUALITY')).toMatchObject({ value: '50', source: 'file', from: 'tintype.config.ts' });
    expect(setting('TINTYPE_MAX_SRC_FILE_SIZE')).toMatchObject({ value: '64MiB', source: 'default', from: null });
    expect(setting('TINTYPE_WORKERS')).toMatchObject({ value: null, source: 'unset' });
  });

  test('PORT alone changes the port and stays on the loopback address', async ({ expect }) => {
    const { code, stdout } = await tintype(['config', '--check'], { env: { PORT: '3000' } });
    expect({ code, stdout }).toEqual({ code: 0, stdout: 'The configuration is right.\n' });
  });

  test('a switch may stand alone', async ({ expect }) => {
    const setting = await settingsOf(['--allow-unsigned'], {});
    expect(setting('TINTYPE_ALLOW_UNSIGNED')).toMatchObject({ value: 'true', from: '--allow-unsigned' });
  });

  test('are shown by section, without secrets and without colours off a terminal', async ({ expect }) => {
    const { code, stdout, stderr } = await tintype(['config'], { env: KEYS });
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    expect(stdout).toMatch(/^Proxy\n/);
    expect(stdout).toMatch(/^ {2}TINTYPE_KEY +•••• +environment$/m);
    expect(stdout).toMatch(/^ {2}TINTYPE_TTL +31536000 +default$/m);
    expect(stdout).not.toContain(KEYS.TINTYPE_KEY);
    expect(stdout).not.toContain('\u001B');
  });

  test('have colours if they are forced, and none with NO_COLOR', async ({ expect }) => {
    const forced = await tintype(['config'], { env: { FORCE_COLOR: '1' } });
    expect(forced.stdout).toContain('\u001B[');
    const without = await tintype(['config'], { env: { NO_COLOR: '1' } });
    expect(without.stdout).not.toContain('\u001B');
  });

  test('that are wrong are all told at once, with exit code 2', async ({ expect }) => {
    const env = { TINTYPE_TTL: 'abc', IMGPROXY_CACHE_USE: 'fs', TINTYPE_KEY: 'secret', TINTYPE_CACHE_FS_ROTO: 'x' };
    const outcomes = await Promise.all([
      tintype(['config', '--check'], { env }),
      tintype(['config'], { env }),
      tintype(['serve'], { env }),
    ]);
    for (const { code, stdout, stderr } of outcomes) {
      expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
      expect(stderr).toMatch(/^4 settings are wrong:\n/);
      expect(stderr).toContain('  TINTYPE_TTL is "abc"; expected a number of seconds, 0 or more.\n');
      expect(stderr).toContain('  TINTYPE_CACHE_FS_ROOT is required when ');
      expect(stderr).toContain('did you mean TINTYPE_CACHE_FS_ROOT?');
      expect(stderr).toContain('TINTYPE_KEY is "••••"');
      expect(stderr).not.toContain('secret');
    }
  });

  test('that are wrong are JSON with --json', async ({ expect }) => {
    const { code, stdout, stderr } = await tintype(['config', '--check', '--json'], { env: { TINTYPE_TTL: 'abc' } });
    expect({ code, stderr }).toEqual({ code: 2, stderr: '' });
    const message = 'TINTYPE_TTL is "abc"; expected a number of seconds, 0 or more.';
    expect(JSON.parse(stdout)).toEqual({ ok: false, problems: [{ variable: 'TINTYPE_TTL', message }] });
  });

  test('unknown variables are a warning, and the check still passes', async ({ expect }) => {
    expect(await tintype(['config', '--check'], { env: { TINTYPE_CACH_USE: 'fs' } })).toEqual({
      code: 0,
      stdout: 'The configuration is right.\n',
      stderr: 'Warning: TINTYPE_CACH_USE is not a known variable and is ignored; did you mean TINTYPE_CACHE_USE?\n',
    });
  });

  test('an address that others reach, without a key, fails the check unless it is allowed', async ({ expect }) => {
    const open = { TINTYPE_BIND: '0.0.0.0:8080' };
    const refused = await tintype(['config', '--check'], { env: open });
    expect(refused.code).toBe(2);
    expect(refused.stderr).toMatch(
      /^TINTYPE_BIND is 0\.0\.0\.0:8080, which other machines can reach, and no key is set/,
    );
    const allowed = await tintype(['config', '--check'], { env: { ...open, TINTYPE_ALLOW_UNSIGNED: 'true' } });
    const signed = await tintype(['config', '--check'], { env: { ...open, ...KEYS } });
    expect([allowed.code, signed.code]).toEqual([0, 0]);
  });
});

describe.concurrent('the config file', () => {
  test('gives endpoints and rules, which are shown as they were given, after the settings', async () => {
    const endpoints = [
      { path: '/', origins: ['http://127.0.0.1:9000/', 'http://127.0.0.1:9001/'], defaultTtl: { '200': 60 } },
      { path: '/images', origins: ['http://127.0.0.1:9000/'], dialect: 'imgproxy-url' },
    ];
    const cacheRules = [{ operation: 'blur', cache: false }];
    await using folder = await Folder.with({
      'tintype.config.ts': `export default ${JSON.stringify({ endpoints, cacheRules })};`,
    });
    const { stdout } = await tintype(['config'], { cwd: folder.path });
    expect(stdout.slice(stdout.indexOf('\nEndpoints'))).toBe(`
Endpoints of tintype.config.ts
  1.  path        /
      origins     http://127.0.0.1:9000/, http://127.0.0.1:9001/
      defaultTtl  {"200":60}
  2.  path     /images
      origins  http://127.0.0.1:9000/
      dialect  imgproxy-url

Rules of tintype.config.ts, the first that fits
  1.  operation  blur
      cache      false
`);
    const json = await tintype(['config', '--json'], { cwd: folder.path });
    expect(JSON.parse(json.stdout)).toMatchObject({ endpoints, cacheRules });
  });

  test('is TypeScript, and brings plugins whose settings are then known', async ({ expect }) => {
    await using folder = await Folder.with({
      'plugin.ts': PLUGIN,
      'tintype.config.ts': `
        import { defineConfig } from ${CORE};
        import acme from './plugin.ts';
        const ttl: number = 60;
        export default defineConfig({ settings: { ttl, cacheAcmeRegion: 'north' }, plugins: [acme] });`,
    });
    const setting = await settingsOf([], { cwd: folder.path });
    expect(setting('TINTYPE_TTL')).toMatchObject({ value: '60', from: 'tintype.config.ts' });
  });

  test('may be named by a flag or a variable', async ({ expect }) => {
    await using folder = await Folder.with({ 'conf/own.ts': 'export default { settings: { ttl: 60 } }' });
    for (const how of [{ args: ['--config', 'conf/own.ts'] }, { env: { TINTYPE_CONFIG: './conf/own.ts' } }]) {
      const setting = await settingsOf(how.args ?? [], { cwd: folder.path, env: how.env ?? {} });
      expect(setting('TINTYPE_TTL')).toMatchObject({ value: '60', from: 'conf/own.ts' });
    }
  });

  test.for([
    ['throw new Error("no luck\\nat all")', 'tintype.config.ts could not be loaded (line 1): no luck.'],
    [
      "export default { settings: {\nkey: 'c0ffee', salt: } }",
      /^tintype\.config\.ts .+ \(line 2\): (?!.*c0ffee).+\.\n$/,
    ],
    ['export const settings = {}', /has no configuration as its default export; expected export default \{/],
    ['export default []', /has no configuration as its default export/],
    ['export default { setting: {} }', /exports the unknown member setting; the nearest is settings/],
    ['export default { settings: 7 }', /^settings in tintype\.config\.ts is no object/],
    ['export default { plugins: {} }', /^plugins in tintype\.config\.ts is no array/],
    ['export default { plugins: [{}] }', /^plugins\[0\] in tintype\.config\.ts is no plugin/],
    [
      'export default { settings: { cacheUze: "fs" } }',
      'cacheUze in tintype.config.ts is not a known setting; the nearest is cacheUse.',
    ],
    [
      'export default { settings: { ttl: { days: 3 } } }',
      'ttl in tintype.config.ts is of the wrong type; expected a number of seconds, 0 or more.',
    ],
  ] as const)('%s: one sentence and exit code 2', async ([text, sentence], { expect }) => {
    await using folder = await Folder.with({ 'tintype.config.ts': text });
    const { code, stdout, stderr } = await tintype(['config'], { cwd: folder.path });
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
    if (typeof sentence === 'string') expect(stderr).toBe(`${sentence}\n`);
    else expect(stderr).toMatch(sentence);
    expect(stderr.trim().split('\n')).toHaveLength(1);
  });

  test('that is named has to exist', async ({ expect }) => {
    const { code, stderr } = await tintype(['config', '--config', '/nowhere/tintype.config.ts']);
    expect({ code, stderr }).toEqual({
      code: 2,
      stderr: 'The config file /nowhere/tintype.config.ts does not exist.\n',
    });
  });

  test('is not loaded for help', async ({ expect }) => {
    await using folder = await Folder.with({ 'tintype.config.ts': 'throw new Error("never")' });
    expect((await tintype(['serve', '--help'], { cwd: folder.path })).code).toBe(0);
  });
});

describe.concurrent('plugins by name', () => {
  const MANIFEST = JSON.stringify({ name: 'acme-storage', type: 'module', exports: { import: './plugin.js' } });

  test.for(['./plugin.ts', 'acme-storage'])('%s is found from the working directory', async (specifier, { expect }) => {
    await using folder = await Folder.with({
      'plugin.ts': PLUGIN,
      'node_modules/acme-storage/package.json': MANIFEST,
      'node_modules/acme-storage/plugin.js': PLUGIN,
    });
    const surroundings = { cwd: folder.path, env: { TINTYPE_PLUGINS: specifier, TINTYPE_CACHE_USE: 'acme' } };
    const { code, stderr } = await tintype(['config', '--check'], surroundings);
    expect({ code, stderr }).toEqual({
      code: 2,
      stderr: 'TINTYPE_CACHE_ACME_REGION is required when TINTYPE_CACHE_USE=acme.\n',
    });
    // Its settings are flags like any other.
    const flags = await tintype(['config', '--cache-acme-regoin', 'x'], surroundings);
    expect(flags.stderr).toBe('--cache-acme-regoin is not a known flag; the nearest is --cache-acme-region.\n');
  });

  test.for([
    ['acme-missing', /^The plugin acme-missing could not be loaded: there is none in .+, install it there\.\n$/],
    ['./missing.ts', /^The plugin \.\/missing\.ts could not be loaded: .+\n$/],
    ['./empty.ts', './empty.ts is no plugin: its default export must be what definePlugin made.\n'],
    ['./broken.ts', 'The plugin ./broken.ts could not be loaded: out of order.\n'],
  ] as const)('%s is one sentence and exit code 2', async ([specifier, sentence], { expect }) => {
    await using folder = await Folder.with({ 'empty.ts': '', 'broken.ts': 'throw new Error("out of order.")' });
    const { code, stderr } = await tintype(['config', '--plugins', specifier], { cwd: folder.path });
    expect(code).toBe(2);
    if (typeof sentence === 'string') expect(stderr).toBe(sentence);
    else expect(stderr).toMatch(sentence);
  });
});

describe.concurrent('sign', () => {
  // The example of imgproxy's documentation: key `secret`, salt `hello`.
  const env = { IMGPROXY_KEY: '736563726574', IMGPROXY_SALT: '68656C6C6F' };
  const path = '/rs:fill:300:400:0/g:sm/aHR0cDovL2V4YW1w/bGUuY29tL2ltYWdl/cy9jdXJpb3NpdHku/anBn.png';
  const signed = `/oKfUtW34Dvo2BGQehJFR4Nr0_rIjOtdtzJ3QFsUcXH8${path}`;

  test('prints the signed path', async ({ expect }) => {
    expect(await tintype(['sign', path], { env })).toEqual({ code: 0, stdout: `${signed}\n`, stderr: '' });
  });

  test('warns of what stands in place of a signature, and shows the path without it', async ({ expect }) => {
    const { code, stdout, stderr } = await tintype(['sign', `/unsafe${path}`], { env });
    expect(code).toBe(0);
    expect(stdout.endsWith(`/unsafe${path}\n`)).toBe(true);
    expect(stderr).toBe(
      `Warning: the path begins with what stands in place of a signature; without it: tintype sign '${path}'\n`,
    );
  });

  test('prints JSON', async ({ expect }) => {
    const { stdout } = await tintype(['sign', path, '--json'], { env });
    expect(JSON.parse(stdout)).toEqual({ path, signed });
  });

  test('without a key says which variables to set', async ({ expect }) => {
    expect(await tintype(['sign', path])).toEqual({
      code: 2,
      stdout: '',
      stderr: 'There is no key to sign with: set TINTYPE_KEY and TINTYPE_SALT.\n',
    });
  });

  test('of what is no path says how it begins', async ({ expect }) => {
    const { code, stderr } = await tintype(['sign', 'rs:fill'], { env });
    expect({ code, stderr }).toEqual({
      code: 2,
      stderr: 'The path rs:fill must begin with "/", as in /rs:fit:300/plain/….\n',
    });
  });
});
