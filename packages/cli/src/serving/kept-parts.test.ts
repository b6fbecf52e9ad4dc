import { createProxy, type EntryMetadata, tokens } from '@tintype/core';
import { workers } from '@tintype/workers';
import { expect, onTestFinished, test } from 'vitest';
import { builtInPlugins } from '../built-in-plugins.ts';
import { KeptParts } from './kept-parts.ts';

const METADATA: EntryMetadata = {
  status: 200,
  contentType: 'image/png',
  etag: '"a"',
  storedAt: 0,
  freshUntil: 1,
  source: 'local:///a.png',
};

/** Proxies of the same settings, one in place of the other. */
function succession(settings: Readonly<Record<string, unknown>> = {}) {
  const parts = new KeptParts();
  return async () => {
    const { plugin, letGo } = parts.keep({ storage: 'the same', transformer: 'the same' });
    const proxy = await createProxy({
      plugins: [...builtInPlugins, plugin],
      settings: { cacheUse: 'memory', transformProcesses: 0, ...settings },
    });
    onTestFinished(() => proxy.close());
    const canStore = async () => {
      await proxy.storage?.put('v1/a/b', new Uint8Array(1), METADATA);
      return (await proxy.storage?.stat('v1/a/b')) !== undefined;
    };
    return { proxy, letGo, canStore };
  };
}

test('what a proxy was made with stays for it, also if it is opened only after the one before was closed', async () => {
  const make = succession();
  const before = await make();
  await before.proxy.open();
  const next = await make();
  await before.proxy.close();
  await next.proxy.open();
  expect(await next.canStore()).toBe(true);
});

test('a storage with an expiration stores on when the proxy that made it is gone', async () => {
  const make = succession({ cacheExpirationDays: 1 });
  const before = await make();
  await before.proxy.open();
  const next = await make();
  await next.proxy.open();
  await before.proxy.close();
  expect(await next.canStore()).toBe(true);
});

test('what is kept for a proxy that does not come about is let go', async () => {
  const make = succession();
  const before = await make();
  await before.proxy.open();
  const next = await make();
  await next.letGo();
  expect(await before.canStore()).toBe(true);
  await before.proxy.close();
  await expect(before.canStore()).rejects.toMatchObject({ code: 'closed' });
});

test.each([0, 1])('what a transformer of %i processes can do is not hidden', async (transformProcesses) => {
  const { plugin } = new KeptParts().keep({ storage: 'one', transformer: 'one' });
  const { container } = await createProxy({
    plugins: [...builtInPlugins, workers({ modules: [] }), plugin],
    settings: { transformProcesses },
  });
  expect(container.get(tokens.transformer).transformFile !== undefined).toBe(transformProcesses === 1);
});
