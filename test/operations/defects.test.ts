import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { ask } from './client.ts';
import { Folder, TintypeProcess, WITHOUT_CHILD } from './tintype-process.ts';

const THUMBNAIL = '/unsafe/rs:fit:60/plain/local:///rocket.jpg';
const CORE = fileURLToPath(new URL('../../packages/core/dist/index.js', import.meta.url));

/** A plugin with a defect: it throws where nobody can catch it, once an image has been made. */
const DEFECT = `
import { definePlugin } from ${JSON.stringify(CORE)};
const observe = ({ type }) => {
  if (type === 'transformed') setImmediate(() => { throw new Error('a defect with Bearer abcdefgh'); });
};
export default definePlugin({ name: 'defect', register: (registry) => registry.observer({ observe }) });
`;

test('a single process ends with 1 and one line that has the defect', async () => {
  await using folder = await Folder.make();
  await writeFile(join(folder.path, 'defect.js'), DEFECT);
  await using proxy = new TintypeProcess({
    cwd: folder.path,
    env: { ...WITHOUT_CHILD, TINTYPE_PLUGINS: './defect.js' },
  });
  const address = await proxy.serves();
  await ask(address + THUMBNAIL).catch(() => undefined);
  expect(await proxy.ended).toEqual({ code: 1, signal: null });
  const { level, err } = await proxy.said(/^An error that nobody caught ends this process with code 1/);
  expect(level).toBe(60);
  expect(err).toContain('a defect with Bearer ***');
}, 180_000);

test('one of two that ends so is replaced, and tells as much', async () => {
  await using folder = await Folder.make();
  await writeFile(join(folder.path, 'defect.js'), DEFECT);
  const env = { ...WITHOUT_CHILD, TINTYPE_PLUGINS: './defect.js', TINTYPE_PROCESSES: '2' };
  await using proxy = new TintypeProcess({ cwd: folder.path, env });
  const address = await proxy.serves();
  await ask(address + THUMBNAIL).catch(() => undefined);
  await proxy.said(/^An error that nobody caught ends this process with code 1/);
  await proxy.said(/^A serving process exited with code 1; another one is started/);
  await proxy.said(/^The serving process was replaced/);
  expect((await ask(`${address}/livez`)).status).toBe(200);
  expect(await proxy.stop()).toBe(0);
}, 180_000);
