import { setTimeout as sleep } from 'node:timers/promises';
import { type Fault, FaultProxy } from '@tintype/conformance';
import { serverForTest } from '@tintype-test/servers';
import { afterAll, describe, expect, onTestFinished, test, vi } from 'vitest';
import { clouds } from './cloud.ts';
import { photograph, type Served, serve } from './rig.ts';

vi.setConfig({ testTimeout: 120_000 });

const places = Object.entries(clouds).flatMap(([name, cloud]) => cloud.servers.map((server) => ({ name, server })));

describe.each(places)('while its cache by $name on $server fails', async ({ name, server: kind }) => {
  const { server, missing } = await serverForTest(kind);
  afterAll(() => server?.stop());
  const cloud = clouds[name];
  if (server === undefined || cloud === undefined) {
    test('a proxy serves images', ({ skip }) => skip(missing ?? `there is no cloud ${name}`));
    return;
  }

  test.each<[string, Fault, string]>([
    ['the token has expired', cloud.expired, 'access-denied'],
    ['there is no permission any more', cloud.forbidden, 'access-denied'],
    ['the server stops answering', { kind: 'silence' }, 'timeout'],
  ])('a proxy serves images, and uses it again afterwards: %s', async (_, fault, code) => {
    const made = await cloud.make(server, await photograph());
    const proxy = await new FaultProxy(server.endpoint).listen();
    onTestFinished(() => proxy.close());
    // A lookup that gets no answer is given up soon.
    const more = { ...(await made.through(proxy)), TINTYPE_CACHE_LOOKUP_TIMEOUT: '0.5' };
    const served = await serve({ ...made.env, ...more });
    const ask = asking(served, made.sourceUrl);
    expect(await ask(80)).toMatchObject({ status: 200, type: 'image/webp' });
    while ((await made.cached()).length === 0) await sleep(50);

    proxy.script({ fault });
    // Time-outs take their time to be told; until then, and after, every answer is an image.
    for (let width = 81; !served.said().includes(`"code":"${code}"`); width++) {
      const answer = await ask(width);
      expect(answer).toMatchObject({ status: 200, type: 'image/webp' });
      expect(answer.cacheStatus).not.toContain('hit');
      await sleep(50);
    }
    expect(await ask(80)).toMatchObject({ status: 200, type: 'image/webp' });

    proxy.clear();
    while (!(await ask(80)).cacheStatus.includes('hit')) await sleep(200);
    await served.kill('SIGTERM');
  });
});

function asking({ url }: Served, source: string) {
  return async (width: number) => {
    const answer = await fetch(`${url}/unsafe/rs:fit:${width}:80/plain/${source}@webp`);
    await answer.bytes();
    const { status, headers } = answer;
    return { status, type: headers.get('content-type'), cacheStatus: headers.get('cache-status') ?? '' };
  };
}
