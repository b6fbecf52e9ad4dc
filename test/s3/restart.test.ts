import { setTimeout as sleep } from 'node:timers/promises';
import { serverForTest } from '@tintype-test/servers';
import { afterAll, describe, expect, test, vi } from 'vitest';
import { makeBuckets, serve } from './rig.ts';

vi.setConfig({ testTimeout: 60_000 });

describe.each(['versitygw', 'swift', 'fauxqs'])('with sources and cache on %s', async (name) => {
  const { server, missing } = await serverForTest(name);
  afterAll(() => server?.stop());

  test('a thumbnail survives the death of the proxy', async ({ skip }) => {
    if (server === undefined) return skip(missing);
    const buckets = await makeBuckets(server);
    const path = `/unsafe/rs:fit:80:80/plain/s3://${buckets.sources}/2026/rocket.jpg@webp`;

    const before = await serve(buckets.env);
    const first = await fetch(before.url + path);
    expect([first.status, first.headers.get('content-type')]).toEqual([200, 'image/webp']);
    expect(first.headers.get('cache-status')).toContain('uri-miss');
    const bytes = await first.bytes();
    // The answer does not wait for the store.
    while ((await buckets.cached()).length === 0) await sleep(50);
    await before.kill('SIGKILL');

    const after = await serve(buckets.env);
    const second = await fetch(after.url + path);
    expect(second.headers.get('cache-status')).toContain('hit');
    expect(second.headers.get('etag')).toBe(first.headers.get('etag'));
    expect(Buffer.from(await second.bytes()).equals(bytes)).toBe(true);
    await after.kill('SIGTERM');
  });
});
