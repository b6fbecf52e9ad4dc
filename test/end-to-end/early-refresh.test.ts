import type { RequestListener, ServerResponse } from 'node:http';
import { definePlugin, tokens } from '@tintype/core';
import { workers } from '@tintype/workers';
import { describe, expect, test, vi } from 'vitest';
import { heldTimers } from './held-timers.ts';
import { startProxy } from './rig.ts';
import { cat, outcome, startRig, startSource, ttlOf, url } from './source-rig.ts';

/** What the dice show until the end of the test: 0 is never early, nearly 1 as early as can be. */
function dice(value: number) {
  const spy = vi.spyOn(Math, 'random').mockReturnValue(value);
  return { [Symbol.dispose]: () => spy.mockRestore() };
}

describe('an entry in use is refreshed before it expires (XFetch)', () => {
  /** Late enough for 100 times the second that the entry takes to be made. */
  const LEFT_SECONDS = 15;

  /** An entry with so much left of its minute. */
  async function nearlyExpired(settings: Record<string, unknown>) {
    const { origin, state } = await startSource({ 'cache-control': 'max-age=60' });
    const rig = await startRig(settings);
    const listener: RequestListener = (_request, response) => {
      // It takes a second each time.
      rig.advance(1);
      response.sendDate = false;
      response.writeHead(200, state.headers).end(cat);
    };
    origin.answer(listener);
    await rig.get(url(origin));
    await rig.stored(1);
    rig.advance(60 - LEFT_SECONDS);
    return { origin, rig, listener };
  }

  test('by one request in the background, where chance wants it, and nobody waits', async () => {
    const { origin, rig, listener } = await nearlyExpired({ earlyRefresh: 100 });
    const everybodyHasAnswer = Promise.withResolvers<void>();
    origin.answer(async (request, response) => {
      await everybodyHasAnswer.promise;
      listener(request, response);
    });
    {
      using _luck = dice(0.999_999);
      const answers = await Promise.all(Array.from({ length: 20 }, () => rig.get(url(origin))));
      for (const answer of answers) expect(outcome(answer)).toMatch(/^Tintype; hit; ttl=/);
    }
    using _noMore = dice(0);
    everybodyHasAnswer.resolve();
    await rig.stored(2);
    expect(ttlOf(await rig.get(url(origin)))).toBeGreaterThan(30);
    expect(origin.requests).toHaveLength(2);
    expect(rig.events).toContainEqual({ type: 'revalidated', outcome: 'changed', background: true });
  });

  test.each([
    ['where chance does not want it', { earlyRefresh: 100 }, 0],
    ['unless the operator wants it', {}, 0.999_999],
  ])('and not %s', async (_what, settings, chance) => {
    const { origin, rig } = await nearlyExpired(settings);
    using _luck = dice(chance);
    for (let time = 0; time < 20; time++)
      expect(outcome(await rig.get(url(origin)))).toMatch(/^Tintype; hit; ttl=\d+$/);
    // A refresh would have been begun before its answer was given.
    rig.advance(LEFT_SECONDS + 1);
    await rig.get(url(origin));
    expect(origin.requests).toHaveLength(2);
  });
});

test('lifetimes are shortened by different shares, so that what came together does not expire together', async () => {
  const { origin } = await startSource({ 'cache-control': 'max-age=1000' });
  const rig = await startRig({ ttlJitter: 0.5 });
  const paths = Array.from({ length: 10 }, (_, at) => url(origin, `w:${at + 10}`));
  for (const path of paths) await rig.get(path);
  await rig.stored(paths.length);
  const lifetimes = await Promise.all(paths.map(async (path) => ttlOf(await rig.get(path))));
  expect(new Set(lifetimes).size).toBeGreaterThan(1);
  expect(Math.max(...lifetimes)).toBeLessThanOrEqual(1_000);
  expect(Math.min(...lifetimes)).toBeGreaterThan(400);
});

