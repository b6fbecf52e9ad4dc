import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { ask } from './client.ts';
import { Folder, freePort, TintypeProcess, until, WITHOUT_CHILD } from './tintype-process.ts';

const STUCK = fileURLToPath(new URL('./stuck-storage.ts', import.meta.url));
const THUMBNAIL = '/unsafe/rs:fit:60/plain/local:///rocket.jpg';

test.each(['1', '2'])(
  'probes from start to end, with TINTYPE_PROCESSES=%s',
  async (processes) => {
    await using folder = await Folder.make();
    const port = await freePort();
    const opened = join(folder.path, 'opened');
    await using proxy = new TintypeProcess({
      env: {
        ...WITHOUT_CHILD,
        TINTYPE_PROCESSES: processes,
        TINTYPE_BIND: `127.0.0.1:${port}`,
        TINTYPE_PLUGINS: STUCK,
        TINTYPE_CACHE_USE: 'stuck',
        TINTYPE_CACHE_STUCK_UNTIL: opened,
        // All that is asked meanwhile is asked within it.
        TINTYPE_DRAIN_DELAY: '20',
      },
    });
    const probe = async (path: string) => (await ask(`http://127.0.0.1:${port}${path}`)).status;
    const probes = async () => [await probe('/livez'), await probe('/health'), await probe('/readyz')];

    // The storage hangs while it is opened: alive, and not ready.
    await until(() =>
      probe('/livez').then(
        (status) => status === 200,
        () => false,
      ),
    );
    expect(await probes()).toEqual([200, 200, 503]);
    const early = ask(`http://127.0.0.1:${port}${THUMBNAIL}`);

    // It has failed: images can be served without, so it is ready. What came early is answered now.
    await writeFile(opened, '');
    const address = await proxy.serves();
    expect((await early).status).toBe(200);
    await until(async () => (await probe('/readyz')) === 200);
    expect(await probes()).toEqual([200, 200, 200]);
    expect((await ask(address + THUMBNAIL)).status).toBe(200);

    // Told to stop: not ready at once, still alive, and still serving, each answer the last of its connection.
    proxy.signal('SIGTERM');
    await until(async () => (await probe('/readyz')) === 503);
    expect(await probes()).toEqual([200, 200, 503]);
    const { status, headers } = await ask(address + THUMBNAIL);
    expect(status).toBe(200);
    expect(headers.connection).toBe('close');
    expect(await proxy.ended).toEqual({ code: 0, signal: null });
    await expect(ask(address)).rejects.toThrow('ECONNREFUSED');
  },
  180_000,
);
