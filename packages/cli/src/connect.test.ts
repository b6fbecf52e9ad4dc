import { describe, vi } from 'vitest';
import { Folder, tintype } from './tintype.fixture.ts';

// Every test starts processes, several tests at a time.
vi.setConfig({ testTimeout: 180_000 });

const CORE = JSON.stringify(new URL('../../core/dist/index.js', import.meta.url).href);

/** A plugin with one storage, whose methods are `members`. */
const storagePlugin = (members: string) => `
import { definePlugin } from ${CORE};
export default definePlugin({
  name: 'acme',
  register(registry) {
    registry.storage({
      id: 'acme',
      options: { TOKEN: { kind: 'string', secret: true, description: 'To log in with.' } },
      create: () => ({ capabilities: {}, open: async () => {}, close: async () => {}, ${members} }),
    });
  },
});
`;

describe.concurrent('tintype config --connect', (test) => {
  test('tells in one sentence each that the cache and the sources can be used', async ({ expect }) => {
    await using folder = await Folder.with({ 'images/a.txt': '' });
    const env = {
      TINTYPE_LOCAL_FILESYSTEM_ROOT: './images',
      TINTYPE_CACHE_USE: 'fs',
      TINTYPE_CACHE_FS_ROOT: './cache',
    };
    const { code, stdout, stderr } = await tintype(['config', '--connect'], { cwd: folder.path, env });
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    const [first, ...parts] = stdout.trim().split('\n');
    expect(first).toBe('The configuration is right.');
    expect(parts).toContainEqual(expect.stringMatching(/^The cache can be used: .*cache.*\.$/));
    expect(parts).toContainEqual(expect.stringMatching(/^The origin local can be used: files in .*images\.$/));
    for (const line of parts) expect(line).toMatch(/^The (cache|origin \w+) can be used: [^\n]+\.$/);
  });

  test('ends with 1 where one of them cannot, and says why', async ({ expect }) => {
    const env = {
      TINTYPE_LOCAL_FILESYSTEM_ROOT: '/nowhere/images',
      TINTYPE_CACHE_USE: 's3',
      TINTYPE_CACHE_BUCKET: 'thumbnails',
      TINTYPE_CACHE_S3_ENDPOINT: 'http://127.0.0.1:9',
      TINTYPE_CACHE_S3_ACCESS_KEY_ID: 'AKIDEXAMPLE',
      TINTYPE_CACHE_S3_SECRET_ACCESS_KEY: 'never-to-be-seen',
    };
    const [text, json] = await Promise.all([
      tintype(['config', '--connect'], { env }),
      tintype(['config', '--connect', '--json'], { env }),
    ]);
    expect({ code: text.code, stderr: text.stderr }).toEqual({ code: 1, stderr: '' });
    expect(text.stdout).toMatch(/^The cache cannot be used: S3 bucket thumbnails: [^\n]+ECONNREFUSED[^\n]*\.$/m);
    expect(text.stdout).toContain(
      'The origin local cannot be used: The folder of local sources, /nowhere/images, does not exist.\n',
    );
    expect({ code: json.code, stderr: json.stderr }).toEqual({ code: 1, stderr: '' });
    const { ok, checks } = JSON.parse(json.stdout) as { ok: boolean; checks: { part: string; ok: boolean }[] };
    expect(ok).toBe(false);
    expect(checks[0]).toMatchObject({ part: 'cache', ok: false, problem: expect.stringContaining('ECONNREFUSED') });
    expect(`${text.stdout}${json.stdout}`).not.toContain('never-to-be-seen');
  });

  test('says so where there is no cache', async ({ expect }) => {
    const { code, stdout } = await tintype(['config', '--connect'], { env: { TINTYPE_CACHE_USE: '' } });
    expect(code).toBe(0);
    expect(stdout).toContain('There is no cache: TINTYPE_CACHE_USE is blank.\n');
  });

  test('connects to nothing with settings that are wrong', async ({ expect }) => {
    expect(await tintype(['config', '--connect'], { env: { TINTYPE_TTL: 'abc' } })).toEqual({
      code: 2,
      stdout: '',
      stderr: 'TINTYPE_TTL is "abc"; expected a number of seconds, 0 or more.\n',
    });
  });

  test('tells of each part that does not come to be open, and of the others all the same', async ({ expect }) => {
    const plugin = `
import { definePlugin, tokens } from ${CORE};
const never = () => new Promise(() => {});
const origin = (open) => ({ schemes: [], open, close: async () => {}, check: async () => ({ ok: true, summary: 'x' }) });
export default definePlugin({
  name: 'acme',
  register(registry) {
    registry.container.bind(tokens.coordinator).toConstantValue({ open: never, close: never, subscribe: () => () => {} });
    registry.origin({ id: 'silent', options: {}, create: () => origin(never) });
    const failing = async () => { throw new Error('The key file is missing.'); };
    registry.origin({ id: 'keyless', options: {}, create: () => origin(failing) });
  },
});
setInterval(() => {}, 1_000);`;
    await using folder = await Folder.with({ 'plugin.ts': plugin });
    const env = { TINTYPE_PLUGINS: './plugin.ts' };
    const { code, stdout } = await tintype(['config', '--connect'], { cwd: folder.path, env });
    expect(stdout).toContain('The coordinator cannot be used: It was not open within 10 seconds.\n');
    expect(stdout).toContain('The origin silent cannot be used: It was not open within 10 seconds.\n');
    expect(stdout).toContain('The origin keyless cannot be used: The key file is missing.\n');
    expect(stdout).toMatch(/^The origin http can be used: /m);
    expect(code).toBe(1);
  });

  test('ends with 2 of a defect: it could not ask everything', async ({ expect }) => {
    const members =
      "check: async () => { setTimeout(() => { throw new Error('Oh no'); }); return new Promise(() => {}); }";
    await using folder = await Folder.with({ 'plugin.ts': storagePlugin(members) });
    const env = { TINTYPE_PLUGINS: './plugin.ts', TINTYPE_CACHE_USE: 'acme', TINTYPE_CACHE_ACME_TOKEN: 'secret' };
    const { code, stderr } = await tintype(['config', '--connect'], { cwd: folder.path, env });
    expect(stderr).toMatch(/^This is a defect of tintype or of a plugin:\nError: Oh no/);
    expect(code).toBe(2);
  });

  test.for([
    ['while it is opened', 'open: () => new Promise(() => {})'],
    ['when it is asked', 'check: () => new Promise(() => {})'],
    [
      'when it is closed',
      "check: async () => ({ ok: false, summary: 'acme', problem: 'No.' }), close: () => new Promise(() => {})",
    ],
  ] as const)('ends although the cache hangs %s', async ([, members], { expect }) => {
    // Something that would keep the process, as a socket does.
    const plugin = `${storagePlugin(members)}\nsetInterval(() => {}, 1_000);`;
    await using folder = await Folder.with({ 'plugin.ts': plugin });
    const env = {
      TINTYPE_PLUGINS: './plugin.ts',
      TINTYPE_CACHE_USE: 'acme',
      TINTYPE_CACHE_ACME_TOKEN: 'never-to-be-seen',
    };
    const { code, stdout } = await tintype(['config', '--connect'], { cwd: folder.path, env });
    expect(stdout).toMatch(/^The cache cannot be used: (No|It did not answer within 10 seconds)\.$/m);
    expect(stdout).not.toContain('never-to-be-seen');
    expect(code).toBe(1);
  });
});
