import { definePlugin, type Plugin, type StoredMetadata } from '@tintype/core';
import { MemoryStorage } from '@tintype/memory';
import { expect, test } from 'vitest';
import { startProxy } from './rig.ts';
import { outcome, startSource, url } from './source-rig.ts';

const DAY_MS = 86_400_000;

const SETTINGS = { cacheUse: 'noted', allowLoopbackSourceAddresses: true };

/** The storage `noted`, and when what it is given may be forgotten, in days from the moment it is. */
function noted(): { readonly plugin: Plugin; readonly days: (number | undefined)[] } {
  const days: (number | undefined)[] = [];
  const note = ({ expiresAt }: StoredMetadata) => {
    days.push(expiresAt === undefined ? undefined : Math.round(((expiresAt - Date.now()) / DAY_MS) * 1_000) / 1_000);
  };
  class Noted extends MemoryStorage {
    override put(...call: Parameters<MemoryStorage['put']>): ReturnType<MemoryStorage['put']> {
      note(call[2]);
      return super.put(...call);
    }

    override setMetadata(...call: Parameters<MemoryStorage['setMetadata']>): ReturnType<MemoryStorage['setMetadata']> {
      note(call[1]);
      return super.setMetadata(...call);
    }
  }
  const plugin = definePlugin({
    name: 'test/noted',
    register: (registry) => registry.storage({ id: 'noted', options: {}, create: () => new Noted({ maxBytes: 0 }) }),
  });
  return { plugin, days };
}

test.each([
  ['nothing is said of it unless days are set', {}, 'max-age=60', undefined],
  ['after the days that are set', { cacheExpirationDays: 30 }, 'max-age=60', 30],
  ['not before it is stale', { cacheExpirationDays: 30, staleIfError: 0 }, `max-age=${40 * 86_400}`, 40],
  [
    'not while it may be used stale',
    { cacheExpirationDays: 30 },
    `max-age=${29 * 86_400}, stale-if-error=${9 * 86_400}`,
    38,
  ],
])('a storage may forget a result: %s', async (_, settings, cacheControl, expected) => {
  const { origin } = await startSource({ 'cache-control': cacheControl });
  const { plugin, days } = noted();
  const rig = await startProxy({ ...SETTINGS, ...settings }, [plugin]);
  await (await rig.get(url(origin))).arrayBuffer();
  await rig.stored(1);
  expect(days).toEqual([expected === undefined ? undefined : expect.closeTo(expected, 2)]);
});

test('a result that is revalidated may be forgotten later', async () => {
  const { origin } = await startSource({ 'cache-control': 'max-age=60' });
  const { plugin, days } = noted();
  const rig = await startProxy({ ...SETTINGS, cacheExpirationDays: 30 }, [plugin]);
  await (await rig.get(url(origin))).arrayBuffer();
  await rig.stored(1);
  rig.advance(86_400);
  const again = await rig.get(url(origin));
  await again.arrayBuffer();
  expect(outcome(again)).toContain('fwd-status=304');
  await expect.poll(() => days).toEqual([expect.closeTo(30, 2), expect.closeTo(31, 2)]);
});
