import { createReadStream } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { PHOTOS, plain, type Rig, startProxy, startWebOrigin } from './rig.ts';

const PUBLIC = { cacheUse: 'memory', bind: '0.0.0.0:8080', allowUnsigned: true };
const path = '/unsafe/w:50/plain/local:///chelsea.png';

async function outcome(rig: Rig, target: string): Promise<string> {
  const answer = await rig.get(target);
  await answer.arrayBuffer();
  return (answer.headers.get('cache-status') ?? '').replace(/; ttl=\d+/, '');
}

test('without a key and open to others, a result is stored at its second request', async () => {
  const rig = await startProxy(PUBLIC);
  expect(await outcome(rig, path)).toBe('Tintype; fwd=uri-miss');
  expect(await Array.fromAsync(rig.proxy.storage?.list('') ?? [])).toEqual([]);
  expect(await outcome(rig, path)).toBe('Tintype; fwd=uri-miss; stored');
  await rig.stored(1);
  expect(await outcome(rig, path)).toBe('Tintype; hit');
  expect(rig.events).toContainEqual({ type: 'store-dropped', reason: 'first-request' });
});

test('two who ask at the same moment are two requests', async () => {
  const gate = Promise.withResolvers<void>();
  const origin = await startWebOrigin(async (_request, response) => {
    await gate.promise;
    createReadStream(join(PHOTOS, 'coffee.png')).pipe(response);
  });
  const rig = await startProxy({ ...PUBLIC, allowLoopbackSourceAddresses: true });
  const url = `/unsafe/w:50/${plain(`${origin.base}/a.png`)}`;
  const { signal } = new AbortController();
  const ask = () => rig.proxy.handle({ method: 'GET', target: url, headers: {}, signal });
  const both = [ask(), ask()];
  gate.resolve();
  expect((await Promise.all(both)).map(({ headers }) => headers['cache-status']).sort()).toEqual([
    'Tintype; fwd=uri-miss; stored',
    'Tintype; fwd=uri-miss; stored; collapsed',
  ]);
});

test('an entry that has become too old is renewed at the first request', async () => {
  const rig = await startProxy({ ...PUBLIC, ttl: 100 });
  for (let index = 0; index < 2; index++) await outcome(rig, path);
  await rig.stored(1);
  rig.advance(101);
  expect(await outcome(rig, path)).toBe('Tintype; fwd=stale; fwd-status=304; stored');
});

test.each([
  ['on the loopback interface, where one develops', { bind: '127.0.0.1:8080' }],
  ['with a key, where nobody can make up URLs', { bind: ':8080', key: '736563726574', salt: '68656c6c6f' }],
])('%s, results are stored at once', async (_name, settings) => {
  const rig = await startProxy({ cacheUse: 'memory', ...settings });
  const target = '/w:50/plain/local:///chelsea.png';
  expect(await outcome(rig, 'key' in settings ? rig.proxy.sign(target) : path)).toContain('stored');
});

test('who puts a server of their own in front of it says so with allowUnsigned', async () => {
  const rig = await startProxy({ cacheUse: 'memory', allowUnsigned: true });
  expect(await outcome(rig, path)).toBe('Tintype; fwd=uri-miss');
});

test('so many variants of a source are stored, and those go on to be hits; other sources are not concerned', async () => {
  const rig = await startProxy({ ...PUBLIC, maxVariantsPerSource: 2 });
  const ask = async (width: number, name: string) => {
    const target = `/unsafe/w:${width}/plain/local:///${name}`;
    await outcome(rig, target);
    const second = await outcome(rig, target);
    return second.includes('stored');
  };
  expect([await ask(10, 'chelsea.png'), await ask(20, 'chelsea.png'), await ask(30, 'chelsea.png')]).toEqual([
    true,
    true,
    false,
  ]);
  expect(await ask(10, 'coffee.png')).toBe(true);
  await rig.stored(3);
  expect(await outcome(rig, '/unsafe/w:20/plain/local:///chelsea.png')).toBe('Tintype; hit');
  expect(rig.events).toContainEqual({ type: 'store-dropped', reason: 'too-many-variants' });
  expect(await Array.fromAsync(rig.proxy.storage?.list('') ?? [])).toHaveLength(3);
});
