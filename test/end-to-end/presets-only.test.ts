import { expect, test } from 'vitest';
import { EndpointRig, Origin } from './endpoint-rig.ts';
import { cat, outcome, startRig, startSource, url } from './source-rig.ts';

const PRESETS = { presets: 'thumb=rs:fit:20,soft=bl:2' };

test('only what presets ask for is kept; the same image by its options is made each time, and not looked up', async () => {
  const { origin } = await startSource({ 'cache-control': 'max-age=600' });
  const rig = await startRig({ ...PRESETS, cachePresetsOnly: true, sourcesUse: 'memory' });
  for (const options of ['w:30', 'pr:thumb/w:30', 'raw:1']) {
    for (const _time of [1, 2]) expect(outcome(await rig.get(url(origin, options)))).toBe('Tintype; fwd=bypass');
  }
  expect(await Array.fromAsync(rig.proxy.storage?.list('') ?? [])).toEqual([]);
  expect(origin.requests).toHaveLength(6);
  expect(outcome(await rig.get(url(origin, 'pr:thumb')))).toBe('Tintype; fwd=uri-miss; stored');
  await rig.stored(1);
  expect(outcome(await rig.get(url(origin, 'preset:thumb')))).toContain('hit');
  expect(outcome(await rig.get(url(origin, 'rs:fit:20')))).toBe('Tintype; fwd=bypass');
});

test('a rule may be about presets', async () => {
  const { origin } = await startSource({ 'cache-control': 'max-age=600' });
  const rig = await startRig(PRESETS, [
    { preset: 'so*', cache: false },
    { preset: 'thumb', ttl: 60 },
  ]);
  for (const _time of [1, 2]) expect(outcome(await rig.get(url(origin, 'pr:soft:thumb')))).toContain('fwd=bypass');
  await rig.get(url(origin, 'pr:thumb/w:30'));
  await rig.stored(1);
  expect(outcome(await rig.get(url(origin, 'pr:thumb/w:30')))).toMatch(/hit; ttl=(?:60|[45]\d)$/);
});

test('it holds for images of endpoints, too', async () => {
  await using origin = await Origin.start((_request, response) =>
    response.writeHead(200, { 'Content-Type': 'image/png', 'Cache-Control': 'max-age=600' }).end(cat),
  );
  await using rig = await EndpointRig.start([{ path: '/img', origins: [origin.base], dialect: 'imgproxy-url' }], {
    ...PRESETS,
    cachePresetsOnly: true,
  });
  const ask = async (options: string) =>
    (await rig.ask(`/img/_/${options}/plain/cat.png`)).headers['cache-status'] ?? '';
  expect(await ask('w:20')).toContain('fwd=bypass');
  expect(await ask('pr:thumb')).toContain('stored');
  await rig.stored(1);
  expect(await ask('pr:thumb')).toContain('hit');
});
