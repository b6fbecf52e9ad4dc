import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { serverForTest } from '@tintype-test/servers';
import { afterAll, describe, expect, onTestFinished, test, vi } from 'vitest';
import { photograph, serve } from './rig.ts';
import { s3 } from './s3.ts';

vi.setConfig({ testTimeout: 180_000 });

/** The path of a config file with these endpoints; gone with the test. */
async function configOf(endpoints: readonly unknown[]): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'tintype-lifetimes-'));
  onTestFinished(() => rm(folder, { recursive: true, force: true }));
  const file = join(folder, 'tintype.config.mjs');
  await writeFile(file, `export default ${JSON.stringify({ endpoints })};\n`);
  return file;
}

/** How the cache handles a URL when it is asked for again. */
async function kept(url: string): Promise<{ readonly ttl: number; readonly cacheControl: string | null }> {
  await (await fetch(url)).bytes();
  const again = () => fetch(url).then(async (response) => [response, await response.bytes()] as const);
  // Nobody waits for the storage.
  await expect.poll(async () => (await again())[0].headers.get('cache-status')).toContain('hit');
  const [{ headers }] = await again();
  const ttl = Number(/ttl=(\d+)/.exec(headers.get('cache-status') ?? '')?.[1]);
  return { ttl, cacheControl: headers.get('cache-control') };
}

describe.each(['versitygw', 'fauxqs'])('an object in %s that was stored with max-age=600', async (kind) => {
  const { server, missing } = await serverForTest(kind);
  afterAll(() => server?.stop());

  test('IK7: it lives for as long as it says, as an image and passed on; without origin cache control as the operator says', async ({
    skip,
  }) => {
    if (server === undefined) return skip(missing);
    const { env, sourceUrl } = await s3.make(server, await photograph());
    const folder = sourceUrl.replace(/2026\/.*/, '');
    const images = { origins: [folder], dialect: 'imgproxy-url' };
    const off = { originCacheControl: false, edgeTtl: 86_400 };
    const endpoints = [
      { path: '/images', ...images },
      { path: '/images-off', ...images, ...off },
      { path: '/files', origins: [folder] },
      { path: '/files-off', origins: [folder], ...off },
    ];
    const alone = await serve({ ...env, TINTYPE_CACHE_USE: 'memory' });
    const { url } = await serve({ ...env, TINTYPE_CACHE_USE: 'memory', TINTYPE_CONFIG: await configOf(endpoints) });
    for (const asked of [
      `${alone.url}/unsafe/rs:fit:40/plain/${sourceUrl}`,
      `${url}/images/unsafe/rs:fit:40/plain/2026/rocket.jpg`,
      `${url}/files/2026/rocket.jpg`,
    ]) {
      const { ttl, cacheControl } = await kept(asked);
      expect([asked, cacheControl, ttl <= 600 && ttl > 400]).toEqual([asked, 'max-age=600', true]);
    }
    for (const asked of [
      `${url}/images-off/unsafe/rs:fit:40/plain/2026/rocket.jpg`,
      `${url}/files-off/2026/rocket.jpg`,
    ]) {
      expect([asked, 86_400 - (await kept(asked)).ttl < 200]).toEqual([asked, true]);
    }
  });
});
