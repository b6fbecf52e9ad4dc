import { setTimeout as sleep } from 'node:timers/promises';
import { serverForTest } from '@tintype-test/servers';
import { afterAll, describe, expect, test, vi } from 'vitest';
import { clouds } from './cloud.ts';
import { photograph, serve } from './rig.ts';

vi.setConfig({ testTimeout: 60_000 });

const places = Object.entries(clouds).flatMap(([name, cloud]) => cloud.servers.map((server) => ({ name, server })));

describe.each(places)('with sources and cache by $name on $server', async ({ name, server: kind }) => {
  const { server, missing } = await serverForTest(kind);
  afterAll(() => server?.stop());

  test('a thumbnail survives the death of the proxy', async ({ skip }) => {
    if (server === undefined) return skip(missing);
    const cloud = await clouds[name]?.make(server, await photograph());
    if (cloud === undefined) throw new Error(`There is no cloud "${name}".`);
    const path = `/unsafe/rs:fit:80:80/plain/${cloud.sourceUrl}@webp`;

    const before = await serve(cloud.env);
    const first = await fetch(before.url + path);
    expect([first.status, first.headers.get('content-type')]).toEqual([200, 'image/webp']);
    expect(first.headers.get('cache-status')).toContain('uri-miss');
    const bytes = await first.bytes();
    // The answer does not wait for the store.
    while ((await cloud.cached()).length === 0) await sleep(50);
    await before.kill('SIGKILL');

    const after = await serve(cloud.env);
    const second = await fetch(after.url + path);
    expect(second.headers.get('cache-status')).toContain('hit');
    expect(second.headers.get('etag')).toBe(first.headers.get('etag'));
    expect(Buffer.from(await second.bytes()).equals(bytes)).toBe(true);
    await after.kill('SIGTERM');
  });
});
