import { existsSync } from 'node:fs';
import { readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { ask, Load } from './client.ts';
import { Folder, TintypeProcess, until, WITHOUT_CHILD } from './tintype-process.ts';

const pathOf = (width: number) => `/unsafe/rs:fit:${width}/plain/local:///rocket.jpg`;

test('the cache folder may be removed while it serves: every request is answered, and results are stored again', async () => {
  await using folder = await Folder.make();
  const root = join(folder.path, 'cache');
  await using proxy = new TintypeProcess({
    env: { ...WITHOUT_CHILD, TINTYPE_CACHE_USE: 'fs', TINTYPE_CACHE_FS_ROOT: root },
  });
  const address = await proxy.serves();
  const load = new Load(
    4,
    () => address,
    (client, nth) => pathOf(32 + client * 500 + (nth % 40)),
  );
  await load.more(50);
  // As an operator does it; what is written meanwhile may keep it from being empty.
  await until(() =>
    rm(root, { recursive: true }).then(
      () => true,
      () => false,
    ),
  );
  await load.more(100);
  await load.stop();
  expect(load.failures).toEqual([]);
  await until(async () => {
    await ask(address + pathOf(700));
    return existsSync(root) && (await readdir(root, { recursive: true })).some((name) => name.endsWith('@'));
  });
  await until(async () => /hit/.test(String((await ask(address + pathOf(701))).headers['cache-status'])));
  expect(await proxy.stop()).toBe(0);
}, 180_000);

test.skipIf(!existsSync('/proc/self'))(
  'a cache folder that cannot be made is told of in the first line, and images are served without it',
  async () => {
    await using proxy = new TintypeProcess({
      env: { ...WITHOUT_CHILD, TINTYPE_CACHE_USE: 'fs', TINTYPE_CACHE_FS_ROOT: '/proc/x' },
    });
    const { msg } = await proxy.said(/^Serving on /);
    expect(msg).toContain('NOT USABLE: Cache folder /proc/x: it cannot be made, because /proc takes no folders');
    const address = await proxy.serves();
    expect((await ask(address + pathOf(60))).status).toBe(200);
    expect(await proxy.stop()).toBe(0);
  },
  180_000,
);
