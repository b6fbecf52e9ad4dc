import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { expect, onTestFinished, test, vi } from 'vitest';

const program = fileURLToPath(new URL('../bin/tintype.js', import.meta.url));

/** Runs the built command, as a user would. */
function tintype(...argv: string[]): Promise<{ code: number; out: string; err: string }> {
  return new Promise((resolve) => {
    execFile(process.execPath, [program, 'conformance', ...argv], (error, out, err) => {
      resolve({ code: typeof error?.code === 'number' ? error.code : 0, out, err });
    });
  });
}

test('a storage of the settings that serve reads is put to the test, and nothing of it stays', async () => {
  const root = await mkdtemp(join(tmpdir(), 'tintype-conformance-'));
  onTestFinished(() => rm(root, { recursive: true, force: true }));
  const argv = ['--use', 'fs', '--cache-fs-root', root, '--only', 'get', '--budget', '0.5', '--report', 'json'];
  const { code, out } = await tintype(...argv);
  expect(JSON.parse(out).subjects).toMatchObject([{ name: 'fs' }]);
  expect(code).toBe(0);
  const files = await readdir(root, { recursive: true, withFileTypes: true });
  // What the folder's processes have counted together is no entry.
  expect(files.filter((file) => file.isFile() && file.name !== '@counted')).toEqual([]);
}, 180_000);

test('what cannot run is one sentence and exit code 2', async () => {
  expect(await tintype('--use', 'fs')).toEqual({
    code: 2,
    out: '',
    err: 'TINTYPE_CACHE_FS_ROOT is required when --use=fs.\n',
  });
  expect(await tintype('--use', 'nope')).toMatchObject({
    code: 2,
    err: expect.stringMatching(/^--use names "nope"; expected one of the installed storages: [^\n]*\n$/),
  });
  expect(await tintype('--use', 'memory,memory')).toMatchObject({
    code: 2,
    err: '--use is "memory,memory"; expected each storage once.\n',
  });
  expect(await tintype('--frobnicate')).toMatchObject({
    code: 2,
    err: expect.stringMatching(/^[^\n]*frobnicate[^\n]*\n$/),
  });
}, 180_000);

test('what is mistyped is told with the nearest flag or variable, as serve does', async () => {
  expect(await tintype('--budgt', '3')).toMatchObject({
    code: 2,
    err: '--budgt is not a known flag; the nearest is --budget.\n',
  });
  expect(await tintype('--use', 'fs', '--cache-fs-rot', '/x')).toMatchObject({
    code: 2,
    err: '--cache-fs-rot is not a known flag; the nearest is --cache-fs-root.\n',
  });
  vi.stubEnv('TINTYPE_CACHE_FS_ROTO', '/x');
  onTestFinished(() => void vi.unstubAllEnvs());
  expect(await tintype('--use', 'fs')).toMatchObject({
    code: 2,
    err:
      'Warning: TINTYPE_CACHE_FS_ROTO is not a known variable and is ignored; did you mean TINTYPE_CACHE_FS_ROOT?\n' +
      'TINTYPE_CACHE_FS_ROOT is required when --use=fs.\n',
  });
}, 180_000);

test('a store that never answers, and holds the process, ends in one sentence and exit code 2', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'tintype-conformance-'));
  onTestFinished(() => rm(folder, { recursive: true, force: true }));
  const file = join(folder, 'silent.mjs');
  const strong = `{ kind: 'strong', scope: 'store' }`;
  const capabilities = `{ readConsistency: ${strong}, listConsistency: ${strong} }`;
  await writeFile(
    file,
    `const open = () => new Promise(() => setInterval(() => {}, 60_000));
     const rest = { close() {}, get() {}, stat() {}, put() {}, setMetadata() {}, delete() {}, list() {}, check() {} };
     const adapter = { open, capabilities: ${capabilities}, ...rest };
     export default { operationTimeoutMs: 50, create: () => ({ adapter }) };`,
  );
  expect(await tintype('--adapter', file)).toEqual({
    code: 2,
    out: '',
    err: `${file} never answers: open() did not settle within 50 ms.\n`,
  });
}, 180_000);

test('a run that is interrupted ends with exit code 2 once the test under way has cleaned up', async () => {
  const root = await mkdtemp(join(tmpdir(), 'tintype-conformance-'));
  onTestFinished(() => rm(root, { recursive: true, force: true }));
  // As much as cannot be over before it is interrupted.
  const argv = [program, 'conformance', '--use', 'fs', '--cache-fs-root', root, '--budget', '100'];
  const child = spawn(process.execPath, argv, { stdio: ['ignore', 'ignore', 'pipe'] });
  const ended = Promise.all([text(child.stderr), once(child, 'close')]);
  while (!(await readdir(root)).includes('conformance')) await sleep(5);
  child.kill('SIGINT');
  const [err, [code]] = await ended;
  expect(err).toMatch(/fs was left after \d+ of \d+ tests: the run was stopped\.\n$/);
  expect(code).toBe(2);
  const files = await readdir(root, { recursive: true, withFileTypes: true });
  // What the folder's processes have told one another is no entry.
  expect(files.filter((file) => file.isFile() && !file.name.startsWith('@'))).toEqual([]);
}, 180_000);
