import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import sharp from 'sharp';
import { expect, test } from 'vitest';
import { startProxy, temporaryFolder } from './rig.ts';

const CHROME = 'image/avif,image/webp,image/apng,image/svg+xml,image/*,*/*;q=0.8';
const WEBP_ONLY = 'image/webp,*/*;q=0.5';
const URL = '/unsafe/rs:fit:40/plain/local:///rocket.jpg';
const HINTS = 'sec-ch-dpr, dpr, sec-ch-width, width, sec-ch-viewport-width, viewport-width';

/** What a client gets: the type, how the cache answered, and on what it depends. */
async function seen(response: Response): Promise<readonly (string | null)[]> {
  await response.arrayBuffer();
  const { headers } = response;
  const cache = headers.get('cache-status')?.split('; ')[1] ?? null;
  return [headers.get('content-type'), cache, headers.get('vary')];
}

test('without options the client decides nothing, and the key is that of a client that says nothing', async () => {
  const rig = await startProxy({ cacheUse: 'memory' });
  expect(await seen(await rig.get(URL, { headers: { accept: CHROME, dpr: '2' } }))).toEqual([
    'image/jpeg',
    'fwd=uri-miss',
    null,
  ]);
  await rig.stored(1);
  expect(await seen(await rig.get(URL))).toEqual(['image/jpeg', 'hit', null]);
});

test('each outcome is one entry, however many texts lead to it, and every answer says what it depends on', async () => {
  const rig = await startProxy({ cacheUse: 'memory', autoWebp: true, autoAvif: true });
  const get = async (accept: string, path = URL) => seen(await rig.get(path, { headers: { accept } }));
  expect(await get(CHROME)).toEqual(['image/avif', 'fwd=uri-miss', 'accept']);
  expect(await get(WEBP_ONLY)).toEqual(['image/webp', 'fwd=uri-miss', 'accept']);
  expect(await get('text/html')).toEqual(['image/jpeg', 'fwd=uri-miss', 'accept']);
  await rig.stored(3);
  expect(await get('image/avif')).toEqual(['image/avif', 'hit', 'accept']);
  expect(await get('image/webp;q=0.9, image/avif;q=0.1')).toEqual(['image/webp', 'hit', 'accept']);
  expect(await get('image/avif;q=0')).toEqual(['image/jpeg', 'hit', 'accept']);
  expect(rig.count('transformed')).toBe(3);
  // What names the same format is the same entry, and depends on nothing.
  expect(await get(CHROME, '/unsafe/rs:fit:40/f:webp/plain/local:///rocket.jpg')).toEqual(['image/webp', 'hit', null]);
});

test('a format that is not written here is never chosen, whoever accepts it, and the operator is told', async () => {
  const rig = await startProxy({ autoJxl: true, enforceJxl: true, autoWebp: true });
  expect(await seen(await rig.get(URL, { headers: { accept: 'image/jxl,image/webp' } }))).toEqual([
    'image/webp',
    'fwd=bypass',
    'accept',
  ]);
  expect(rig.proxy.warnings).toEqual([
    'TINTYPE_AUTO_JXL has no effect: the transformer in use does not write jxl.',
    'TINTYPE_ENFORCE_JXL has no effect: the transformer in use does not write jxl.',
  ]);
});

test('a 304 says what it depends on, too', async () => {
  const rig = await startProxy({ cacheUse: 'memory', autoWebp: true });
  const first = await rig.get(URL, { headers: { accept: WEBP_ONLY } });
  await first.arrayBuffer();
  const again = await rig.get(URL, {
    headers: { accept: WEBP_ONLY, 'if-none-match': first.headers.get('etag') ?? '' },
  });
  expect([again.status, again.headers.get('vary')]).toEqual([304, 'accept']);
});

test('an enforced format takes the place of the one that a URL names, never of a source that is passed on', async () => {
  const rig = await startProxy({ enforceWebp: true, cacheKeyHeaders: ['X-Shop'] });
  const get = async (path: string) => seen(await rig.get(path, { headers: { accept: CHROME } }));
  const [type, , vary] = await get('/unsafe/rs:fit:40/f:png/plain/local:///rocket.jpg');
  expect([type, vary]).toEqual(['image/webp', 'x-shop, accept']);
  const [rawType, , rawVary] = await get('/unsafe/raw:1/plain/local:///rocket.jpg');
  expect([rawType, rawVary]).toEqual(['image/jpeg', 'x-shop']);
});

test('IK19: client hints stand in for what a URL does not name, in steps', async () => {
  const rig = await startProxy({ cacheUse: 'memory', enableClientHints: true });
  const path = '/unsafe/plain/local:///rocket.jpg';
  expect(await seen(await rig.get(path, { headers: { 'viewport-width': '150' } }))).toEqual([
    'image/jpeg',
    'fwd=uri-miss',
    HINTS,
  ]);
  await rig.stored(1);
  const [, cache] = await seen(await rig.get(path, { headers: { 'sec-ch-viewport-width': '160', dpr: '0.5' } }));
  expect(cache).toBe('hit');
  expect((await seen(await rig.get('/unsafe/rs:fit:40/dpr:2/plain/local:///rocket.jpg')))[2]).toBeNull();
});

test('an animation goes on moving where the best format of a client cannot', async () => {
  const folder = await temporaryFolder();
  const frames = [0, 255].map((level) =>
    sharp({ create: { width: 8, height: 8, channels: 3, background: { r: level, g: 0, b: 0 } } }),
  );
  const pages = await Promise.all(frames.map((frame) => frame.png().toBuffer()));
  await writeFile(
    join(folder, 'moving.gif'),
    await sharp(pages, { join: { animated: true } })
      .gif()
      .toBuffer(),
  );
  const rig = await startProxy({ autoAvif: true, localFilesystemRoot: folder });
  const response = await rig.get('/unsafe/plain/local:///moving.gif', { headers: { accept: CHROME } });
  expect(response.headers.get('content-type')).toBe('image/gif');
  expect((await sharp(Buffer.from(await response.arrayBuffer()), { animated: true }).metadata()).pages).toBe(2);
});
