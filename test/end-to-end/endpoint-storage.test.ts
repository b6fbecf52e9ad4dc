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
