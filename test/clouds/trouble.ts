import { setTimeout as sleep } from 'node:timers/promises';
import { type Fault, FaultProxy } from '@tintype/conformance';
import { expect, onTestFinished, test } from 'vitest';
import type { Place } from './cloud.ts';
import { type Served, serve } from './rig.ts';

/** What a cache costs that fails in the middle of a run. */
export function testTrouble({ cloud, server, make }: Place): void {
  test.each<[string, Fault, string]>([
    ['the token has expired', cloud.expired, 'access-denied'],
    ['there is no permission any more', cloud.forbidden, 'access-denied'],
    ['the server stops answering', { kind: 'silence' }, 'timeout'],
  ])('a proxy serves images while its cache fails, and uses it again afterwards: %s', async (_, fault, code) => {
    const made = await make();
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
    await served.kill('SIGKILL');
  });
}

function asking({ url }: Served, source: string) {
  return async (width: number) => {
    const answer = await fetch(`${url}/unsafe/rs:fit:${width}:80/plain/${source}@webp`);
    await answer.bytes();
    const { status, headers } = answer;
    return { status, type: headers.get('content-type'), cacheStatus: headers.get('cache-status') ?? '' };
  };
}
