import { readFile } from 'node:fs/promises';
import type { ServerResponse } from 'node:http';
import { join } from 'node:path';
import { definePlugin, tokens } from '@tintype/core';
import { describe, expect, test } from 'vitest';
import { heldTimers } from './held-timers.ts';
import { PHOTOS, plain, type Rig, startProxy, startWebOrigin, type WebOrigin } from './rig.ts';

const LOOPBACK = { cacheUse: 'memory', allowLoopbackSourceAddresses: true };
const image = await readFile(join(PHOTOS, 'rocket.jpg'));

/** An origin that answers when the test lets it. */
async function slowOrigin() {
  const open: ServerResponse[] = [];
  const origin = await startWebOrigin((_request, response) => {
    open.push(response);
  });
  return {
    origin,
    async asked(count: number): Promise<void> {
      while (origin.requests.length < count) await new Promise((resolve) => setTimeout(resolve, 5));
    },
    answerAll(): void {
      for (const response of open.splice(0)) response.end(image);
    },
  };
}

/** An answer that has begun within a short time-out: on a busy machine not the first one. */
async function begun(rig: Rig, path: string): Promise<Response> {
  let answer = await rig.get(path);
  while (answer.status === 504) {
    rig.advance(2);
    answer = await rig.get(path);
  }
  expect(answer.status).toBe(200);
  return answer;
}

const ask = (rig: Rig, origin: WebOrigin, name: string) => rig.get(`/unsafe/w:50/${plain(`${origin.base}/${name}`)}`);

describe('a source host', () => {
  test('is asked for so many images at a time, and a slow one holds up no other', async () => {
    const slow = await slowOrigin();
    const other = await startWebOrigin((_request, response) => response.end(image));
    const rig = await startProxy({ ...LOOPBACK, maxDownloadsPerHost: 2 });
    const answers = ['1', '2', '3', '4', '5'].map((name) => ask(rig, slow.origin, name));
    await slow.asked(2);
    expect((await ask(rig, other, 'a')).status).toBe(200);
    expect(slow.origin.requests).toHaveLength(2);
    for (const count of [4, 5]) {
      slow.answerAll();
      await slow.asked(count);
    }
    slow.answerAll();
    expect((await Promise.all(answers)).map(({ status }) => status)).toEqual([200, 200, 200, 200, 200]);
  });

  test('that is too slow for all who wait: who has waited in vain is told to come back', async () => {
    let stalled: ServerResponse | undefined;
    const origin = await startWebOrigin((_request, response) => {
      // Enough bytes that it may go on for a minute.
      response.write(Buffer.alloc(2_000_000));
      stalled = response;
    });
    const rig = await startProxy({ ...LOOPBACK, maxDownloadsPerHost: 1, timeout: 0.3 });
    const never = await begun(rig, `/unsafe/raw:1/${plain(`${origin.base}/1`)}`);
    const second = await ask(rig, origin, '2');
    expect([second.status, second.headers.get('retry-after'), second.headers.get('cache-control')]).toEqual([
      503,
      '1',
      'no-store',
    ]);
    const third = await rig.proxy.handle({
      method: 'GET',
      target: `/unsafe/w:50/${plain(`${origin.base}/3`)}`,
      headers: {},
      signal: new AbortController().signal,
    });
    expect(third.problem?.cause).toMatchObject({ cause: expect.stringContaining('TINTYPE_MAX_DOWNLOADS_PER_HOST') });
    stalled?.destroy();
    await expect(never.arrayBuffer()).rejects.toThrow();
    expect(origin.requests.map(({ url }) => url)).not.toContain('/2');
  });
});

test('a raw source that comes a byte now and then ends the answer, and the connection to its host', async () => {
  const open = new Set<ServerResponse>();
  const origin = await startWebOrigin((_request, response) => {
    open.add(response.writeHead(200, { 'content-type': 'image/png' }));
    const timer = setInterval(() => response.write('x'), 50);
    response.on('close', () => {
      clearInterval(timer);
      open.delete(response);
    });
  });
  const rig = await startProxy({ ...LOOPBACK, timeout: 0.3 });
  const answer = await begun(rig, `/unsafe/raw:1/${plain(`${origin.base}/1`)}`);
  await expect(answer.arrayBuffer()).rejects.toThrow();
  await expect.poll(() => open.size).toBe(0);
});

