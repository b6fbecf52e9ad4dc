import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { Balancer } from './balancer.ts';
import { Load } from './client.ts';
import { Folder, freePort, TintypeProcess } from './tintype-process.ts';

test('two proxies behind a load balancer are restarted one after the other, and no request fails', async () => {
  await using cache = await Folder.make();
  const ports = [await freePort(), await freePort()];
  const start = (port = 0) =>
    new TintypeProcess({
      env: {
        TINTYPE_BIND: `127.0.0.1:${port}`,
        TINTYPE_CACHE_USE: 'fs',
        TINTYPE_CACHE_FS_ROOT: join(cache.path, 'cache'),
        // The balancer must have looked before it is over.
        TINTYPE_DRAIN_DELAY: '20',
      },
    });
  const running = ports.map((port) => start(port));
  const balancer = new Balancer(ports.map((port) => `http://127.0.0.1:${port}`));
  try {
    await Promise.all(running.map((proxy) => proxy.serves()));
    await balancer.look();
    expect(balancer.size).toBe(2);
    // Three in four are the same few images, the others new ones.
    // With pauses: without, so long a drain would take all that the machine can do.
    const address = () => sleep(150).then(balancer.next);
    const load = new Load(8, address, (client, nth) => {
      const width = nth % 4 === 0 ? 40 + client * 500 + (nth % 500) : 32 + (nth % 7);
      return `/unsafe/rs:fit:${width}/plain/local:///rocket.jpg`;
    });
    await load.more(100);
    for (const [at, port] of ports.entries()) {
      const before = running[at];
      expect(await before?.stop()).toBe(0);
      const after = start(port);
      running[at] = after;
      await after.serves();
      await balancer.look();
      await load.more(100);
      // The new one takes part.
      await after.line(({ msg }) => msg === 'request');
    }
    await load.stop();
    expect(load.failures).toEqual([]);
    expect(load.answered).toBeGreaterThan(300);
  } finally {
    balancer.close();
    for (const proxy of running) await proxy[Symbol.asyncDispose]();
  }
}, 180_000);
