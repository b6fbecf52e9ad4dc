import { setTimeout as sleep } from 'node:timers/promises';
import { expect, test } from 'vitest';
import type { Place } from './cloud.ts';
import { serve } from './rig.ts';

/** What outlives a proxy. */
export function testRestart({ make }: Place): void {
  test('a thumbnail survives the death of the proxy', async () => {
    const cloud = await make();
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
}
