import { type CacheStorage, definePlugin, tokens } from '@tintype/core';
import { expect, test } from 'vitest';
import { startProxy } from './rig.ts';

const path = '/unsafe/w:50/plain/local:///chelsea.png';

test('a lookup that takes longer than a whole flight does not make the image a second time', async () => {
  const slow = Promise.withResolvers<void>();
  const looking = Promise.withResolvers<void>();
  let lookups = 0;
  const plugin = definePlugin({
    name: 'test/slow-lookup',
    register: ({ container }) => {
      container.onActivation(tokens.resultStorage, (_context, storage) => {
        const get: CacheStorage['get'] = async (key, options) => {
          // The first one has read "nothing there" and is held up on its way back.
          const outcome = await storage.get(key, options);
          if (++lookups > 1) return outcome;
          looking.resolve();
          await slow.promise;
          return outcome;
        };
        return new Proxy(storage, {
          get(target, name) {
            if (name === 'get') return get;
            const value: unknown = Reflect.get(target, name, target);
            return typeof value === 'function' ? value.bind(target) : value;
          },
        });
      });
    },
  });
  const rig = await startProxy({ cacheUse: 'memory' }, [plugin]);
  const first = rig.get(path);
  await looking.promise;
  expect((await rig.get(path)).headers.get('cache-status')).toContain('uri-miss');
  await rig.stored(1);
  slow.resolve();
  expect((await first).headers.get('cache-status')).toContain('hit');
  expect(rig.count('transformed')).toBe(1);
});
