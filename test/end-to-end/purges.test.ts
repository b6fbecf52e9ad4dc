import type { ServerResponse } from 'node:http';
import { type PurgeAnnouncement, tokens } from '@tintype/core';
import { describe, expect, test } from 'vitest';
import type { Rig } from './rig.ts';
import { cat, outcome, rocket, startRig, startSource, url } from './source-rig.ts';

/** Purges, as another process or a program would. What comes from now on comes a second later. */
async function purge({ proxy, advance }: Rig, { scope, value }: Omit<PurgeAnnouncement, 'at'>): Promise<void> {
  await proxy.container.get(tokens.coordinator).announce({ scope, value, at: proxy.container.get(tokens.clock)() });
  advance(1);
}

describe('a purge', () => {
  test.each([
    ['of all', () => ({ scope: 'all', value: '' }) as const],
    ['of its source', (base: string) => ({ scope: 'source', value: `${base}/a.png` }) as const],
    ['of all keys', () => ({ scope: 'key', value: 'v1/' }) as const],
  ])('%s ends the use of a result, and the next one is used', async (_what, what) => {
    const { origin } = await startSource({ 'cache-control': 'max-age=600' });
    const rig = await startRig();
    await rig.get(url(origin));
    await rig.stored(1);
    expect(outcome(await rig.get(url(origin)))).toContain('hit');
    await purge(rig, what(origin.base));
    expect(outcome(await rig.get(url(origin)))).toContain('fwd=uri-miss; stored');
    expect(origin.requests.at(-1)?.headers).not.toHaveProperty('if-none-match');
    await rig.stored(2);
    expect(outcome(await rig.get(url(origin)))).toContain('hit');
  });

  test('concerns no other source', async () => {
    const { origin } = await startSource({ 'cache-control': 'max-age=600' });
    const rig = await startRig();
    await rig.get(url(origin));
    await rig.stored(1);
    await purge(rig, { scope: 'source', value: `${origin.base}/b.png` });
    expect(outcome(await rig.get(url(origin)))).toContain('hit');
  });

  test('of what is on its way: who asked before gets it, nobody joins it, and it is not stored', async () => {
    const { origin } = await startSource();
    const rig = await startRig();
    const held: ServerResponse[] = [];
    origin.answer((_request, response) => void held.push(response));
    const send = (response: ServerResponse | undefined, image: Buffer): void => {
      if (response) response.sendDate = false;
      response?.writeHead(200, { 'content-type': 'image/png', 'cache-control': 'max-age=600' }).end(image);
    };
    const before = rig.get(url(origin));
    await expect.poll(() => held.length).toBe(1);
    await purge(rig, { scope: 'all', value: '' });
    const after = rig.get(url(origin));
    await expect.poll(() => held.length).toBe(2);
    send(held[1], rocket);
    const { headers } = await after;
    await rig.stored(1);
    send(held[0], cat);
    const old = await before;
    expect([old.status, old.headers.get('etag') === headers.get('etag')]).toEqual([200, false]);
    const hit = await rig.get(url(origin));
    expect([outcome(hit)?.includes('hit'), hit.headers.get('etag')]).toEqual([true, headers.get('etag')]);
  });

  test('of a source is one of its copy', async () => {
    const { origin, state } = await startSource({ 'cache-control': 'max-age=600' });
    const rig = await startRig({ sourcesUse: 'memory' });
    for (const width of ['w:20', 'w:30']) await rig.get(url(origin, width));
    expect(origin.requests).toHaveLength(1);
    state.body = rocket;
    await purge(rig, { scope: 'source', value: `${origin.base}/a.png` });
    const fresh = await rig.get(url(origin, 'w:20'));
    expect(origin.requests).toHaveLength(2);
    expect(fresh.headers.get('etag')).not.toBeNull();
    await rig.get(url(origin, 'w:30'));
    expect(origin.requests).toHaveLength(2);
  });

  test('of a source forgets that it had failed', async () => {
    const { origin, state } = await startSource({ 'cache-control': 'max-age=600' });
    state.status = 404;
    const rig = await startRig({ ttlByStatus: ['404=600'] });
    for (let time = 0; time < 2; time++) expect((await rig.get(url(origin))).status).toBe(404);
    expect(origin.requests).toHaveLength(1);
    state.status = 200;
    await purge(rig, { scope: 'source', value: `${origin.base}/a.png` });
    expect((await rig.get(url(origin))).status).toBe(200);
  });
});

describe('a proxy that is told to purge', () => {
  /** With results of two sources and their copies in memory. */
  async function filled() {
    const { origin } = await startSource({ 'cache-control': 'max-age=600' });
    const rig = await startRig({ sourcesUse: 'memory' });
    for (const name of ['a.png', 'b.png']) await rig.get(url(origin, 'w:20', name));
    await rig.get(url(origin, 'w:30'));
    await rig.stored(3);
    const storage = rig.proxy.container.get(tokens.resultStorage);
    const keys = async (): Promise<readonly string[]> => {
      const all: string[] = [];
      for await (const { key } of storage.list('')) all.push(key);
      return all;
    };
    return { origin, rig, keys };
  }

  test('removes what comes from a source, and tells how much that was', async () => {
    const { origin, rig, keys } = await filled();
    const selection = { scope: 'source', value: `${origin.base}/a.png` } as const;
    expect(await rig.proxy.purge(selection, { dryRun: true })).toMatchObject({
      announced: false,
      parts: [
        { part: 'cache', found: 2, removed: 0 },
        { part: 'sources', seen: 2, found: 1, removed: 0 },
      ],
    });
    expect(outcome(await rig.get(url(origin)))).toContain('hit');
    const { announced, parts } = await rig.proxy.purge(selection);
    expect(announced).toBe(true);
    expect(parts).toMatchObject([
      { part: 'cache', found: 2, removed: 2, inProcess: true },
      { part: 'sources', found: 1, removed: 1 },
    ]);
    expect(await keys()).toHaveLength(1);
    expect(outcome(await rig.get(url(origin, 'w:20', 'b.png')))).toContain('hit');
  });

  test('removes an entry by its key, or all below a part of it', async () => {
    const { origin, rig, keys } = await filled();
    const [first = ''] = await keys();
    expect(await rig.proxy.purge({ scope: 'key', value: first })).toMatchObject({ parts: [{ removed: 1 }] });
    expect(await keys()).toHaveLength(2);
    const { parts } = await rig.proxy.purge({ scope: 'key', value: 'originals/v1/' });
    expect(parts).toMatchObject([{ part: 'sources', removed: 2 }]);
    expect(await rig.proxy.purge({ scope: 'key', value: 'v1/' })).toMatchObject({ parts: [{ removed: 2 }] });
    rig.advance(1);
    expect(outcome(await rig.get(url(origin)))).toContain('fwd=uri-miss; stored');
  });

  test('removes everything of its own, and nothing else that lies there', async () => {
    const { rig, keys } = await filled();
    const storage = rig.proxy.container.get(tokens.resultStorage);
    const found = await storage.stat((await keys())[0] ?? '');
    if (found === undefined) throw new Error('nothing there');
    await storage.put('somebody/elses', new Uint8Array(1), found.metadata);
    expect(await rig.proxy.purge({ scope: 'all' })).toMatchObject({ parts: [{ removed: 3 }, { removed: 2 }] });
    expect(await keys()).toEqual(['somebody/elses']);
  });
});
