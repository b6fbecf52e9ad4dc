import { type ChildProcessByStdio, execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import type { Readable } from 'node:stream';
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
}, 300_000);

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
    const all = await readdir(join(folder, 'node_modules', name), { recursive: true });
    // Templates are sources on purpose: of packages to come.
    const files = all.filter((file) => !file.startsWith('templates'));
    expect(files.filter((file) => /\.(test|test-d|fixture)\.|(^|\/)src\/|tsbuildinfo/.test(file))).toEqual([]);
  }
});

/** The bytes, if they came from the cache. */
async function hitFor(image: URL): Promise<Uint8Array | undefined> {
  const answer = await fetch(image);
  const bytes = await answer.bytes();
  return /; *hit/.test(answer.headers.get('cache-status') ?? '') ? bytes : undefined;
}

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

  test('serves an image from its cache the second time', async () => {
    const server = spawn(join(oldestNodeFolder, 'node'), [tintype(), 'serve'], {
      cwd: folder,
      env: {
        ...env,
        TINTYPE_BIND: '127.0.0.1:0',
        TINTYPE_CACHE_USE: 'fs',
        // For a slow disk, and a transforming process that takes long to start.
        TINTYPE_CACHE_LOOKUP_TIMEOUT: '60',
        TINTYPE_TIMEOUT: '60',
        TINTYPE_CACHE_FS_ROOT: join(folder, 'cache'),
        TINTYPE_LOCAL_FILESYSTEM_ROOT: join(import.meta.dirname, '../../examples/demo/images'),
      },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    const closed = once(server, 'close');
    try {
      const image = new URL('/unsafe/rs:fit:64/plain/local:///coffee.png@webp', await addressOf(server));
      const first = await fetch(image);
      expect(first.headers.get('content-type')).toBe('image/webp');
      const bytes = await first.bytes();
      // The answer does not wait for the store.
      await expect.poll(() => hitFor(image)).toBeDefined();
      expect(await hitFor(image)).toEqual(bytes);
    } finally {
      server.kill('SIGKILL');
      await closed;
    }
  });
});

/** The address in the first line of `tintype serve`; if it ends without one, an error with all that it said. */
function addressOf(server: ChildProcessByStdio<null, Readable, Readable>): Promise<string> {
  let said = '';
  return new Promise<string>((resolve, reject) => {
    const listen = (chunk: Buffer): void => {
      said += chunk.toString();
      const found = /http:\/\/127\.0\.0\.1:\d+/.exec(said);
      if (found !== null) resolve(found[0]);
    };
    server.stdout.on('data', listen);
    server.stderr.on('data', listen);
    server.on('close', () => reject(new Error(`tintype serve ended: ${said}`)));
  });
}
