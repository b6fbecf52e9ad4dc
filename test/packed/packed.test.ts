import { execFile } from 'node:child_process';
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { packPackages } from '../../scripts/packed-packages.mjs';
import { publishablePackages } from '../../scripts/workspace.mjs';

// The packages as a user gets them: packed, installed by npm from their tarballs, and run on the oldest Node that
// `engines` allows. What is packed is the build, so `npm test` builds first.

const run = promisify(execFile);
const packages = publishablePackages();
const names = packages.map(({ manifest }) => manifest.name as string);

/** The folder of this package's own `node`, which is the oldest supported one. */
const oldestNodeFolder = join(import.meta.dirname, 'node_modules/node/bin');
const env = { ...process.env, NODE_OPTIONS: '', PATH: `${oldestNodeFolder}${delimiter}${process.env.PATH}` };

let folder: string;

const node = (...args: string[]): Promise<{ stdout: string; stderr: string }> =>
  run(join(oldestNodeFolder, 'node'), args, { cwd: folder, env });

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'tintype-packed-'));
  const packed = await packPackages(join(folder, 'tarballs'));
  if (!packed.ok) throw new Error(packed.output);
  await writeFile(join(folder, 'package.json'), '{ "private": true, "type": "module" }\n');
  const quiet = ['--prefer-offline', '--no-audit', '--no-fund', '--loglevel=error'];
  await run('npm', ['install', ...quiet, ...packed.tarballs], { cwd: folder, env });
}, 180_000);

afterAll(() => rm(folder, { recursive: true, force: true }));

test('the oldest supported Node is what runs here, and what `engines` promises', async () => {
  const { stdout } = await node('--version');
  const major = /^v(\d+)\./.exec(stdout)?.[1];
  expect(packages.map(({ manifest }) => manifest.engines.node)).toEqual(packages.map(() => `>=${major}`));
});

describe.each(names)('%s', (name) => {
  const installed = (file: string) => readFile(join(folder, 'node_modules', name, file), 'utf8');

  test('can be imported', async () => {
    const { stderr } = await node('--input-type=module', '--eval', `await import('${name}')`);
    expect(stderr).toBe('');
  });

  test('brings its licence and its README', async () => {
    expect(await installed('LICENSE')).toContain('Apache License');
    expect(await installed('README.md')).toContain(name);
  });

  test('resolves to its build, and its parts to released versions', async () => {
    const manifest = await installed('package.json');
    expect(manifest).not.toContain('@tintype/source');
    expect(manifest).not.toContain('workspace:');
  });
});

test('no tests, no sources and no build records are packed', async () => {
  for (const name of names) {
    const files = await readdir(join(folder, 'node_modules', name), { recursive: true });
    expect(files.filter((file) => /\.(test|test-d|fixture)\.|(^|\/)src\/|tsbuildinfo/.test(file))).toEqual([]);
  }
});

describe('the tintype command', () => {
  const tintype = () => join(folder, 'node_modules/tintype/bin/tintype.js');
  const version = packages.find(({ manifest }) => manifest.name === 'tintype')?.manifest.version;

  test('tells its version', async () => {
    const { stdout } = await node(tintype(), '--version');
    expect(stdout.trim()).toBe(version);
  });

  test('is on the path of npm', async () => {
    const { stdout } = await run('npx', ['--no-install', 'tintype', '--version'], { cwd: folder, env });
    expect(stdout.trim()).toBe(version);
  });
});
