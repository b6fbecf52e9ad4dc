import { readdirSync, readlinkSync } from 'node:fs';
import { expect, test } from 'vitest';
import { BufferedBody } from '../bodies.ts';
import { scriptedProxy } from './scripted-proxy.fixture.ts';

test.each([
  ['hangs', () => new Promise<never>(() => undefined)],
  ['fails', () => Promise.reject(new Error('socket'))],
])('an answer does not depend on discarding a body that %s', async (_name, discard) => {
  const { ask } = await scriptedProxy({
    fetch: async () => ({
      status: 404,
      headers: {},
      body: Object.assign(new BufferedBody(Buffer.from('none')), { discard }),
    }),
  });
  expect((await ask('/image/o://h/x')).status).toBe(404);
});

test.runIf(process.platform === 'linux')(
  'sources that wait for a worker go to disk once they fill their memory',
  async () => {
    const gate = Promise.withResolvers<void>();
    let fetched = 0;
    const { ask } = await scriptedProxy({
      fetch: async () => {
        fetched++;
        return { status: 200, headers: {}, body: new BufferedBody(Buffer.alloc(7 * 2 ** 20)) };
      },
      transform: async () => {
        await gate.promise;
        return { body: Buffer.from('made'), contentType: 'image/png', width: 1, height: 1 };
      },
      settings: { workers: 1, memoryBudget: 1, timeout: 60 },
    });
    const answers = Array.from({ length: 13 }, (_, index) => ask(`/image/o://h/${index}`));
    // 64 MiB hold nine; one more is with the worker.
    while (fetched < 13 || openSpools() < 3) await new Promise((resolve) => setTimeout(resolve, 10));
    gate.resolve();
    expect(new Set((await Promise.all(answers)).map(({ status }) => status))).toEqual(new Set([200]));
    while (openSpools() > 0) await new Promise((resolve) => setTimeout(resolve, 10));
  },
);

function openSpools(): number {
  return readdirSync('/proc/self/fd').filter((descriptor) => {
    try {
      return readlinkSync(`/proc/self/fd/${descriptor}`).includes('tintype-spool');
    } catch {
      return false;
    }
  }).length;
}

const made = { body: Buffer.from('made'), contentType: 'image/png', width: 1, height: 1 };

test.each([
  ['given away', true, async () => made, 0],
  ['kept by the origin', false, async () => made, 1_000_000],
  ['given away, but passed on as the result', true, async (input: Uint8Array) => ({ ...made, body: input }), 1_000_000],
  ['given away, but of no use', true, async () => Promise.reject(new Error('broken')), 1_000_000],
])('of a source that is %s, so many bytes are left', async (_name, expendable, transform, left) => {
  const source = Buffer.allocUnsafeSlow(1_000_000);
  const { ask } = await scriptedProxy({
    fetch: async () => ({ status: 200, headers: {}, body: new BufferedBody(source, { expendable }) }),
    transform: ({ input }) => transform(input),
  });
  await ask('/image/o://h/x');
  expect(source.length).toBe(left);
});
