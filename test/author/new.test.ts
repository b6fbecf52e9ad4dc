import { cp, mkdir, readdir, readFile, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Origin, StorageAdapter, Transformer } from '@tintype/core';
import { describe, expect, test, vi } from 'vitest';
import { node, root, temporaryFolder, tintype, tsc } from './processes.ts';

// Each test starts several processes.
vi.setConfig({ testTimeout: 300_000 });

const METHODS = {
  storage: [
    'open',
    'close',
    'get',
    'stat',
    'put',
    'setMetadata',
    'delete',
    'list',
    'check',
  ] satisfies readonly (keyof StorageAdapter)[],
  origin: ['open', 'close', 'fetch', 'check'] satisfies readonly (keyof Origin)[],
  transformer: ['open', 'close', 'transform'] satisfies readonly (keyof Transformer)[],
};

/** How each is used, and what is said if that goes wrong. */
const USED: {
  readonly [kind in keyof typeof METHODS]: { readonly env: Record<string, string>; readonly says: RegExp };
} = {
  storage: { env: { TINTYPE_CACHE_USE: 'my-store' }, says: /TINTYPE_CACHE_MY_STORE_TARGET is required/ },
  origin: { env: { TINTYPE_MY_STORE_TARGE: 'x' }, says: /TINTYPE_MY_STORE_TARGE .*TINTYPE_MY_STORE_TARGET/ },
  transformer: {
    env: { TINTYPE_TRANSFORMER_USE: 'my-store', TINTYPE_MY_STORE_QUALITY: '101' },
    says: /TINTYPE_MY_STORE_QUALITY is "?101/,
  },
};

const make = (args: readonly string[], cwd: string) => node([...tintype, 'new', ...args], cwd);

/** Makes a package, and gives it this folder's dependencies in place of `npm install`. */
async function made(kind: keyof typeof METHODS, name: string): Promise<string> {
  const parent = await temporaryFolder();
  const { code, output } = await make([kind, name], parent);
  expect(output).toBe(`Made ${name}-${kind}. Next:\n  cd ${name}-${kind}\n  npm install\n  npm test\n`);
  expect(code).toBe(0);
  const folder = join(parent, `${name}-${kind}`);
  await symlink(join(import.meta.dirname, 'node_modules'), join(folder, 'node_modules'));
  return folder;
}

async function filesOf(folder: string): Promise<string[]> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  return entries.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name));
}

/** As for anyone who has installed the packages: with the types of what was built. */
const compile = (folder: string, ...args: readonly string[]) => node([...tsc, ...args], folder);

describe.each(Object.entries(METHODS) as [keyof typeof METHODS, readonly string[]][])('new %s', (kind, methods) => {
  test('makes a package that compiles, and whose test lists what is to be written', async () => {
    const folder = await made(kind, 'my-store');
    expect(await compile(folder)).toEqual({ code: 0, output: '' });

    const { code, output } = await node(['--test', 'test/conformance.ts'], folder);
    expect(code).toBe(1);
    const listed = [...output.matchAll(/^\s+(\d+)\. (\w+) \(([\w/]+\.ts):(\d+)\): (.+)/gm)];
    expect(listed.map(([, number, method]) => `${number} ${method}`)).toEqual(
      [...methods, ...(kind === 'origin' ? ['serve'] : [])].map((method, index) => `${index + 1} ${method}`),
    );
    // Each line leads to its place, and is a promise in words.
    for (const [, , method, file = '', line, promise] of listed) {
      const source = (await readFile(join(folder, file), 'utf8')).split('\n')[Number(line) - 1];
      expect(source).toContain(`notImplemented('${method}'`);
      expect(promise?.split(' ').length).toBeGreaterThan(3);
    }
  });

  test('puts the name where it belongs, and leaves nothing of the template', async () => {
    const folder = await made(kind, 'my-store');
    for (const file of await filesOf(folder)) {
      if (file.includes('node_modules')) continue;
      expect(await readFile(file, 'utf8'), file).not.toMatch(/skeleton|0\.0\.0-tintype/i);
    }
    const manifest = JSON.parse(await readFile(join(folder, 'package.json'), 'utf8'));
    const { version } = JSON.parse(await readFile(join(root, 'packages/cli/package.json'), 'utf8'));
    expect(manifest.name).toBe(`my-store-${kind}`);
    expect(manifest.dependencies).toEqual({ '@tintype/core': `^${version}` });
    expect(await readFile(join(folder, '.gitignore'), 'utf8')).toContain('node_modules');
  });

  test('runs the suite as soon as nothing is left to be written', async () => {
    const folder = await made(kind, 'my-store');
    for (const file of [`src/${kind}.ts`, 'test/conformance.ts']) {
      const text = await readFile(join(folder, file), 'utf8');
      // What throws in another way counts as written.
      const written = text.replaceAll(/notImplemented\('(\w+)', '.*'\)/g, 'broken()');
      await writeFile(join(folder, file), `${written}\nfunction broken(): never {\n  throw new Error();\n}\n`);
    }
    const { code, output } = await node(['--test', 'test/conformance.ts'], folder);
    expect(code).toBe(1);
    expect(output).toContain('✔ everything is written');
    expect(output).toContain(`my-store keeps the contract of ${kind}s`);
  });

  test('documents every method', async () => {
    const source = await readFile(join(root, `packages/cli/templates/${kind}/src/${kind}.ts`), 'utf8');
    for (const method of methods) {
      expect(source, method).toMatch(new RegExp(`\\*/\\n  async \\*?${method}\\(`));
    }
  });

  test('is loaded as a plugin, and its settings are known', async () => {
    const folder = await made(kind, 'my-store');
    const { env, says } = USED[kind];
    const { output } = await node([...tintype, 'config'], folder, { TINTYPE_PLUGINS: './src/index.ts', ...env });
    expect(output).toMatch(says);
  });
});

