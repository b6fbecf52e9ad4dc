import { describe, expect, test } from 'vitest';
import { EndpointRig, Origin } from './endpoint-rig.ts';
import { plain, startProxy } from './rig.ts';

const SECRET = 'between-us';
const authorization = `Bearer ${SECRET}`;

describe('a proxy with a secret', () => {
  test('answers whoever carries it, refuses the rest, and gives it away to nobody', async () => {
    const rig = await startProxy({ secret: SECRET, cacheUse: 'memory' });
    const path = `/unsafe/rs:fit:40/${plain('local:///rocket.jpg')}`;
    const made = await rig.get(path, { headers: { authorization } });
    expect([made.status, made.headers.get('content-type')]).toEqual([200, 'image/jpeg']);
    await made.bytes();
    await rig.stored(1);

    // A hit is as protected as a miss.
    for (const headers of [{}, { authorization: 'Bearer guess' }]) {
      const refused = await rig.get(path, { headers });
      expect([refused.status, refused.headers.get('cache-control')]).toEqual([403, 'no-store']);
      expect(await refused.text()).not.toContain(SECRET);
    }
    for (const probe of ['/livez', '/readyz']) expect((await rig.get(probe)).status).toBe(200);
    expect(JSON.stringify(rig.proxy.effective)).not.toContain(SECRET);
  });

  test('keeps it from the origins of its endpoints, and shares what they answer', async () => {
    await using origin = await Origin.start((_request, response) => {
      response.setHeader('cache-control', 'max-age=60');
      response.end('hello');
    });
    await using rig = await EndpointRig.start([{ path: '/', origins: [origin.base] }], { secret: SECRET });
    expect((await rig.ask('/a')).status).toBe(403);
    expect(origin.requests).toHaveLength(0);
    const first = await rig.ask('/a', { headers: { authorization } });
    expect([first.status, first.body]).toEqual([200, 'hello']);
    expect(origin.requests[0]?.headers).not.toHaveProperty('authorization');
    await rig.stored(1);
    // Nothing in it says that it belongs to one client: RFC 9111 §3.5 is about the origin's own users.
    expect((await rig.ask('/a', { headers: { authorization } })).headers['cache-status']).toContain('hit');
    expect((await rig.ask('/a')).status).toBe(403);
  });
});
