import { copyFile } from 'node:fs/promises';
import { join } from 'node:path';
import { createProxy, definePlugin, type ProxyEvent } from '@tintype/core';
import fs from '@tintype/fs';
import imgproxyUrl from '@tintype/imgproxy-url';
import sharp from '@tintype/sharp';
import { describe, expect, onTestFinished, test, vi } from 'vitest';
import { labStorage } from './lab-storage.ts';
import { PHOTOS, type Rig, startProxy, temporaryFolder } from './rig.ts';

const variant = (width: number) => `/unsafe/w:${width}/plain/local:///chelsea.png`;
/** Costs hardly anything to make, so that waits show. */
const cheap = (index: number) => `/unsafe/raw:1/cb:${index}/plain/local:///chelsea.png`;

const cacheStatus = (answer: Response) => answer.headers.get('cache-status') ?? '';
const states = (rig: Rig) =>
  rig.events.flatMap((event) => (event.type === 'storage-state' ? [`${event.access} ${event.state}`] : []));

/** Asks again and again, four at a time, until there was such an event. Every answer must be an image. */
async function askUntil(rig: Rig, state: string, path: (index: number) => string): Promise<number> {
  let asked = 0;
  const client = async () => {
    while (!states(rig).includes(state)) {
      const answer = await rig.get(path(asked++));
      expect(answer.status).toBe(200);
      await answer.arrayBuffer();
    }
  };
  await Promise.all(Array.from({ length: 4 }, client));
  return asked;
}

describe('a storage that hangs under load', () => {
  test('costs the first few a wait, then nobody, never an image, and is used again when it is back', async () => {
    const lab = labStorage();
    const rig = await startProxy({ cacheLookupTimeout: 0.25, cacheUse: 'lab' }, [lab.plugin]);
    await rig.get(variant(50));
    await rig.stored(1);
    lab.trouble = 'hangs';
    expect(await askUntil(rig, 'reads paused', cheap)).toBeLessThan(20);

    const gets = () => lab.calls.filter((call) => call === 'get').length;
    const before = gets();
    const waits: number[] = [];
    const began = performance.now();
    for (let index = 0; index < 100; index++) {
      const started = performance.now();
      const answer = await rig.get(cheap(1_000 + index));
      expect([answer.status, cacheStatus(answer)]).toEqual([200, 'Tintype; fwd=uri-miss']);
      await answer.arrayBuffer();
      waits.push(performance.now() - started);
    }
    // A probe may have been due each second; nobody waits for it. A lookup would have cost each of them 250 ms, and
    // all of them 25 s; a machine that is busy with other things costs some of them as much.
    const seconds = (performance.now() - began) / 1_000;
    expect(gets() - before).toBeLessThanOrEqual(1 + seconds);
    expect(waits.sort((one, other) => one - other)[50]).toBeLessThan(250);

    lab.trouble = 'none';
    await askUntil(rig, 'reads working', () => variant(50));
    expect(cacheStatus(await rig.get(variant(50)))).toContain('hit');
    expect(states(rig)).toEqual(['reads paused', 'reads working']);
  });

  test('behind a memory tier: what lies there is still a hit', async () => {
    const lab = labStorage();
    const rig = await startProxy({ cacheLookupTimeout: 0.25, cacheTiers: 'memory,lab' }, [lab.plugin]);
    await rig.get(variant(50));
    await rig.stored(1);
    lab.trouble = 'hangs';
    await askUntil(rig, 'reads paused', cheap);
    expect(cacheStatus(await rig.get(variant(50)))).toContain('hit');
    lab.trouble = 'none';
  });
});

test('a far tier that cannot be opened: the near one is used, and the reason is told once', async () => {
  const lab = labStorage('down');
  const rig = await startProxy({ cacheTiers: 'memory,lab' }, [lab.plugin]);
  const answers = [await rig.get(variant(50)), await rig.get(variant(50))];
  expect(answers.map(({ status }) => status)).toEqual([200, 200]);
  expect(states(rig)).toEqual(['reads paused']);
  expect(rig.events.filter(({ type }) => type === 'cache-error')).toEqual([
    { type: 'cache-error', operation: 'open', code: 'unavailable', message: 'The network is down.' },
  ]);
  lab.trouble = 'none';
  await rig.stop();
  expect(lab.calls.filter((call) => call !== 'open')).toEqual([]);
});