test('the finished example is what the scaffold made, with its methods written', async () => {
  const folder = await made('storage', 'sqlite');
  const example = join(root, 'examples/sqlite-storage');
  for (const file of ['tsconfig.json', 'src/index.ts']) {
    expect(await readFile(join(folder, file), 'utf8'), file).toBe(await readFile(join(example, file), 'utf8'));
  }
  // The tutorial shows what the scaffold's test says.
  const { output } = await node(['--test', 'test/conformance.ts'], folder);
  const tutorial = await readFile(join(root, 'docs/write-a-storage.md'), 'utf8');
  const shown = [...tutorial.matchAll(/^ +\d+\. \w+ \(src.*$/gm)].map(([line]) => line.trim());
  expect(shown).toHaveLength(3);
  for (const line of shown) expect(output).toContain(line);
  // Written over the scaffold, it runs the suite and holds it.
  for (const part of ['src', 'test']) await cp(join(example, part), join(folder, part), { recursive: true });
  expect(await compile(folder)).toEqual({ code: 0, output: '' });
  const built = await compile(folder, '-p', 'tsconfig.build.json');
  expect(built).toEqual({ code: 0, output: '' });
  expect(await readdir(join(folder, 'dist'))).toEqual(expect.arrayContaining(['index.js', 'index.d.ts']));
  expect(await readFile(join(folder, 'dist/index.js'), 'utf8')).toContain("'./storage.js'");
});

describe('new refuses, in one sentence and with exit code 2,', () => {
  test.each([
    ['an unknown kind', ['cache', 'x'], /^cache is nothing that can be made; expected one of storage, origin, trans/],
    ['upper case', ['storage', 'MyStore'], /^The name "MyStore" must be lower-case letters and digits/],
    ['a path', ['storage', '../x'], /^The name "\.\.\/x" must be/],
    ['a leading digit', ['origin', '4chan'], /^The name "4chan" must be/],
    ['nothing as name', ['storage', ''], /^The name "" must be/],
    ['a name that Tintype has', ['storage', 'fs'], /^Tintype itself has the storage fs/],
    ['a missing name', ['storage'], /^A name is missing/],
    ['too many words', ['storage', 'my', 'store'], /^Too many arguments/],
  ])('%s', async (_, args, sentence) => {
    const folder = await temporaryFolder();
    const { code, output } = await make(args, folder);
    expect(output).toMatch(sentence);
    expect(output.trim().split('\n')).toHaveLength(1);
    expect(code).toBe(2);
    expect(await readdir(folder)).toEqual([]);
  });

  test('a folder that is there, and leaves it alone', async () => {
    const folder = await temporaryFolder();
    await mkdir(join(folder, 'x-storage'));
    await writeFile(join(folder, 'x-storage/mine.txt'), 'mine');
    const { code, output } = await make(['storage', 'x'], folder);
    expect(output).toBe(
      'The folder x-storage could not be made: it is there already; choose another name or remove it.\n',
    );
    expect(code).toBe(2);
    expect(await readdir(join(folder, 'x-storage'))).toEqual(['mine.txt']);
  });

  test.runIf(process.platform === 'linux')('a place where it may not write', async () => {
    const { code, output } = await make(['storage', 'x'], '/proc/self');
    expect(output).toMatch(/^The folder x-storage could not be made: .+\.\n$/);
    expect(code).toBe(2);
  });
});
