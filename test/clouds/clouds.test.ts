import { serverForTest } from '@tintype-test/servers';
import { afterAll, describe, test, vi } from 'vitest';
import { clouds } from './cloud.ts';
import { testExpiration } from './expiration.ts';
import { testRestart } from './restart.ts';
import { photograph } from './rig.ts';
import { testTrouble } from './trouble.ts';
import { testWrongSettings } from './wrong-settings.ts';

vi.setConfig({ testTimeout: 180_000 });

const places = Object.entries(clouds).flatMap(([name, cloud]) => cloud.servers.map((kind) => ({ name, kind, cloud })));

// All in one file: each server is started once.
describe.each(places)('with sources and cache by $name on $kind', async ({ name, kind, cloud }) => {
  const { server, missing } = await serverForTest(kind);
  if (server === undefined) {
    test('a proxy serves images', ({ skip }) => skip(missing));
    return;
  }
  afterAll(() => server.stop());
  const place = { name, cloud, server, make: async () => cloud.make(server, await photograph()) };
  testRestart(place);
  testExpiration(place);
  testWrongSettings(place);
  // The faults are scripted: they are the same before each server of a cloud.
  if (kind === cloud.servers[0]) testTrouble(place);
});