test('a raw source whose client has gone is left alone where there is no cache', async () => {
  const closed = Promise.withResolvers<void>();
  const origin = await startWebOrigin((_request, response) => {
    response.writeHead(200, { 'content-type': 'image/png' });
    response.write(Buffer.alloc(200_000));
    response.on('close', () => closed.resolve());
  });
  const rig = await startProxy({ ...LOOPBACK, cacheUse: '', downloadTimeout: 60 });
  const client = new AbortController();
  const answer = await rig.get(`/unsafe/raw:1/${plain(`${origin.base}/1`)}`, { signal: client.signal });
  expect(answer.status).toBe(200);
  client.abort();
  await closed.promise;
});

describe('more images in the making than may be', () => {
  test.each([
    [{}, 503],
    [{ overloadStatus: '429' }, 429],
  ])('with %j is a %i at once, before anything is downloaded', async (settings, status) => {
    const slow = await slowOrigin();
    const rig = await startProxy({ ...LOOPBACK, workers: 1, requestsQueueSize: 2, ...settings });
    const running = ['1', '2', '3'].map((name) => ask(rig, slow.origin, name));
    await slow.asked(3);
    const refused = await ask(rig, slow.origin, '4');
    expect([refused.status, refused.headers.get('retry-after'), refused.headers.get('cache-control')]).toEqual([
      status,
      '1',
      'no-store',
    ]);
    // Whoever wants what is being made already joins it.
    running.push(ask(rig, slow.origin, '1'));
    slow.answerAll();
    expect((await Promise.all(running)).map((answer) => answer.status)).toEqual([200, 200, 200, 200]);
    expect(slow.origin.requests).toHaveLength(3);
    const again = ask(rig, slow.origin, '4');
    await slow.asked(4);
    slow.answerAll();
    expect((await again).status).toBe(200);
  });

  test('places are given back whatever happens to an image', async () => {
    const origin = await startWebOrigin();
    const rig = await startProxy({ ...LOOPBACK, workers: 1, requestsQueueSize: 1, maxDownloadsPerHost: 1 });
    const ways = [
      (response: ServerResponse) => response.writeHead(404).end(),
      (response: ServerResponse) => response.end('no image'),
      (response: ServerResponse) => response.destroy(),
      (response: ServerResponse) => response.end(image),
    ];
    for (const [index, way] of [...ways, ...ways].entries()) {
      origin.answer((_request, response) => void way(response));
      await (await ask(rig, origin, String(index))).arrayBuffer();
      const raw = await rig.get(`/unsafe/raw:1/${plain(`${origin.base}/raw${index}`)}`);
      await raw.arrayBuffer().catch(() => undefined);
    }
    expect((await ask(rig, origin, 'last')).status).toBe(200);
  });
});

describe('memory', () => {
  /** A transformer that asks for `bytes`, and tells how many were at work at once. */
  function hungry(bytes: number, gate: Promise<void>) {
    const seen = { asked: 0, now: 0, most: 0 };
    const plugin = definePlugin({
      name: 'test/hungry',
      register: ({ container }) => {
        container.onActivation(tokens.transformer, (_context, transformer) => ({
          ...transformer,
          revision: transformer.revision,
          supports: transformer.supports,
          open: () => transformer.open(),
          close: () => transformer.close(),
          transform: async (request) => {
            seen.asked++;
            const release = await request.reserve?.(bytes);
            seen.now++;
            seen.most = Math.max(seen.most, seen.now);
            await gate;
            seen.now--;
            release?.();
            return { body: Buffer.from('x'), contentType: 'image/png', width: 1, height: 1 };
          },
        }));
      },
    });
    return { plugin, seen };
  }

  const paths = [1, 2, 3, 4].map((width) => `/unsafe/w:${width}/plain/local:///chelsea.png`);

  test('is shared: what together would take more than the budget is made in turn', async () => {
    const gate = Promise.withResolvers<void>();
    const { plugin, seen } = hungry(400_000, gate.promise);
    const rig = await startProxy({ workers: 4, memoryBudget: 1_000_000 }, [plugin]);
    const answers = paths.map((path) => rig.get(path));
    await expect.poll(() => seen.asked).toBe(4);
    await expect.poll(() => seen.now).toBe(2);
    gate.resolve();
    expect((await Promise.all(answers)).map(({ status }) => status)).toEqual([200, 200, 200, 200]);
    expect(seen.most).toBe(2);
  });

  test('that does not come free in time is a 503', async () => {
    const { plugin, seen } = hungry(1_000_000, new Promise(() => undefined));
    const rig = await startProxy({ workers: 4, memoryBudget: 1_000_000, timeout: 77 }, [plugin]);
    const limit = heldTimers(77);
    const answers = paths.slice(0, 2).map((path) => rig.get(path));
    await expect.poll(() => [seen.asked, seen.now]).toEqual([2, 1]);
    limit.goOff();
    expect((await Promise.all(answers)).map(({ status }) => status).sort()).toEqual([503, 504]);
  });
});
