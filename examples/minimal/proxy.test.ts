import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';

test('ten lines are a proxy with a cache, started and stopped as a program', async () => {
  const cache = await mkdtemp(join(tmpdir(), 'tintype-minimal-'));
  onTestFinished(() => rm(cache, { recursive: true, force: true }));
  const program = spawn(process.execPath, ['--conditions=@tintype/source', join(import.meta.dirname, 'proxy.ts')], {
    env: { ...process.env, TINTYPE_BIND: '127.0.0.1:0', TINTYPE_CACHE_FS_ROOT: cache, TINTYPE_TIMEOUT: '60' },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  onTestFinished(() => void program.kill('SIGKILL'));
  const ended = once(program, 'exit');
  const [line] = await once(program.stdout.setEncoding('utf8'), 'data');
  const url = String(line).trim();
  const answer = await fetch(url);
  expect(answer.status).toBe(200);
  expect(answer.headers.get('content-type')).toBe('image/webp');
  program.kill('SIGTERM');
  expect(await ended).toEqual([0, null]);
});
