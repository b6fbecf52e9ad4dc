import { asked } from '@tintype-test/servers/origin-rules';
import { service } from '@tintype-test/servers/scripted-service';
import { expect, test } from 'vitest';
import { open } from '../test/origins.ts';
import { logsIn } from '../test/service.ts';

test.each([
  'swift://public/../private/x',
  'swift://public/a/../../private/x',
  'swift://public/./x',
  'swift://public/..',
  'swift://../AUTH_other/c/x',
  'swift://./AUTH_other/c/x',
])('%s leads nowhere, and nobody is shown the token', async (source) => {
  const { endpoint, requests } = await service((request, response) => {
    if (!logsIn(request, response)) response.writeHead(200, { etag: 'a' }).end('x');
  });
  const origin = await open({ authUrl: `${endpoint}/auth/v1.0` });
  await expect(origin.fetch(source, asked())).rejects.toMatchObject({ code: 'invalid-source' });
  expect(requests).toEqual([]);
});

test('beside an If-Range that is neither tag nor date no range is asked for', async () => {
  const { endpoint, requests } = await service((request, response) => {
    if (logsIn(request, response)) return;
    response.setHeader('etag', '"a"').end('x');
  });
  const origin = await open({ authUrl: `${endpoint}/auth/v1.0` });
  const { body } = await origin.fetch('swift://photos/k', asked({ range: 'bytes=5-9', 'if-range': 'neither' }));
  await body.discard();
  const { range, 'x-ms-range': msRange } = requests.at(-1)?.headers ?? {};
  expect([range, msRange]).toEqual([undefined, undefined]);
});
