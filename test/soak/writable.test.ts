import { execFile } from 'node:child_process';
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, onTestFinished, test } from 'vitest';
import { whyNotWritable } from './src/writable.ts';

const main = fileURLToPath(new URL('./src/main.ts', import.meta.url));

async function temporaryFolder(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'tintype-writable-'));
  onTestFinished(() => rm(folder, { recursive: true, force: true }));
  return folder;
}

test('a file that can be written is neither made nor changed', async () => {
  const folder = await temporaryFolder();
  await writeFile(join(folder, 'old'), 'before');
  expect(await whyNotWritable(join(folder, 'old'))).toBeUndefined();
  expect(await whyNotWritable(join(folder, 'below', 'new'))).toBeUndefined();
  expect(await readFile(join(folder, 'old'), 'utf8')).toBe('before');
  expect(await readdir(join(folder, 'below'))).toEqual([]);
});

test.each(['--results', '--report'])(
  'the soak says at once that %s can not be written',
  async (flag) => {
    const folder = await temporaryFolder();
    await writeFile(join(folder, 'file'), '');
    for (const path of [join(folder, 'file', 'all.json'), folder]) {
      const { code, out, err } = await new Promise<{ code: unknown; out: string; err: string }>((resolve) => {
        execFile(process.execPath, [main, 'profile', flag, path], (error, out, err) =>
          resolve({ code: error?.code, out, err }),
        );
      });
      expect({ code, out }).toEqual({ code: 2, out: '' });
      expect(err).toMatch(new RegExp(`^${flag} \\S+ can't be written \\(E[^\\n]*\\n$`));
    }
  },
  180_000,
);
