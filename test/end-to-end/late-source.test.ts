import { once } from 'node:events';
import { definePlugin, type Origin, StreamedBody } from '@tintype/core';
import { expect, test } from 'vitest';
import { startProxy } from './rig.ts';

test('a source that comes when everybody has left is released, and not left to the garbage collection', async () => {
  const asked = Promise.withResolvers<AbortSignal>();
  const answer = Promise.withResolvers<void>();
  const released = Promise.withResolvers<void>();
  const slow: Origin = {
    schemes: ['slow'],
    open: async () => {},
    close: async () => {},
    check: async () => ({ ok: true, summary: 'slow' }),
    async fetch(_source, { signal }) {
      asked.resolve(signal);
      await answer.promise;
      const body = new StreamedBody(async function* () {}, released.resolve);
      return { status: 200, headers: {}, body };
    },
  };
  const plugin = definePlugin({
    name: 'test/slow-origin',
    register: (registry) => registry.origin({ id: 'slow', options: {}, create: () => slow }),
  });
  const { get } = await startProxy({ cacheUse: 'memory' }, [plugin]);

  const client = new AbortController();
  const gone = expect(get('/_/rs:fit:10/plain/slow://a/b.jpg', { signal: client.signal })).rejects.toThrow();
  const signal = await asked.promise;
  const cancelled = once(signal, 'abort');
  client.abort();
  await Promise.all([gone, cancelled]);
  answer.resolve();
  await released.promise;
});