describe('where there is no room', () => {
  test('what is refreshed in the background is left to a later request', async () => {
    const { origin, state } = await startSource({ 'cache-control': 'max-age=60, stale-while-revalidate=60' });
    // As many refreshes at a time as workers.
    const rig = await startRig({ workers: 1 });
    const paths = ['w:20', 'w:30'].map((options) => url(origin, options));
    for (const path of paths) await rig.get(path);
    await rig.stored(2);
    rig.advance(61);
    const gate = Promise.withResolvers<void>();
    origin.answer(async (_request, response) => {
      await gate.promise;
      response.sendDate = false;
      response.writeHead(200, state.headers).end(cat);
    });
    for (const path of paths) expect(outcome(await rig.get(path))).toMatch(/detail=swr$/);
    expect(rig.events).toContainEqual({ type: 'revalidated', outcome: 'shed', background: true });
    await expect.poll(() => origin.requests.length).toBe(3);
    gate.resolve();
    await rig.stored(3);
    await expect.poll(async () => ttlOf(await rig.get(paths[0] ?? ''))).toBeGreaterThan(0);
    expect(outcome(await rig.get(paths[1] ?? ''))).toMatch(/detail=swr$/);
    await rig.stored(4);
  });

  test.each([
    ['at the host', { maxDownloadsPerHost: 1 }],
    ['among those that are made', { workers: 1 }],
  ])('%s, nothing is refreshed in the background, and that is counted', async (_where, settings) => {
    const { origin, state } = await startSource({ 'cache-control': 'max-age=60, stale-while-revalidate=600' });
    const gate = Promise.withResolvers<void>();
    const slow = definePlugin({
      name: 'test/slow',
      register: ({ container }) => {
        container.onActivation(tokens.transformer, (_context, made) => ({
          ...made,
          revision: made.revision,
          supports: made.supports,
          open: () => made.open(),
          close: () => made.close(),
          async transform(request) {
            if (request.operations.blur > 0) await gate.promise;
            return made.transform(request);
          },
        }));
      },
    });
    const rig = await startProxy({ cacheUse: 'memory', allowLoopbackSourceAddresses: true, ...settings }, [slow]);
    await rig.get(url(origin));
    await rig.stored(1);
    rig.advance(61);
    const held = Promise.withResolvers<void>();
    origin.answer(async (_request, response) => {
      if ('maxDownloadsPerHost' in settings) await held.promise;
      response.sendDate = false;
      response.writeHead(200, state.headers).end(cat);
    });
    // One takes the only place, and nobody waits for it.
    const busy = rig.get(url(origin, 'bl:2', 'b'));
    await expect.poll(() => origin.requests.length).toBe(2);
    if ('workers' in settings) await expect.poll(() => rig.proxy.load?.().transforms).toBe(1);
    expect(outcome(await rig.get(url(origin)))).toMatch(/detail=swr$/);
    await expect
      .poll(() => rig.events.filter(({ type }) => type === 'revalidated'))
      .toEqual([{ type: 'revalidated', outcome: 'shed', background: true }]);
    held.resolve();
    gate.resolve();
    await busy;
    expect(origin.requests).toHaveLength(2);
  });

  test.each([
    ['this process transforms', 0],
    ['a child transforms', 1],
  ])(
    'in memory while %s, nothing is refreshed in the background, and that is counted',
    async (_where, processes) => {
      const { origin, state } = await startSource({ 'cache-control': 'max-age=60, stale-while-revalidate=600' });
      const children = workers({ modules: [import.meta.resolve('@tintype/sharp')], processes });
      const settings = { cacheUse: 'memory', allowLoopbackSourceAddresses: true, memoryBudget: 1_000 };
      const rig = await startProxy(settings, [children]);
      await rig.get(url(origin));
      await rig.stored(1);
      rig.advance(61);
      // All of it anew, so that there is something to make.
      origin.answer((_request, response) => {
        response.sendDate = false;
        response.writeHead(200, state.headers).end(cat);
      });
      const { memory } = rig.proxy.container.get(tokens.capacity);
      const giveBack = await memory.reserve(1, new AbortController().signal);
      const refreshes = () => rig.events.flatMap((event) => (event.type === 'revalidated' ? [event.outcome] : []));
      expect(outcome(await rig.get(url(origin)))).toMatch(/detail=swr$/);
      await expect.poll(refreshes).toEqual(['shed']);
      giveBack();
      expect(outcome(await rig.get(url(origin)))).toMatch(/detail=swr$/);
      await expect.poll(refreshes).toEqual(['shed', 'changed']);
      expect(memory.used).toBe(0);
    },
    180_000,
  );

  test.each([
    ['max-age=60', 200],
    ['max-age=60, must-revalidate', 503],
    ['max-age=60, stale-if-error=0', 503],
  ])('%s answers %i to who asks for what is stale', async (control, status) => {
    const { origin } = await startSource({ 'cache-control': control });
    const rig = await startRig({ workers: 1, requestsQueueSize: 1 });
    await rig.get(url(origin));
    await rig.stored(1);
    rig.advance(61);
    origin.answer(() => undefined);
    const client = new AbortController();
    const busy = ['b', 'c'].map((name) =>
      rig.get(url(origin, 'w:20', name), { signal: client.signal }).catch(() => undefined),
    );
    await expect.poll(() => origin.requests.length).toBe(3);
    expect((await rig.get(url(origin))).status).toBe(status);
    client.abort();
    await Promise.all(busy);
  });
});

describe('a request that dies hangs nobody who waits for it', () => {
  test('if it is the origin that never answers it: it is asked once more, however long it takes for each answer', async () => {
    const { origin, state } = await startSource({ 'cache-control': 'max-age=60' });
    origin.answer((_request, response) => {
      if (origin.requests.length > 1) second.resolve(response);
    });
    const second = Promise.withResolvers<ServerResponse>();
    const rig = await startRig({ fetchAgainAfter: 77 });
    const again = heldTimers(77);
    const asking = Array.from({ length: 50 }, () => rig.get(url(origin)));
    await expect.poll(() => [origin.requests.length, rig.proxy.load?.().waiting]).toEqual([1, 50]);
    again.goOff();
    const response = await second.promise;
    // As late as any later attempt would be.
    again.goOff();
    response.writeHead(200, state.headers).end(cat);
    const answers = await Promise.all(asking);
    expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([200]));
    expect(origin.requests).toHaveLength(2);
  });

  test('if it is its client that leaves: the others get its answer', async () => {
    const { origin, state } = await startSource({ 'cache-control': 'max-age=60' });
    const gate = Promise.withResolvers<void>();
    origin.answer(async (_request, response) => {
      await gate.promise;
      response.writeHead(200, state.headers).end(cat);
    });
    const rig = await startRig();
    const client = new AbortController();
    const leader = rig.get(url(origin), { signal: client.signal }).catch(() => undefined);
    await expect.poll(() => origin.requests.length).toBe(1);
    const waiters = Array.from({ length: 20 }, () => rig.get(url(origin)));
    await expect.poll(() => rig.proxy.load?.().waiting).toBe(21);
    client.abort();
    await leader;
    await expect.poll(() => rig.proxy.load?.().waiting).toBe(20);
    gate.resolve();
    expect(new Set((await Promise.all(waiters)).map(({ status }) => status))).toEqual(new Set([200]));
    expect(origin.requests).toHaveLength(1);
  });
});
