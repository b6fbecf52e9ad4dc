import { createProxy, tokens } from '@tintype/core';
import { TransformPool, transformProcesses, workers } from '@tintype/workers';
import { expect, onTestFinished, test } from 'vitest';
import { builtInPlugins } from '../built-in-plugins.ts';

test.each([
  ['as many as cores and memory suggest', {}, transformProcesses()],
  ['not more than there are transforms at a time', { workers: 1 }, 1],
  ['as many as are set, while all of them can work', { workers: 3, transformProcesses: 3 }, 3],
  ['not more than can work, whatever is set', { workers: 1, transformProcesses: 2 }, 1],
])('transforming processes: %s', async (_, settings, expected) => {
  const moved = workers({ modules: [import.meta.resolve('@tintype/sharp')] });
  const proxy = await createProxy({
    plugins: [...builtInPlugins, moved],
    settings: { cacheUse: 'memory', ...settings },
  });
  const pool = proxy.container.get(tokens.transformer);
  if (!(pool instanceof TransformPool)) throw new Error('The transforms were not moved.');
  onTestFinished(() => pool.close());
  await pool.open();
  expect(pool.pids).toHaveLength(expected);
});
