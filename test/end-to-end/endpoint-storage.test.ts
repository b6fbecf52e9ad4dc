import { expect, test } from 'vitest';
import { EndpointRig, Origin } from './endpoint-rig.ts';
import { labStorage } from './lab-storage.ts';

test.each([
  ['of one for all', {}],
  ['of the index of several', { Vary: 'Accept-Language' }],
])('a storage that stalls within the body %s is not waited for: the origin has it', async (_what, fields) => {
  const lab = labStorage();
  await using origin = await Origin.start((_request, response) => {
    response.writeHead(200, { 'Cache-Control': 'max-age=600', ...fields }).end('content');
  });
  const endpoint = { path: '/', origins: [origin.base] };
  // Far below the 30 s that a storage is given for the next bytes of a large body.
  await using rig = await EndpointRig.start([endpoint], { cacheUse: 'lab', cacheLookupTimeout: 0.2 }, [lab.plugin]);
  await rig.ask('/');
  await rig.stored(1);
  lab.trouble = 'stalls';
  expect(await rig.ask('/')).toMatchObject({ status: 200, body: 'content' });
  expect(origin.requests).toHaveLength(2);
  expect(rig.events).toContainEqual(
    expect.objectContaining({ type: 'cache-error', operation: 'get', code: 'timeout' }),
  );
  lab.trouble = 'none';
});

test.each([
  ['of one for all', 'down', {}],
  ['of one of several', 'down', { Vary: 'Accept-Language' }],
  ['whose body stalls', 'stalls', {}],
  ['of one of several whose index stalls', 'stalls', { Vary: 'Accept-Language' }],
] as const)(
  'where errors shall be reported a lookup %s fails its request, and the origin is left alone (%s)',
  async (_what, trouble, fields) => {
    const lab = labStorage();
    await using origin = await Origin.start((_request, response) => {
      response.writeHead(200, { 'Cache-Control': 'max-age=600', ...fields }).end('content');
    });
    const settings = { cacheUse: 'lab', cacheLookupTimeout: 2, cacheReportErrors: true };
    await using rig = await EndpointRig.start([{ path: '/', origins: [origin.base] }], settings, [lab.plugin]);
    await rig.ask('/');
    await rig.stored(1);
    lab.trouble = trouble;
    const answer = await rig.ask('/');
    expect([answer.status, answer.headers['cache-control']]).toEqual([500, 'no-store']);
    expect(origin.requests).toHaveLength(1);
    lab.trouble = 'none';
    expect((await rig.ask('/')).headers['cache-status']).toContain('hit');
  },
);

test('what a storage that is left alone is not given is counted', async () => {
  const lab = labStorage();
  await using origin = await Origin.start((_request, response) => {
    response.writeHead(200, { 'Cache-Control': 'max-age=600' }).end('content');
  });
  await using rig = await EndpointRig.start([{ path: '/', origins: [origin.base] }], { cacheUse: 'lab' }, [lab.plugin]);
  lab.trouble = 'full';
  const dropped = { type: 'store-dropped', reason: 'paused', storage: 'lab' };
  const isDropped = () => rig.events.some((event) => event.type === 'store-dropped' && event.reason === 'paused');
  for (let index = 0; !isDropped(); index++) expect((await rig.ask(`/${index}`)).body).toBe('content');
  expect(rig.events).toContainEqual(dropped);
  expect(rig.events).toContainEqual(
    expect.objectContaining({ type: 'storage-state', access: 'writes', state: 'paused' }),
  );
});