test('a full storage is read on; results are served and not stored', async () => {
  const lab = labStorage();
  const rig = await startProxy({ cacheUse: 'lab' }, [lab.plugin]);
  await rig.get(variant(50));
  await rig.stored(1);
  lab.trouble = 'full';
  await askUntil(rig, 'writes paused', cheap);
  const puts = lab.calls.filter((call) => call === 'put').length;
  const answer = await rig.get(variant(51));
  expect([answer.status, cacheStatus(answer)]).toEqual([200, 'Tintype; fwd=uri-miss']);
  expect(cacheStatus(await rig.get(variant(50)))).toContain('hit');
  await rig.stop();
  expect(lab.calls.filter((call) => call === 'put')).toHaveLength(puts);
  expect(rig.events).toContainEqual({ type: 'store-dropped', reason: 'paused', storage: 'lab' });
});

test('where errors shall be reported every request fails, also while the storage is left alone', async () => {
  const lab = labStorage('none');
  const rig = await startProxy({ cacheUse: 'lab', cacheReportErrors: true }, [lab.plugin]);
  lab.trouble = 'down';
  for (let index = 0; index < 10; index++) {
    const answer = await rig.get(variant(50));
    expect([answer.status, answer.headers.get('cache-control')]).toEqual([500, 'no-store']);
  }
  expect(states(rig)).toEqual(['reads paused']);
});

test('a storage that is unreachable is told of a few times, not with each request', async () => {
  const lab = labStorage();
  const rig = await startProxy({ cacheUse: 'lab' }, [lab.plugin]);
  lab.trouble = 'down';
  for (let index = 0; index < 30; index++) await (await rig.get(cheap(index))).arrayBuffer();
  // The first few, and a trial now and then if it took long.
  expect(rig.count('cache-error')).toBeLessThan(15);
  expect(rig.count('storage-state')).toBe(1);
});

describe('a storage that cannot be opened at the start', () => {
  async function start(trouble: 'down' | 'hangs') {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
    onTestFinished(() => {
      vi.useRealTimers();
    });
    const lab = labStorage(trouble);
    const events: ProxyEvent[] = [];
    const ears = definePlugin({
      name: 'test/ears',
      register: (registry) => registry.observer({ observe: (event) => events.push(event) }),
    });
    const folder = await temporaryFolder();
    await copyFile(join(PHOTOS, 'chelsea.png'), join(folder, 'a.png'));
    const proxy = await createProxy({
      plugins: [fs, sharp, imgproxyUrl, lab.plugin, ears],
      settings: { cacheUse: 'lab', localFilesystemRoot: folder },
    });
    onTestFinished(() => proxy.close());
    const ask = async () => {
      const { signal } = new AbortController();
      const target = '/unsafe/w:50/plain/local:///a.png';
      return (await proxy.handle({ method: 'GET', target, headers: {}, signal })).headers['cache-status'];
    };
    return { ask, events, lab, proxy };
  }

  test('costs no image, and is tried again', async () => {
    const { ask, events, lab, proxy } = await start('down');
    await proxy.open();
    expect(await ask()).toBe('Tintype; fwd=uri-miss');
    expect(events).toContainEqual(
      expect.objectContaining({ type: 'storage-state', state: 'paused', code: 'unavailable' }),
    );
    lab.trouble = 'none';
    await vi.advanceTimersByTimeAsync(5_000);
    expect(events.at(-1)).toEqual({ type: 'storage-state', storage: 'lab', access: 'reads', state: 'working' });
    expect(await ask()).toBe('Tintype; fwd=uri-miss; stored');
  });

  test('does not hold up the start for long if it hangs', async () => {
    const { ask, lab, proxy } = await start('hangs');
    const opened = proxy.open();
    // What limits it begins with it.
    await expect.poll(() => lab.calls).toContain('open');
    await vi.advanceTimersByTimeAsync(5_000);
    await opened;
    expect(await ask()).toBe('Tintype; fwd=uri-miss');
    lab.trouble = 'none';
  });
});
