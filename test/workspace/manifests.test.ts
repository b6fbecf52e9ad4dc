import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { publishablePackages, readJson, root, workspacePackages } from '../../scripts/workspace.mjs';

const packages = workspacePackages();
const publishable = publishablePackages();

/** Dependencies of every kind except peers, whose ranges are the consumer's. */
const dependenciesOf = (manifest: Record<string, Record<string, string> | undefined>): [string, string][] =>
  ['dependencies', 'devDependencies', 'optionalDependencies'].flatMap((kind) => Object.entries(manifest[kind] ?? {}));

test('the workspace has packages to speak of', () => {
  expect(publishable.map(({ manifest }) => manifest.name)).toEqual(
    expect.arrayContaining(['tintype', '@tintype/core', '@tintype/fs']),
  );
});

describe.each(publishable)('$folder', ({ folder, path, manifest }) => {
  test('says on the registry what it is and where it comes from', () => {
    expect(manifest).toMatchObject({
      name: expect.stringMatching(/^(@tintype\/[a-z0-9-]+|tintype)$/),
      version: expect.stringMatching(/^\d+\.\d+\.\d+/),
      description: expect.stringMatching(/\.$/),
      keywords: expect.arrayContaining(['tintype']),
      license: 'Apache-2.0',
      type: 'module',
      homepage: expect.stringMatching(/^https:/),
      bugs: expect.stringMatching(/^https:/),
      repository: { type: 'git', url: expect.stringMatching(/^git\+https:/), directory: folder },
      engines: { node: '>=24' },
    });
    expect(manifest).toHaveProperty('sideEffects');
  });

  test('packs its build, its README and the licence, and no sources', () => {
    expect(manifest.files).toEqual(expect.arrayContaining(['dist', 'LICENSE', 'README.md']));
    expect(manifest.files).not.toContain('src');
  });

  test('resolves to sources here and to the build everywhere else', () => {
    expect(manifest.exports['.']).toEqual({
      '@tintype/source': './src/index.ts',
      types: './dist/index.d.ts',
      default: './dist/index.js',
    });
    expect(manifest.exports['./package.json']).toBe('./package.json');
    expect(JSON.stringify(manifest.publishConfig.exports)).not.toContain('@tintype/source');
    expect(Object.keys(manifest.publishConfig.exports)).toEqual(Object.keys(manifest.exports));
    expect(manifest.publishConfig.access).toBe('public');
  });

  test('has a README that begins with its name', () => {
    const readme = join(path, 'README.md');
    expect(existsSync(readme), `${folder}/README.md is missing`).toBe(true);
    expect(readFileSync(readme, 'utf8').split('\n')[0]).toContain(manifest.name);
  });
});

describe.each(packages)('$folder', ({ manifest }) => {
  test('pins every dependency to one version', () => {
    const loose = dependenciesOf(manifest).filter(
      ([, version]) => !/^(\d+\.\d+\.\d+(-[\w.]+)?|workspace:[*^])$/.test(version),
    );
    expect(loose).toEqual([]);
  });
});

test.each(packages.filter(({ folder }) => folder.startsWith('plugins/')))(
  '$folder depends on core and on nothing else of ours',
  ({ manifest }) => {
    const ours = Object.keys(manifest.dependencies).filter((name) => /^(@tintype\/|tintype$)/.test(name));
    expect(ours).toEqual(['@tintype/core']);
  },
);

test('the root pins its tools, too', () => {
  const loose = dependenciesOf(readJson(join(root, 'package.json'))).filter(
    ([, version]) => !/^(\d+\.\d+\.\d+|workspace:\*)$/.test(version),
  );
  expect(loose).toEqual([]);
});

test('`tsc -b` at the root builds every package that is published', () => {
  const built = readJson(join(root, 'tsconfig.json')).references.map(({ path }: { path: string }) => path);
  expect(built).toEqual(expect.arrayContaining(publishable.map(({ folder }) => `./${folder}`)));
});
