import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test, vi } from 'vitest';
import { startControl } from './control-server.ts';

// No file system at hand keeps sockets and refuses to change who may write to them.
vi.mock('node:fs/promises', async (importOriginal) => ({
  ...(await importOriginal<typeof import('node:fs/promises')>()),
  chmod: () => Promise.reject(new Error('Operation not supported')),
}));

test('a socket that cannot be kept for its owner is closed again: nobody may purge by it', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'tintype-control-'));
  onTestFinished(() => rm(folder, { recursive: true }));
  const path = join(folder, 'control.sock');
  await expect(startControl({ path, hear: async () => undefined })).rejects.toThrow('not supported');
  expect(await readdir(folder)).toEqual([]);
});
