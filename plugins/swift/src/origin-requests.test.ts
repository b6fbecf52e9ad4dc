import type { HttpFields, OriginRequest } from '@tintype/core';
import { service } from '@tintype-test/servers/scripted-service';
import { expect, onTestFinished, test } from 'vitest';
import { optionsFor } from '../test/harness.ts';
import { logsIn } from '../test/service.ts';
import type { SwiftOriginOptions } from './options.ts';
import { SwiftOrigin } from './origin.ts';

const scope = { downloadTimeout: 5, isAllowed: () => true };

async function open(more: Partial<SwiftOriginOptions>): Promise<SwiftOrigin> {
  const origin = new SwiftOrigin({ ...optionsFor(), allowedBuckets: [], deniedBuckets: [], ...more }, scope);
  await origin.open();
  onTestFinished(() => origin.close());
  return origin;
}

function asked(headers: HttpFields = {}, more: Partial<OriginRequest> = {}): OriginRequest {
  return { headers, maxBytes: 1_000_000, signal: new AbortController().signal, ...more };
}

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
